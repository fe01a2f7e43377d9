#include "profiles/codec_rules.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "profiles/profile.h"

namespace gopmill {
namespace {

using ::testing::ElementsAre;

// A profile of one rendition of that codec with these keys.
Result<Profile> load(const CodecRules& rules, const std::string& keys) {
  return load_profile("renditions: [{codec: " + std::string(rules.word) + ", " + keys + "}]\n", "mine.yaml", {});
}

RenditionProfile loaded(const CodecRules& rules, const std::string& keys) {
  const Result<Profile> profile = load(rules, keys);
  EXPECT_TRUE(profile) << profile.error().text;
  return profile ? profile->renditions.at(0) : RenditionProfile{};
}

TEST(CodecRules, EachCodecIsFoundByItsWord) {
  std::vector<std::string_view> words;
  for (const CodecRules& rules : all_video_codecs()) {
    EXPECT_EQ(&rules_of(rules.codec), &rules);
    EXPECT_EQ(codec_word(rules.codec), rules.word);
    EXPECT_EQ(loaded(rules, "quality: 20").codec, rules.codec);
    words.push_back(rules.word);
  }
  EXPECT_THAT(words, ElementsAre("h264", "hevc", "av1", "vp9"));
}

TEST(CodecRules, EachAudioCodecIsFoundByItsWord) {
  std::vector<std::string_view> words;
  for (const AudioCodecRules& rules : all_audio_codecs()) {
    EXPECT_EQ(&rules_of(rules.codec), &rules);
    EXPECT_EQ(codec_word(rules.codec), rules.word);
    const Result<Profile> profile =
        load_profile("audio: {codec: " + std::string(rules.word) + "}\nrenditions: []\n", "mine.yaml", {});
    ASSERT_TRUE(profile) << profile.error().text;
    EXPECT_EQ(profile->audio->codec, rules.codec);
    words.push_back(rules.word);
  }
  EXPECT_THAT(words, ElementsAre("aac", "opus"));
}

TEST(CodecRules, AProfileMaySayAllThatTheTableHas) {
  for (const CodecRules& rules : all_video_codecs()) {
    SCOPED_TRACE(rules.word);
    EXPECT_EQ(loaded(rules, "quality: 20").preset, rules.preset);
    EXPECT_EQ(loaded(rules, "quality: " + std::to_string(rules.quality_max)).rate.quality, rules.quality_max);
    EXPECT_FALSE(load(rules, "quality: " + std::to_string(rules.quality_max + 1)));
    EXPECT_EQ(load(rules, "quality: 20.5").has_value(), !rules.quality_whole);
    for (const CodecProfile& profile : rules.profiles) {
      const bool ten = profile.pixel_format == PixelFormat::kYuv420p10;
      const RenditionProfile rendition =
          loaded(rules, "quality: 20, profile: " + std::string(profile.name) + ", pixel_format: yuv420p" + (ten ? "10" : ""));
      EXPECT_EQ(rendition.codec_profile, profile.name);
      EXPECT_EQ(rendition.pixel_format, profile.pixel_format);
    }
    std::set<std::string_view> levels;
    for (const std::string_view level : rules.levels) {
      EXPECT_EQ(loaded(rules, "quality: 20, level: " + std::string(level)).level, level);
      EXPECT_TRUE(levels.insert(level).second) << level;
    }
  }
}

}  // namespace
}  // namespace gopmill
