#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

#include "base/hash.h"
#include "media/package/codec_names.h"
#include "media/package/mp4_boxes.h"
#include "media/steps/work.h"
#include "tests/support/clips.h"
#include "tests/support/parent_double.h"

namespace gopmill {
namespace {

using test::ClipAudio;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Two segments and their audio, stitched.
class Finished : public ::testing::Test {
 protected:
  void SetUp() override { make({1, 30000}, 1001, {48000}); }

  // `step`: ticks of a frame. `rates`: of each audio.
  void make(Rational base, std::int64_t step, const std::vector<int>& rates) {
    plan_ = {};
    plan_.name = "96p";
    plan_.has_video = true;
    plan_.width = 128;
    plan_.height = 96;
    plan_.base = base;
    plan_.last_duration = step;
    for (std::size_t i = 0; i < 120; ++i) plan_.frames.push_back({static_cast<std::int64_t>(i) * step, i % 60 == 0});
    std::vector<Fd> files = test::encode_segments(plan_, {60, 60}, test::settings_for(plan_));
    for (const int rate : rates) {
      PlannedAudio& audio = plan_.audio_tracks.emplace_back();
      audio.task = {.profile = {AudioCodec::kAac, 128'000, 2}, .sample_rate = rate, .channels = 2, .first_sample = 300};
      audio.language = "fra";
      const Fd clip =
          test::make_clip({.audio = ClipAudio{.encoder = "pcm_s16le", .sample_rate = rate, .seconds = 4}, .container = "mov"});
      const Fd source = test::journal_of_track(clip.get(), Media::kAudio);
      files.push_back(*temporary_file());
      test::ParentDouble parent(files);
      ASSERT_TRUE(encode_audio(audio.task, source.get(), 0, files.back().get(), parent.line()));
    }
    test::ParentDouble parent(files);
    file_ = *temporary_file();
    const auto stitched = stitch(file_.get(), {plan_, 2}, parent.line());
    ASSERT_TRUE(stitched) << stitched.error().text;
    stitched_ = *stitched;
  }

  FileReport verified(const RenditionPlan& plan, bool decode = true) {
    test::ParentDouble parent;
    auto report = verify(file_.get(), {.plan = plan, .planned = true, .decode = decode}, parent.line());
    EXPECT_TRUE(report) << (report ? "" : report.error().text);
    return report ? *report : FileReport{};
  }
  // The names of the checks that failed.
  static std::vector<std::string> failed(const FileReport& report) {
    std::vector<std::string> names;
    for (const Check& check : report.checks) {
      if (!check.passed) names.push_back(check.name);
    }
    return names;
  }
  static std::vector<std::string> names(const FileReport& report) {
    std::vector<std::string> all;
    for (const Check& check : report.checks) all.push_back(check.name);
    return all;
  }
  [[nodiscard]] Mp4Box box(const std::string& type) const {
    const Mp4Layout layout = *read_mp4_layout(file_.get());
    return *std::find_if(layout.boxes.begin(), layout.boxes.end(), [&](const Mp4Box& b) { return b.type == type; });
  }

  RenditionPlan plan_;
  Fd file_;
  FileReport stitched_;
};

TEST_F(Finished, PassesEveryCheck) {
  const FileReport report = verified(plan_);
  EXPECT_THAT(failed(report), IsEmpty());
  EXPECT_THAT(names(report), ElementsAre("boxes", "tracks", "frames", "timestamps", "decode times", "key frames", "description",
                                         "rotation", "size", "audio description", "audio", "audio start", "offset", "tags",
                                         "reading", "pixel format", "colour", "decoding", "audio decoding"));
  EXPECT_EQ(report.bytes, *file_size(file_.get()));
  EXPECT_EQ(report.sha256, *file_sha256(file_.get()));
  EXPECT_EQ(report.frames, 120U);
  EXPECT_EQ(report.audio_samples, 192'000U);
  EXPECT_NEAR(report.seconds, 192'300.0 / 48'000, 1e-6);
  EXPECT_THAT(report.codecs, ::testing::MatchesRegex("avc1\\.64[0-9a-f]{4},mp4a\\.40\\.2"));
  EXPECT_EQ(report.level, "1.0");
  EXPECT_GT(report.video_bitrate, 1000);
  EXPECT_NEAR(static_cast<double>(report.audio_bitrate), 128'000, 64'000);
}

TEST_F(Finished, IsHeldAgainstABufferThatIsAskedAbout) {
  const auto buffer = [&](std::int64_t maxrate, std::int64_t bufsize) {
    test::ParentDouble parent;
    const VerifyRequest request{.plan = {.maxrate = maxrate, .bufsize = bufsize}, .planned = false};
    const auto report = verify(file_.get(), request, parent.line());
    EXPECT_TRUE(report);
    return *std::ranges::find(report->checks, "buffer", &Check::name);
  };
  EXPECT_TRUE(buffer(10'000'000, 10'000'000).passed);
  EXPECT_FALSE(buffer(1'000, 1'000).passed);
  EXPECT_FALSE(buffer(1'000, 1'000).advisory);
}

TEST_F(Finished, AgreesWithWhatTheStitcherKnew) {
  const FileReport report = verified(plan_, false);
  EXPECT_EQ(stitched_.frames, report.frames);
  EXPECT_EQ(stitched_.audio_samples, report.audio_samples);
  EXPECT_EQ(stitched_.bytes, report.bytes);
  EXPECT_DOUBLE_EQ(stitched_.seconds, report.seconds);
}

// Cameras count microseconds, broadcasts 90,000ths, and the movie's ticks are the audio's.
TEST_F(Finished, MayEndBetweenTheTicksOfTheMovie) {
  const std::vector<std::pair<Rational, std::int64_t>> clips = {
      {{33'333, 1'000'000}, 1}, {{1, 90'000}, 3003}, {{1, 90'000}, 3001}};
  for (const auto& [base, step] : clips) {
    for (const std::vector<int>& rates : {std::vector{44'100}, std::vector{22'050}, std::vector{8'000, 44'100}}) {
      make(base, step, rates);
      EXPECT_THAT(failed(verified(plan_)), IsEmpty()) << base.den << ' ' << step << ' ' << rates.back();
      ++plan_.last_duration;
      const std::int64_t tick = base.den / rates.front() / base.num;
      plan_.last_duration += tick;
      EXPECT_THAT(failed(verified(plan_)), ElementsAre("timestamps")) << base.den << ' ' << step << ' ' << rates.back();
    }
  }
}

struct OtherPlan {
  const char* what;
  std::function<void(RenditionPlan&)> change;
  std::vector<std::string> fails;
};

TEST_F(Finished, FailsWhereThePlanIsAnother) {
  const std::vector<OtherPlan> others = {
      {"one frame more", [](RenditionPlan& p) { p.frames.push_back({120 * 1001, false}); }, {"frames", "timestamps"}},
      {"one frame elsewhere", [](RenditionPlan& p) { p.frames[7].pts += 1; }, {"timestamps"}},
      {"a longer last frame", [](RenditionPlan& p) { p.last_duration = 2002; }, {"timestamps"}},
      {"a key more", [](RenditionPlan& p) { p.frames[30].key = true; }, {"key frames"}},
      {"a key elsewhere", [](RenditionPlan& p) { std::swap(p.frames[60].key, p.frames[61].key); }, {"key frames"}},
      {"another size", [](RenditionPlan& p) { p.width = 130; }, {"size", "pixel format"}},
      {"more bits", [](RenditionPlan& p) { p.pixel_format = PixelFormat::kYuv420p10; }, {"pixel format"}},
      {"no audio", [](RenditionPlan& p) { p.audio_tracks.clear(); }, {"tracks"}},
      {"audio that starts a sample later",
       [](RenditionPlan& p) { p.audio_tracks[0].task.first_sample += 1; },
       {"audio start", "offset"}},
      {"another rate of audio", [](RenditionPlan& p) { p.audio_tracks[0].task.sample_rate = 44100; }, {"audio", "offset"}},
      {"another language", [](RenditionPlan& p) { p.audio_tracks[0].language = "eng"; }, {"audio"}},
      {"another audio beside it", [](RenditionPlan& p) { p.audio_tracks.push_back(p.audio_tracks[0]); }, {"tracks"}},
  };
  for (const OtherPlan& other : others) {
    RenditionPlan plan = plan_;
    other.change(plan);
    EXPECT_EQ(failed(verified(plan, false)), other.fails) << other.what;
  }
}

TEST_F(Finished, AnEmptyBufferIsNotPassedOver) {
  RenditionPlan plan = plan_;
  plan.maxrate = 2'000'000;
  plan.bufsize = 2'000'000;
  EXPECT_THAT(names(verified(plan, false)), Contains("buffer"));
  EXPECT_THAT(failed(verified(plan, false)), IsEmpty());
  plan.maxrate = 10'000;
  plan.bufsize = 10'000;
  EXPECT_THAT(failed(verified(plan, false)), ElementsAre("buffer"));
}

TEST_F(Finished, DamageInTheFramesIsFoundByDecoding) {
  const Mp4Box mdat = box("mdat");
  const std::string junk(2000, '\x5a');
  ASSERT_TRUE(write_at(file_.get(), mdat.at + mdat.head + 1500, std::as_bytes(std::span(junk))));
  EXPECT_THAT(failed(verified(plan_)), Contains("decoding"));
}

TEST_F(Finished, ATruncatedFileFails) {
  const Mp4Box mdat = box("mdat");
  ASSERT_EQ(::ftruncate(file_.get(), static_cast<off_t>(mdat.at + mdat.size / 2)), 0);
  const FileReport report = verified(plan_);
  EXPECT_THAT(failed(report), ElementsAre("boxes"));
  EXPECT_EQ(report.checks[0].found, "the box 'mdat' is malformed");
}

TEST_F(Finished, AFlippedBitInTheTablesIsFound) {
  const Mp4Box moov = box("moov");
  std::string text(moov.size, '\0');
  ASSERT_TRUE(read_at(file_.get(), moov.at, std::as_writable_bytes(std::span(text))));
  for (const std::string table : {"stts", "ctts", "stss", "elst"}) {
    const std::size_t at = text.find(table) + 4 + 4 + 7;  // the low byte of the first number after the count
    std::string byte(1, static_cast<char>(text[at] ^ 0x10));
    ASSERT_TRUE(write_at(file_.get(), moov.at + at, std::as_bytes(std::span(byte))));
    EXPECT_FALSE(failed(verified(plan_, false)).empty()) << table;
    byte[0] = text[at];
    ASSERT_TRUE(write_at(file_.get(), moov.at + at, std::as_bytes(std::span(byte))));
  }
  EXPECT_THAT(failed(verified(plan_, false)), IsEmpty());
}

TEST_F(Finished, IsJudgedByItselfToo) {
  test::ParentDouble parent;
  const auto report = inspect_output(file_.get(), true, parent.line());
  ASSERT_TRUE(report) << report.error().text;
  EXPECT_THAT(failed(*report), IsEmpty());
  EXPECT_EQ(report->frames, 120U);
  const auto unplanned = verify(file_.get(), {.plan = {}, .planned = false, .decode = true}, parent.line());
  ASSERT_TRUE(unplanned);
  EXPECT_EQ(names(*unplanned), names(*report));
}

TEST(InspectOutput, SaysWhereAnOrdinaryFileFallsShort) {
  const Fd clip = test::make_clip({.frame = test::ClipVideo{.frames = 30}, .audio = ClipAudio{.seconds = 1}});
  test::ParentDouble parent;
  const auto report = inspect_output(clip.get(), true, parent.line());
  ASSERT_TRUE(report) << report.error().text;
  std::vector<std::string> failed;
  for (const Check& check : report->checks) {
    if (!check.passed) failed.push_back(check.name);
  }
  // libavformat writes the index last.
  EXPECT_THAT(failed, ElementsAre("boxes"));
}

TEST(InspectOutput, RefusesWhatIsNoMp4) {
  test::ParentDouble parent;
  for (const char* container : {"matroska", "mpegts"}) {
    const Fd clip = test::make_clip({.audio = ClipAudio{.seconds = 1}, .container = container});
    const auto report = inspect_output(clip.get(), false, parent.line());
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().kind, FaultKind::kInput) << report.error().text;
  }
  const Fd empty = *temporary_file();
  EXPECT_EQ(inspect_output(empty.get(), false, parent.line()).error().text, "no 'moov' box");
}

Mp4SampleEntry entry_of(const std::string& type, const std::string& configuration_type, std::vector<int> bytes) {
  Mp4SampleEntry entry{.type = type, .configuration_type = configuration_type};
  for (const int byte : bytes) entry.configuration.push_back(static_cast<char>(byte));
  return entry;
}

TEST(CodecNames, AreThoseOfRfc6381) {
  const Mp4SampleEntry avc = entry_of("avc1", "avcC", {1, 0x64, 0x00, 0x28, 0xff});
  EXPECT_EQ(*codec_string(avc), "avc1.640028");
  EXPECT_EQ(level_text(avc), "4.0");
  // Main 10, level 4.0, main tier, as in ISO/IEC 14496-15 annex E.
  const Mp4SampleEntry hevc =
      entry_of("hvc1", "hvcC", {1, 0x02, 0x20, 0x00, 0x00, 0x00, 0xb0, 0x00, 0x00, 0x00, 0x00, 0x00, 120, 0});
  EXPECT_EQ(*codec_string(hevc), "hvc1.2.4.L120.b0");
  EXPECT_EQ(level_text(hevc), "4.0");
  const Mp4SampleEntry av1 = entry_of("av01", "av1C", {0x81, 0x08, 0x4c, 0x00});
  EXPECT_EQ(*codec_string(av1), "av01.0.08M.10");
  EXPECT_EQ(level_text(av1), "4.0");
  const Mp4SampleEntry vp9 = entry_of("vp09", "vpcC", {1, 0, 0, 0, 0, 31, 0x82, 2, 2});
  EXPECT_EQ(*codec_string(vp9), "vp09.00.31.08");
  EXPECT_EQ(level_text(vp9), "3.1");
  const Mp4SampleEntry aac =
      entry_of("mp4a", "esds", {0, 0, 0, 0, 3, 0x80, 0x80, 0x80, 37, 0,    2, 0, 4,    0x80, 0x80, 0x80, 20,   0x40, 0x15,
                                0, 0, 0, 0, 1, 0xf4, 0,    0,    1,  0xf4, 0, 5, 0x80, 0x80, 0x80, 2,    0x11, 0x90});
  EXPECT_EQ(*codec_string(aac), "mp4a.40.2");
  EXPECT_EQ(*codec_string(entry_of("Opus", "dOps", {0})), "opus");
  for (const char* type : {"avcC", "hvcC", "av1C", "vpcC", "esds"}) {
    EXPECT_FALSE(codec_string(entry_of("mp4a", type, {1, 2}))) << type;
    EXPECT_EQ(level_text(entry_of("mp4a", type, {1, 2})), "") << type;
  }
}

}  // namespace
}  // namespace gopmill
