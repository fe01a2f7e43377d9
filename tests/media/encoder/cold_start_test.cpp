#include "media/encoder/cold_start.h"

#include <gmock/gmock.h>

#include <cmath>

#include "media/encoder/encoder_facts.h"
#include "media/encoder/key_runs.h"

namespace gopmill {
namespace {

EncoderSettings settings(VideoCodec codec, std::string preset = "medium", std::map<std::string, std::string> options = {}) {
  EncoderSettings made;
  made.encoder = encoder_for(codec);
  made.preset = std::move(preset);
  made.options = std::move(options);
  made.rate.quality = 25;
  made.frame_rate = {10, 1};
  return made;
}

double factor(const EncoderSettings& encoder) { return first_frame_factor(encoder).value_or(0); }

TEST(FirstFrameFactor, OfX264IsTheRatioOfKeysToPFrames) {
  const auto x264 = [](const char* preset, std::map<std::string, std::string> options = {}) {
    return factor(settings(VideoCodec::kH264, preset, std::move(options)));
  };
  EXPECT_DOUBLE_EQ(x264("medium"), 1.4);
  EXPECT_DOUBLE_EQ(x264("veryfast", {{"tune", "film"}}), 1.4);
  EXPECT_DOUBLE_EQ(x264("medium", {{"tune", "grain"}}), 1.1);
  EXPECT_DOUBLE_EQ(x264("medium", {{"x264-params", "aq-mode=2:ipratio=1.2"}}), 1.2);
  EXPECT_DOUBLE_EQ(x264("superfast", {{"x264-params", "rc-lookahead=20"}}), 1.4);
}

TEST(FirstFrameFactor, IsNotGuessedWhereItFollowsFromTheFrames) {
  EXPECT_EQ(first_frame_factor(settings(VideoCodec::kAv1, "8")), std::nullopt);
  EXPECT_EQ(first_frame_factor(settings(VideoCodec::kVp9, "4")), std::nullopt);
  for (const char* preset : {"ultrafast", "superfast"}) EXPECT_EQ(factor(settings(VideoCodec::kH264, preset)), 0) << preset;
  for (const char* list : {"mbtree=0", "no-mbtree", "rc-lookahead=0", "qcomp=0.8", "ipratio=x"})
    EXPECT_EQ(factor(settings(VideoCodec::kH264, "medium", {{"x264-params", list}})), 0) << list;
  for (const char* list : {"cutree=0", "no-cutree", "pbratio=1", "ipratio=1.2", "rc-grain=1"})
    EXPECT_EQ(factor(settings(VideoCodec::kHevc, "medium", {{"x265-params", list}})), 0) << list;
  EXPECT_EQ(factor(settings(VideoCodec::kHevc, "medium", {{"tune", "grain"}})), 0);
  EXPECT_EQ(factor(settings(VideoCodec::kH264, "medium", {{"tune", "zerolatency"}})), 0);
}

// By hand, at 10 frames/s and quality 25: P frames have 30.4 - 3.173 = 27.227, B frames up to 29.498, counted as 27, 28 and 29.
TEST(FirstFrameFactor, OfX265CountsRoundedBFrames) {
  const double steps = 6 * std::log2(factor(settings(VideoCodec::kHevc)));
  EXPECT_NEAR(steps, 27.2274 - ((27 + 28 + 2 * 29) / 4.0 - 2.9126), 1e-3);
  const double full = 6 * std::log2(factor(settings(VideoCodec::kHevc, "fast")));
  EXPECT_NEAR(full, 27.2274 - ((27 + 28 + 3 * 29) / 5.0 - 2.9126), 1e-3);
  const double none = 6 * std::log2(factor(settings(VideoCodec::kHevc, "medium", {{"x265-params", "bframes=0"}})));
  EXPECT_NEAR(none, 27.2274 - (27 - 2.9126), 1e-3);
}

TEST(EncoderMemory, IsEncodedWhereItCannotBeComputed) {
  EXPECT_EQ(memory_of(settings(VideoCodec::kH264), Joins::kDefault, 250), 0U);
  EXPECT_EQ(memory_of(settings(VideoCodec::kH264, "superfast"), Joins::kDefault, 250), 40U);  // 4 s
  EXPECT_EQ(memory_of(settings(VideoCodec::kH264, "superfast"), Joins::kDefault, 20), 20U);
  EXPECT_EQ(memory_of(settings(VideoCodec::kH264), Joins::kExact, 250), 40U);
  EncoderSettings steady = settings(VideoCodec::kHevc);
  steady.frame_rate = {25, 1};
  EXPECT_EQ(memory_of(steady, Joins::kExact, 250), 48U);
  EXPECT_EQ(memory_of(settings(VideoCodec::kAv1, "8"), Joins::kExact, 250), 0U);
  EXPECT_EQ(memory_of(settings(VideoCodec::kAv1, "10"), Joins::kDefault, 250), 1U);
  EXPECT_EQ(memory_of(settings(VideoCodec::kAv1, "10"), Joins::kExact, 0), 0U);
}

std::vector<OutputFrame> gops(const std::vector<int>& lengths) {
  std::vector<OutputFrame> frames;
  for (const int length : lengths) {
    for (int i = 0; i < length; ++i) frames.push_back({.pts = static_cast<std::int64_t>(frames.size()), .key = i == 0});
  }
  return frames;
}

TEST(KeyRuns, HoldGopsOfOneLength) {
  const auto run = [](const std::vector<int>& lengths, std::size_t first) {
    const auto frames = gops(lengths);
    const KeyRun found = key_run(frames, first);
    return std::pair(found.end, found.interval);
  };
  using Run = std::pair<std::size_t, std::uint32_t>;
  EXPECT_EQ(run({50, 50, 50}, 0), (Run{150, 50}));
  EXPECT_EQ(run({50, 50, 17}, 0), (Run{117, 50}));      // the clip or the tail ends
  EXPECT_EQ(run({60, 60, 59, 60}, 0), (Run{120, 60}));  // 29.97 frames/s every 16th time
  EXPECT_EQ(run({60, 60, 59, 60}, 120), (Run{179, 59}));
  EXPECT_EQ(run({60, 60, 59, 60}, 179), (Run{239, 60}));
  EXPECT_EQ(run({3, 17, 9}, 0), (Run{3, 3}));
  EXPECT_EQ(run({17}, 0), (Run{17, 17}));
  EXPECT_EQ(run({1, 1, 1}, 1), (Run{2, 1}));  // each by itself: an interval of one is no interval
}

}  // namespace
}  // namespace gopmill
