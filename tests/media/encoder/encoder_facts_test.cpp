#include "media/encoder/encoder_facts.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "profiles/codec_rules.h"

namespace gopmill {
namespace {

TEST(EncoderFacts, EveryCodecHasAnEncoder) {
  for (const CodecRules& rules : all_video_codecs()) EXPECT_EQ(facts_of(encoder_for(rules.codec)).codec, rules.codec);
  EXPECT_EQ(facts_of(encoder_for(VideoCodec::kH264)).name, "libx264");
  EXPECT_EQ(facts_of(encoder_for(VideoCodec::kHevc)).name, "libx265");
  EXPECT_EQ(facts_of(encoder_for(VideoCodec::kAv1)).name, "libsvtav1");
  EXPECT_EQ(facts_of(encoder_for(VideoCodec::kVp9)).name, "libvpx-vp9");
}

// What a profile may say of a codec is stated without knowing its encoder (profiles/codec_rules.h).
TEST(EncoderFacts, TheEncoderTakesWhatAProfileMaySay) {
  for (const CodecRules& rules : all_video_codecs()) {
    SCOPED_TRACE(rules.word);
    const EncoderFacts& facts = facts_of(encoder_for(rules.codec));
    EXPECT_EQ(facts.quality.max, rules.quality_max);
    EXPECT_EQ(facts.quality.steps == 1, rules.quality_whole);
    if (facts.presets.empty()) {
      EXPECT_TRUE(std::ranges::all_of(rules.preset, [](char c) { return c >= '0' && c <= '9'; })) << rules.preset;
    } else {
      EXPECT_TRUE(std::ranges::find(facts.presets, rules.preset, &PresetFacts::name) != facts.presets.end()) << rules.preset;
    }
  }
}

TEST(EncoderFacts, WhatIsSaidOfEachFitsTogether) {
  std::set<std::string_view> names;
  for (const EncoderFacts* facts : all_encoders()) {
    SCOPED_TRACE(facts->name);
    EXPECT_EQ(&facts_of(facts->encoder), facts);
    EXPECT_TRUE(names.insert(facts->name).second);
    ASSERT_NE(facts->options, nullptr);
    ASSERT_NE(facts->lookahead_frames, nullptr);
    const QualityScale& scale = facts->quality;
    EXPECT_LT(scale.measured_fine, scale.measured_coarse);
    EXPECT_LE(scale.shared_finest, scale.measured_fine);
    EXPECT_GE(scale.shared_coarsest, scale.measured_coarse);
    EXPECT_LE(scale.shared_coarsest, scale.max);
    EXPECT_GE(scale.steps, 1);
    // Presets have names or are numbers, and each costs something.
    EXPECT_NE(facts->presets.empty(), facts->numbered.pixel_ns == 0);
    std::set<std::string_view> presets;
    for (const PresetFacts& preset : facts->presets) {
      EXPECT_TRUE(presets.insert(preset.name).second) << preset.name;
      EXPECT_GT(preset.pixel_ns, 0) << preset.name;
    }
    if (presets.empty()) continue;
    EXPECT_TRUE(presets.contains(facts->measuring_preset)) << facts->measuring_preset;
    for (const std::string_view quicker : facts->quicker_presets) EXPECT_TRUE(presets.contains(quicker)) << quicker;
  }
}

}  // namespace
}  // namespace gopmill
