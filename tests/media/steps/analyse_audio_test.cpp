#include <gmock/gmock.h>

#include "base/file.h"
#include "media/steps/work.h"
#include "tests/support/clips.h"
#include "tests/support/parent_double.h"

namespace gopmill {
namespace {

using test::Clip;
using test::ClipAudio;
using test::ClipVideo;

SourceFacts analysed(const Fd& file) {
  test::ParentDouble parent;
  auto facts = analyse(file.get(), {}, parent.line());
  EXPECT_TRUE(facts) << (facts ? "" : facts.error().text);
  return facts ? *facts : SourceFacts{};
}

// Samples of its own rate between the first frame and the first audio.
std::int64_t late(const AudioTrack& track) { return track.starts_after_video.in({1, track.sample_rate}).ticks; }

std::int64_t late(const Clip& clip) {
  const SourceFacts facts = analysed(test::make_clip(clip));
  EXPECT_EQ(facts.audio.size(), 1U);
  return facts.audio.empty() ? INT64_MIN : late(facts.audio[0]);
}

const ClipVideo kFrame{.width = 64, .height = 48, .frames = 30};

TEST(AnalyseAudio, LateAudioIsLateToTheSample) {
  const ClipAudio pcm{.encoder = "pcm_s16le", .seconds = 1, .starts = 12'345};
  EXPECT_EQ(late({.frame = kFrame, .audio = pcm, .container = "mov", .muxer_options = {{"movie_timescale", "48000"}}}), 12'345);
  // Matroska keeps milliseconds.
  EXPECT_NEAR(static_cast<double>(late({.frame = kFrame, .audio = pcm, .container = "matroska"})), 12'345, 24);
}

TEST(AnalyseAudio, PrimingIsBeforeTheFirstAudio) {
  const auto late_of = [](const char* encoder, const char* container) {
    const ClipAudio audio{.encoder = encoder, .seconds = 1};
    return static_cast<double>(late({.frame = kFrame, .audio = audio, .container = container}));
  };
  // The frame's reorder delay is in an edit list too.
  EXPECT_NEAR(late_of("aac", "mp4"), 0, 24);
  EXPECT_NEAR(late_of("libopus", "mp4"), 0, 24);
  EXPECT_NEAR(late_of("libmp3lame", "mp4"), 0, 24);
  // libavformat 5.1's muxer shows the frame later by Opus's delay of 6.5 ms, rounded; that is what the file says.
  EXPECT_NEAR(late_of("libopus", "matroska"), -336, 24);
}

TEST(AnalyseAudio, ATransportStreamsOffsetIsThatOfItsClock) {
  const Clip clip{.frame = kFrame,
                  .audio = ClipAudio{.encoder = "mp2", .seconds = 1, .starts = 9'600},
                  .container = "mpegts",
                  .shift = {40'000, 1}};
  // To a tick of 90 kHz. MP2 tells nobody of its priming of 481 samples, but its first packet is so much early.
  EXPECT_NEAR(static_cast<double>(late(clip)), 9'600 - 481, 1);
}

// What cannot be decoded at the beginning is not heard, and the rest stays where it is.
TEST(AnalyseAudio, ADamagedBeginningDoesNotMoveTheRest) {
  const Fd file =
      test::make_clip({.frame = kFrame, .audio = ClipAudio{.encoder = "flac", .seconds = 1}, .container = "matroska"});
  std::string bytes(*file_size(file.get()), 0);
  ASSERT_EQ(*read_at(file.get(), 0, std::as_writable_bytes(std::span(bytes))), bytes.size());
  std::int64_t spoilt = 0;
  test::journal_of_track(file.get(), Media::kAudio, [&](JournalPacket& packet) {
    if (packet.ordinal >= 3) return true;
    const std::size_t at = bytes.find(packet.bytes);
    EXPECT_NE(at, std::string::npos);
    bytes.replace(at, packet.bytes.size(), packet.bytes.size(), 'x');
    spoilt += 4608;  // samples of a block at 48 kHz
    return true;
  });
  const Fd damaged = *temporary_file();
  ASSERT_TRUE(write_at(damaged.get(), 0, std::as_bytes(std::span(bytes))));
  const SourceFacts facts = analysed(damaged);
  ASSERT_EQ(facts.audio.size(), 1U);
  EXPECT_NEAR(static_cast<double>(late(facts.audio[0])), static_cast<double>(spoilt), 24);
}

TEST(AnalyseAudio, AudioTracksWithoutFrameCountFromTheEarliest) {
  const SourceFacts facts =
      analysed(test::make_clip({.audio = ClipAudio{.encoder = "pcm_s16le", .sample_rate = 44100, .seconds = 1, .starts = 4410},
                                .more_audio = {ClipAudio{.encoder = "pcm_s16le", .seconds = 1, .starts = 960}},
                                .container = "mov",
                                .muxer_options = {{"movie_timescale", "441000"}}}));
  ASSERT_EQ(facts.audio.size(), 2U);
  EXPECT_EQ(late(facts.audio[0]), 3528);
  EXPECT_EQ(late(facts.audio[1]), 0);
}

// The frame will move by whole ticks, and the audio shall begin at 0 all the same.
TEST(AnalyseAudio, TicksAreShortWhereAudioIsEarly) {
  ClipVideo frame{.width = 64, .height = 48, .base = {1, 11'988}};
  for (int i = 0; i < 30; ++i) frame.pts.push_back(157 + 400 * i);
  const auto analyse_with = [&](ClipAudio audio) {
    audio.encoder = "pcm_s16le";
    return analysed(
        test::make_clip({.frame = frame, .audio = audio, .container = "mov", .muxer_options = {{"movie_timescale", "11988"}}}));
  };
  const SourceFacts early = analyse_with({.seconds = 1});
  EXPECT_LT(late(early.audio.at(0)), 0);
  EXPECT_GE(early.video->base.den, 2 * 48'000);
  EXPECT_EQ((Timestamp{early.video->frames.at(1).pts, early.video->base}), (Timestamp{400, {1, 11'988}}));
  EXPECT_EQ((Timestamp{early.video->last_duration, early.video->base}), (Timestamp{400, {1, 11'988}}));
  EXPECT_EQ(analyse_with({.seconds = 1, .starts = 4'800}).video->base.den, 11'988);
}

// A programme map that names a frame, of a station that sends only audio.
TEST(AnalyseAudio, AFrameTrackWithoutPacketsLeavesTheAudio) {
  ClipVideo none = kFrame;
  none.frames = 0;
  const SourceFacts facts =
      analysed(test::make_clip({.frame = none, .audio = ClipAudio{.encoder = "mp2", .seconds = 1}, .container = "mpegts"}));
  EXPECT_FALSE(facts.video);
  ASSERT_EQ(facts.audio.size(), 1U);
  EXPECT_EQ(late(facts.audio[0]), 0);
  EXPECT_THAT(facts.notes, testing::Contains(testing::HasSubstr("has no packets and is not carried")));
}

TEST(AnalyseAudio, TracksSayTheirLanguage) {
  const SourceFacts facts = analysed(test::make_clip(
      {.audio = ClipAudio{.seconds = 0.2, .language = "deu"}, .more_audio = {ClipAudio{.seconds = 0.2, .language = "eng"}}}));
  ASSERT_EQ(facts.audio.size(), 2U);
  EXPECT_EQ(facts.audio[0].language, "deu");
  EXPECT_EQ(facts.audio[1].language, "eng");
}

}  // namespace
}  // namespace gopmill
