// Long because: a test for every key and for every rule of how keys are inherited.
#include "profiles/profile.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "profiles/shipped.h"

namespace gopmill {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

Profile loaded(std::string_view yaml, std::string_view file_name = "mine.yaml", const ProfileContext& context = {}) {
  Result<Profile> profile = load_profile(yaml, file_name, context);
  EXPECT_TRUE(profile) << profile.error().text;
  return profile ? *profile : Profile{};
}

std::string fault_text(const Result<Profile>& profile) { return profile ? "loaded" : profile.error().text; }

constexpr std::string_view kEverything = R"(# a comment
name: everything
device: tablet
description: >
  Two lines
  folded.
gop: 1.92s
segment: 9.6
joins: exact
damage: salvage
container: mp4
audio: {codec: opus, bitrate: 96k, channels: 1, tracks: [eng, pt-br], loudness: -16.5, true_peak: -2}
subtitles: {text: both, bitmap: burn, tracks: [eng, pt-br]}
metadata: {keep: none, location: true, cover: true}
rendition:
  codec: hevc
  options: {x265-params: "aq-mode=2:psy-rd=1"}
  quality: 24
renditions:
  - {name: small, height: 360, codec: h264, bitrate: 800k, fps_max: 29.97, level: 3, options: {tune: film}}
  - height: source
    fps_max: 30000/1001
    preset: slow
    profile: main10
    level: "5.1"
    pixel_format: yuv420p10
    dynamic_range: hdr
    quality: 21.5
    maxrate: 2.5M
    bufsize: 5000000
)";

Profile everything() {
  Profile profile{.name = "everything",
                  .device = "tablet",
                  .description = "Two lines folded.\n",
                  .gop = {48, 25},
                  .segment = {48, 5},
                  .joins = Joins::kExact,
                  .damage = Damage::kSalvage};
  profile.audio = AudioProfile{.codec = AudioCodec::kOpus,
                               .bitrate = 96'000,
                               .channels = 1,
                               .tracks = TrackChoice::kLanguages,
                               .languages = {"eng", "pt-br"},
                               .loudness = -16.5,
                               .true_peak = -2};
  profile.subtitles = {TextSubtitles::kBoth, BitmapSubtitles::kBurn, TrackChoice::kLanguages, {"eng", "pt-br"}};
  profile.metadata = {.keep = false, .cover = true, .location = true};
  RenditionProfile large{.name = "source", .codec = VideoCodec::kHevc, .fps_max = Rational{30000, 1001}};
  large.rate = {.quality = 21.5, .maxrate = 2'500'000, .bufsize = 5'000'000};
  large.preset = "slow";
  large.codec_profile = "main10";
  large.level = "5.1";
  large.pixel_format = PixelFormat::kYuv420p10;
  large.dynamic_range = DynamicRange::kHdr;
  large.encoder_options = {{"x265-params", "aq-mode=2:psy-rd=1"}};
  RenditionProfile small{.name = "small", .codec = VideoCodec::kH264, .height = 360, .fps_max = Rational{30000, 1001}};
  small.rate = {.bitrate = 800'000};
  small.preset = "medium";
  small.codec_profile = "auto";
  small.level = "3.0";
  small.encoder_options = {{"tune", "film"}, {"x265-params", "aq-mode=2:psy-rd=1"}};
  profile.renditions = {large, small};
  return profile;
}

TEST(LoadProfile, ReadsEveryKey) { EXPECT_EQ(loaded(kEverything), everything()); }

TEST(LoadProfile, CompletesWhatIsLeftOut) {
  Profile expected{.name = "my-phone"};
  expected.audio = AudioProfile{.codec = AudioCodec::kAac, .bitrate = 128'000, .channels = 2};
  RenditionProfile rendition{.name = "source", .codec = VideoCodec::kH264};
  rendition.rate.quality = 23;
  rendition.preset = "medium";
  rendition.codec_profile = "auto";
  rendition.level = "auto";
  expected.renditions = {rendition};
  EXPECT_EQ(loaded("renditions: [{quality: 23}]\n", "some/folder/my-phone.yaml"), expected);
}

TEST(LoadProfile, SegmentsAreWholeGopsNearTenSeconds) {
  const auto segment = [](std::string_view gop) { return loaded("gop: " + std::string(gop) + "\nrenditions: []\n").segment; };
  EXPECT_EQ(segment("2"), (Rational{10, 1}));
  EXPECT_EQ(segment("3"), (Rational{9, 1}));
  EXPECT_EQ(segment("1.92"), (Rational{48, 5}));
  EXPECT_EQ(segment("10"), (Rational{10, 1}));
  EXPECT_EQ(segment("1001/500"), (Rational{1001 * 4, 500}));
}

TEST(LoadProfile, AConstantRateAnswersForAnInheritedLimit) {
  const Profile profile = loaded(
      "telecine: film\nrendition: {quality: 23, fps_max: 30}\nrenditions: [{name: a, fps: 29.97}, {name: b}, {name: c, fps_max: "
      "none}]\n");
  EXPECT_EQ(profile.telecine, Telecine::kFilm);
  EXPECT_EQ(profile.renditions.at(0).fps, (Rational{30000, 1001}));
  EXPECT_FALSE(profile.renditions.at(0).fps_max);
  EXPECT_EQ(profile.renditions.at(1).fps_max, (Rational{30, 1}));
  EXPECT_FALSE(profile.renditions.at(1).fps);
  EXPECT_FALSE(profile.renditions.at(2).fps_max);
}

TEST(LoadProfile, TakesShortNamesOfNtscRates) {
  const auto rate = [](std::string_view text) {
    return loaded("renditions: [{quality: 23, fps_max: " + std::string(text) + "}]\n").renditions.at(0).fps_max;
  };
  EXPECT_EQ(rate("23.976"), (Rational{24000, 1001}));
  EXPECT_EQ(rate("29.97"), (Rational{30000, 1001}));
  EXPECT_EQ(rate("59.94"), (Rational{60000, 1001}));
  EXPECT_EQ(rate("2997/100"), (Rational{2997, 100}));
  EXPECT_EQ(rate("12.5"), (Rational{25, 2}));
  EXPECT_EQ(rate("none"), std::nullopt);
}

TEST(LoadProfile, ARenditionsOwnKeysGoBeforeTheCommonOnes) {
  const Profile profile = loaded(
      "rendition: {quality: 20, maxrate: 4M, bufsize: 8M, preset: fast}\n"
      "renditions:\n"
      "  - {height: 720, bitrate: 2M, preset: slow}\n"
      "  - {height: 480, maxrate: none, bufsize: none}\n");
  ASSERT_THAT(profile.renditions, SizeIs(2));
  EXPECT_EQ(profile.renditions[0].rate, (RateControl{.bitrate = 2'000'000, .maxrate = 4'000'000, .bufsize = 8'000'000}));
  EXPECT_EQ(profile.renditions[0].preset, "slow");
  EXPECT_EQ(profile.renditions[1].rate, (RateControl{.quality = 20}));
  EXPECT_EQ(profile.renditions[1].preset, "fast");
}

TEST(LoadProfile, PutsTheLargestFirst) {
  const Profile profile =
      loaded("rendition: {quality: 23}\nrenditions: [{height: 360}, {height: 1080}, {height: source}, {height: 720}]\n");
  std::vector<std::string> names;
  for (const RenditionProfile& rendition : profile.renditions) names.push_back(rendition.name);
  EXPECT_THAT(names, ElementsAre("source", "1080p", "720p", "360p"));
}

TEST(LoadProfile, TakesFilesFromOtherSystems) {
  const Profile expected = loaded("name: a\nrenditions: []\n");
  EXPECT_EQ(loaded("\xEF\xBB\xBFname: a\r\nrenditions: []\r\n"), expected);
  EXPECT_EQ(loaded("---\nname: a\nrenditions: []\n...\n"), expected);
  EXPECT_EQ(loaded("name: a\nrenditions: []"), expected);
}

TEST(ToYaml, IsCanonicalAndComplete) {
  EXPECT_EQ(to_yaml(loaded("description: 'a \"b\" \\c'\naudio: none\nrenditions: [{quality: 22.5, fps_max: 29.97, maxrate: "
                           "2500k, bufsize: 4M, options: {tune: film}}]\n")),
            "name: \"mine\"\n"
            "description: \"a \\\"b\\\" \\\\c\"\n"
            "gop: 2\n"
            "segment: 10\n"
            "joins: default\n"
            "telecine: keep\n"
            "damage: refuse\n"
            "container: mp4\n"
            "audio: none\n"
            "subtitles:\n"
            "  text: vtt\n"
            "  bitmap: drop\n"
            "  tracks: all\n"
            "metadata:\n"
            "  keep: standard\n"
            "  location: false\n"
            "  cover: false\n"
            "renditions:\n"
            "  - name: \"source\"\n"
            "    codec: h264\n"
            "    height: source\n"
            "    fps_max: 30000/1001\n"
            "    quality: 22.5\n"
            "    maxrate: 2500k\n"
            "    bufsize: 4M\n"
            "    preset: \"medium\"\n"
            "    profile: \"auto\"\n"
            "    level: \"auto\"\n"
            "    pixel_format: yuv420p\n"
            "    dynamic_range: sdr\n"
            "    options:\n"
            "      \"tune\": \"film\"\n");
}

TEST(ToYaml, LoadsBackEqual) {
  const std::vector<std::string> files = {
      std::string(kEverything),
      "renditions: []\n",
      "name: 'null'\ndevice: 'true'\nrenditions: [{name: '1', quality: 0}]\n",
      "description: \"tab-free, two\\nlines, \\u2028, \\\"quoted\\\", \\\\, ünï, 'x', #, %\"\nrenditions: []\n",
      "gop: 1001/300\nsegment: 1001/100\nrenditions: [{quality: 0.1, fps_max: 2997/100}]\n",
      "telecine: film\nrenditions: [{quality: 23, fps: 29.97}]\n",
      "subtitles: none\nmetadata: none\nrenditions: []\n",
      "subtitles: {tracks: default, text: mov_text}\nmetadata: {location: true}\nrenditions: []\n",
      "gop: 0.333333\nrenditions: [{bitrate: 123457, maxrate: 200001, bufsize: 300000}]\n",
      "renditions: [{codec: vp9, quality: 31, profile: 2, pixel_format: yuv420p10, options: {aq-mode: '~', 'a:b': ''}}]\n",
  };
  for (const std::string& file : files) {
    const Profile profile = loaded(file);
    EXPECT_EQ(loaded(to_yaml(profile), "other.yaml"), profile) << file;
    EXPECT_EQ(to_yaml(loaded(to_yaml(profile), "other.yaml")), to_yaml(profile));
  }
}

// ---- Extends ----

// Files beside each other, by name.
ProfileContext side_tracks(const std::map<std::string, std::string>& files) {
  return {.parent = [files](std::string_view extends, std::string_view) -> Result<ParentFile> {
    const auto file = files.find(std::string(extends));
    if (file == files.end()) return fail(FaultKind::kNoInput, "cannot open " + std::string(extends));
    return ParentFile{file->first, file->second};
  }};
}

TEST(Extends, InheritsAllButTheName) {
  const Profile parent = loaded(kEverything);
  Profile expected = parent;
  expected.name = "mine";
  expected.audio->bitrate = 64'000;
  expected.device = "phone";
  EXPECT_EQ(loaded("extends: base.yaml\naudio: {bitrate: 64k}\ndevice: phone\n", "mine.yaml",
                   side_tracks({{"base.yaml", std::string(kEverything)}})),
            expected);
}

TEST(Extends, ReplacesTheListAndMergesTheCommonKeys) {
  const Profile profile =
      loaded("extends: base.yaml\nrendition: {bitrate: 1M, options: {tune: film}}\nrenditions: [{height: 480}]\n", "mine.yaml",
             side_tracks({{"base.yaml", std::string(kEverything)}}));
  RenditionProfile expected{.name = "480p", .codec = VideoCodec::kHevc, .height = 480};
  expected.rate.bitrate = 1'000'000;  // instead of the inherited quality
  expected.preset = "medium";
  expected.codec_profile = "auto";
  expected.level = "auto";
  expected.encoder_options = {{"tune", "film"}, {"x265-params", "aq-mode=2:psy-rd=1"}};
  EXPECT_THAT(profile.renditions, ElementsAre(expected));
}

TEST(Extends, AShippedProfileByItsName) {
  Profile expected = *find_profile("phone");
  expected.name = "phone-loud";
  expected.audio->bitrate = 192'000;
  EXPECT_EQ(loaded("extends: phone\naudio: {bitrate: 192k}\n", "phone-loud.yaml"), expected);
  // A file may be called as the shipped profile that it extends.
  EXPECT_EQ(loaded("extends: phone\n", "phone.yaml"), *find_profile("phone"));
}

TEST(Extends, FourFilesAndNoMore) {
  std::map<std::string, std::string> files = {{"5.yaml", "renditions: []\n"}};
  for (int i = 1; i < 5; ++i) files[std::to_string(i) + ".yaml"] = "extends: " + std::to_string(i + 1) + ".yaml\n";
  EXPECT_EQ(loaded("extends: 2.yaml\n", "mine.yaml", side_tracks(files)), loaded("renditions: []\n"));
  EXPECT_EQ(fault_text(load_profile("extends: 1.yaml\n", "mine.yaml", side_tracks(files))),
            "4.yaml:1:10: key 'extends': expected at most 4 files above the first, found '5.yaml'");
}

TEST(Extends, FindsCycles) {
  const auto files =
      side_tracks({{"a.yaml", "extends: b.yaml\n"}, {"b.yaml", "\nextends: a.yaml\n"}, {"self.yaml", "extends: self.yaml\n"}});
  EXPECT_EQ(fault_text(load_profile("extends: b.yaml\n", "a.yaml", files)),
            "b.yaml:2:10: key 'extends': expected a file that does not lead back to this one, found 'a.yaml'");
  EXPECT_EQ(fault_text(load_profile("extends: self.yaml\n", "self.yaml", files)),
            "self.yaml:1:10: key 'extends': expected a file that does not lead back to this one, found 'self.yaml'");
}

TEST(Extends, BlamesTheFileThatIsWrong) {
  const auto files = side_tracks(
      {{"bad.yaml", "gop: 2\naudio: {codec: mp3}\nrenditions: []\n"}, {"good.yaml", "segment: 10\nrenditions: []\n"}});
  EXPECT_EQ(fault_text(load_profile("extends: bad.yaml\n", "mine.yaml", files)),
            "bad.yaml:2:16: key 'codec': expected one of aac, opus, found 'mp3'");
  EXPECT_EQ(fault_text(load_profile("extends: good.yaml\ngop: 3\n", "mine.yaml", files)),
            "mine.yaml:2:6: key 'gop': expected a whole part of the segment of 10 s, found '3'");
  EXPECT_EQ(fault_text(load_profile("extends: none.yaml\n", "mine.yaml", files)),
            "mine.yaml:1:10: key 'extends': cannot open none.yaml");
}

TEST(Extends, IsAPathOfOneLine) {
  const auto files = side_tracks({{"a/\n.yaml", "renditions: []\n"}});
  EXPECT_EQ(fault_text(load_profile("extends: a/\n\n .yaml\n", "mine.yaml", files)),
            "mine.yaml:1:10: key 'extends': expected a path without control characters, found 'a/ .yaml'");
}

// ---- Shipped profiles and files ----

TEST(ShippedProfiles, AllLoadUnderTheirNameAndSurviveWriting) {
  std::vector<std::string> names;
  for (const ShippedProfile& shipped : shipped_profiles()) {
    SCOPED_TRACE(shipped.name);
    const Result<Profile> profile = find_profile(shipped.name);
    ASSERT_TRUE(profile) << profile.error().text;
    EXPECT_EQ(profile->name, shipped.name);
    EXPECT_FALSE(profile->description.empty());
    EXPECT_EQ(loaded(to_yaml(*profile)), *profile);
    names.emplace_back(profile->name);
  }
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("phone", "phone-legacy", "tablet", "phone-hevc", "phone-hevc-hdr",
                                                     "phone-av1", "tv", "audio", "preview"));
}

// "codec height …" of each rendition, then the audio.
std::vector<std::string> outline(const Profile& profile) {
  std::vector<std::string> lines;
  for (const RenditionProfile& each : profile.renditions) {
    lines.push_back(each.name + " " + std::string(codec_word(each.codec)) + " " + each.codec_profile + " " + each.preset);
  }
  lines.push_back(std::string(codec_word(profile.audio->codec)) + " " + std::to_string(profile.audio->bitrate));
  return lines;
}

TEST(ShippedProfiles, AreWhatTheDocumentationSays) {
  EXPECT_THAT(outline(*find_profile("phone")),
              ElementsAre("1080p h264 high fast", "720p h264 high fast", "360p h264 high fast", "aac 128000"));
  EXPECT_THAT(outline(*find_profile("phone-legacy")), ElementsAre("480p h264 baseline medium", "aac 96000"));
  EXPECT_THAT(outline(*find_profile("tablet")), ElementsAre("1080p h264 high medium", "720p h264 high medium", "aac 160000"));
  EXPECT_THAT(outline(*find_profile("phone-hevc")),
              ElementsAre("1080p hevc main fast", "720p hevc main fast", "360p hevc main fast", "aac 128000"));
  EXPECT_THAT(outline(*find_profile("phone-hevc-hdr")),
              ElementsAre("1080p hevc main10 fast", "720p hevc main10 fast", "360p hevc main10 fast", "aac 128000"));
  const Profile hdr = *find_profile("phone-hevc-hdr");
  for (const RenditionProfile& each : hdr.renditions) EXPECT_EQ(each.dynamic_range, DynamicRange::kHdr);
  EXPECT_THAT(outline(*find_profile("phone-av1")),
              ElementsAre("1080p av1 auto 8", "720p av1 auto 8", "360p av1 auto 8", "aac 128000"));
  EXPECT_THAT(outline(*find_profile("tv")), ElementsAre("2160p h264 high medium", "1080p h264 high medium", "aac 192000"));
  EXPECT_THAT(outline(*find_profile("audio")), ElementsAre("aac 160000"));
  EXPECT_THAT(outline(*find_profile("preview")), ElementsAre("360p h264 auto veryfast", "aac 64000"));
}

TEST(FindProfile, SaysWhichNamesThereAre) {
  const Result<Profile> profile = find_profile("phnoe");
  EXPECT_EQ(
      profile.error(),
      (Fault{FaultKind::kConfig,
             "there is no profile 'phnoe'; there are audio, phone, phone-av1, phone-hevc, phone-hevc-hdr, phone-legacy, preview, "
             "tablet, tv and your own .yaml files; did you mean 'phone'?"}));
}

TEST(Documentation, ShowsProfilesThatLoad) {
  std::ifstream page(std::filesystem::path(GOPMILL_SOURCE_DIR) / "docs/profiles.md");
  int examples = 0;
  std::string example;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line == "```yaml") {
      inside = true;
      example.clear();
    } else if (inside && line == "```") {
      inside = false;
      ++examples;
      const Result<Profile> profile = load_profile(example, "example.yaml", {});
      EXPECT_TRUE(profile) << profile.error().text << "\n" << example;
    } else if (inside) {
      example += line + "\n";
    }
  }
  EXPECT_EQ(examples, 4);
}

class ProfileFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "gopmill-profiles-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    std::filesystem::create_directories(folder_ / "sub");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string write(const std::string& name, std::string_view yaml) const {
    std::ofstream(folder_ / name) << yaml;
    return (folder_ / name).string();
  }
  std::filesystem::path folder_;
};

TEST_F(ProfileFiles, ExtendFilesOfTheirFolder) {
  write("base.yaml", "renditions: [{height: 360, quality: 23}]\n");
  write("sub/middle.yml", "extends: ../base.yaml\naudio: none\n");
  const std::string path = write("mine.yaml", "extends: sub/middle.yml\ngop: 1\n");
  Profile expected = loaded("gop: 1\naudio: none\nrenditions: [{height: 360, quality: 23}]\n");
  const Result<Profile> profile = find_profile(path);
  ASSERT_TRUE(profile) << profile.error().text;
  EXPECT_EQ(*profile, expected);
}

TEST_F(ProfileFiles, FindCyclesAcrossFolders) {
  write("a.yaml", "extends: sub/b.yaml\n");
  write("sub/b.yaml", "extends: ../a.yaml\n");
  EXPECT_THAT(fault_text(find_profile((folder_ / "sub/../a.yaml").string())),
              HasSubstr("sub/b.yaml:1:10: key 'extends': expected a file that does not lead back"));
}

TEST_F(ProfileFiles, ThatAreNotThereAreFaultsOfTheConfiguration) {
  const Result<Profile> missing = find_profile((folder_ / "none.yaml").string());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, FaultKind::kConfig);
  EXPECT_THAT(missing.error().text, HasSubstr("none.yaml"));
  const Result<Profile> is_folder = find_profile((folder_ / "sub/").string());
  ASSERT_FALSE(is_folder);
  EXPECT_EQ(is_folder.error().kind, FaultKind::kConfig);
  const Result<Profile> too_large = find_profile(write("large.yaml", std::string(kProfileBytesMax + 1, '#')));
  ASSERT_FALSE(too_large);
  EXPECT_EQ(too_large.error().kind, FaultKind::kConfig);
}

TEST_F(ProfileFiles, AskTheEncoder) {
  const std::string path = write("mine.yaml", "renditions: [{quality: 23, preset: fsat}]\n");
  const EncoderCheck check = [](const RenditionProfile& rendition) -> std::optional<EncoderComplaint> {
    if (rendition.preset == "fast") return std::nullopt;
    return EncoderComplaint{"preset", "libx264 has no preset '" + rendition.preset + "'", "fast"};
  };
  EXPECT_EQ(fault_text(find_profile(path, check)),
            path + ":1:36: key 'preset': libx264 has no preset 'fsat'; did you mean 'fast'?");
}

}  // namespace
}  // namespace gopmill
