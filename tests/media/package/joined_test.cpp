#include "media/package/joined.h"

#include <gmock/gmock.h>

namespace gopmill {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

RenditionPlan plan_of(std::vector<std::int64_t> times, std::size_t gop, std::int64_t last_duration = 1) {
  RenditionPlan plan;
  plan.has_video = true;
  plan.base = {1, 25};
  plan.last_duration = last_duration;
  for (std::size_t i = 0; i < times.size(); ++i) plan.frames.push_back({times[i], i % gop == 0});
  return plan;
}

RenditionPlan steady(std::size_t frames, std::size_t gop) {
  std::vector<std::int64_t> times(frames);
  for (std::size_t i = 0; i < frames; ++i) times[i] = static_cast<std::int64_t>(i);
  return plan_of(times, gop);
}

// Adds frames by presentation time in this decode order; keys as planned.
std::string add_all(JoinedFrames& joined, const RenditionPlan& plan, const std::vector<std::int64_t>& order) {
  for (const std::int64_t pts : order) {
    bool key = false;
    for (const PlannedFrame& frame : plan.frames) key = key || (frame.pts == pts && frame.key);
    if (auto added = joined.add(pts, 1000, key); !added) return added.error().text;
  }
  const auto finished = joined.finish();
  return finished ? "" : finished.error().text;
}

std::vector<std::int64_t> decode_times(const JoinedFrames& joined) {
  std::vector<std::int64_t> times;
  for (std::size_t i = 0; i < joined.size(); ++i) times.push_back(joined.dts(i));
  return times;
}

TEST(JoinedFrames, FramesInOrderAreDecodedWhenShown) {
  const RenditionPlan plan = steady(5, 5);
  JoinedFrames joined(plan);
  EXPECT_EQ(add_all(joined, plan, {0, 1, 2, 3, 4}), "");
  EXPECT_EQ(joined.reorder(), 0U);
  EXPECT_THAT(decode_times(joined), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(joined.tables().duration_runs, 1U);
  EXPECT_EQ(joined.tables().offset_runs, 1U);
  EXPECT_EQ(joined.shown(), 5);
}

TEST(JoinedFrames, OneDelayServesSegmentsThatNeedDifferentOnes) {
  // The first GOP has no B frames, the second a pyramid that needs two, the last is a single frame.
  const RenditionPlan plan = steady(10, 4);
  JoinedFrames joined(plan);
  EXPECT_EQ(add_all(joined, plan, {0, 1, 2, 3, 4, 7, 6, 5, 8, 9}), "");
  EXPECT_EQ(joined.reorder(), 2U);
  EXPECT_THAT(decode_times(joined), ElementsAre(-2, -1, 0, 1, 2, 3, 4, 5, 6, 7));
}

TEST(JoinedFrames, DecodeTimesRiseAcrossAChangeOfRate) {
  // 60 frames/s, then 24: in ticks of 1/120 s. Each encoder by itself would overlap at the join.
  const RenditionPlan plan = plan_of({0, 2, 4, 6, 8, 13, 18, 23}, 4, 5);
  JoinedFrames joined(plan);
  EXPECT_EQ(add_all(joined, plan, {0, 6, 2, 4, 8, 23, 13, 18}), "");
  EXPECT_EQ(joined.reorder(), 1U);
  EXPECT_THAT(decode_times(joined), ElementsAre(-2, 0, 2, 4, 6, 8, 13, 18));
  EXPECT_EQ(joined.duration(7), 5);
  EXPECT_EQ(joined.shown(), 28);
}

TEST(JoinedFrames, TheClockRunsBackInSmallStepsBeforeAFirstFrameThatStaysLong) {
  const RenditionPlan plan = plan_of({0, 250, 251, 252}, 4);
  JoinedFrames joined(plan);
  EXPECT_EQ(add_all(joined, plan, {0, 252, 250, 251}), "");
  EXPECT_THAT(decode_times(joined), ElementsAre(-1, 0, 250, 251));
}

struct Broken {
  const char* what;
  std::vector<std::int64_t> order;
  const char* words;
};

TEST(JoinedFrames, RefusesWhatIsNotThePlan) {
  const RenditionPlan plan = steady(8, 4);
  const std::vector<Broken> cases = {
      {"a frame lost", {0, 1, 2, 3, 4, 6, 7}, "1 planned frames are missing, the first at 0.200000 s"},
      {"a frame doubled", {0, 1, 1, 2, 3, 4, 5, 6, 7}, "comes twice"},
      {"a frame from elsewhere", {0, 1, 2, 3, 4, 5, 6, 7, 8}, "not planned"},
      {"segments out of order", {4, 5, 6, 7, 0, 1, 2, 3}, "follows the key frame it is shown before"},
      {"an open GOP", {0, 1, 2, 4, 3, 5, 6, 7}, "follows the key frame it is shown before"},
      {"no key at the start", {1, 0, 2, 3, 4, 5, 6, 7}, "the first frame is no key frame"},
  };
  for (const Broken& broken : cases) {
    JoinedFrames joined(plan);
    EXPECT_THAT(add_all(joined, plan, broken.order), HasSubstr(broken.words)) << broken.what;
  }
}

TEST(JoinedFrames, RefusesKeysWhereNoneArePlannedAndTheirAbsence) {
  const RenditionPlan plan = steady(4, 2);
  JoinedFrames extra(plan);
  ASSERT_TRUE(extra.add(0, 1, true));
  EXPECT_EQ(extra.add(1, 1, true).error().text, "a key frame at 0.040000 s that is not planned");
  JoinedFrames missing(plan);
  ASSERT_TRUE(missing.add(0, 1, true) && missing.add(1, 1, false));
  EXPECT_EQ(missing.add(2, 1, false).error(), (Fault{FaultKind::kInternal, "no key frame at 0.080000 s"}));
}

TEST(LeakyBucket, FillsAtMaxrateAndEmptiesByFrames) {
  // 1000 bits/s into 1000 bits, 0.9 full: frames of 250 bits four times a second keep it level.
  LeakyBucket level(1000, 1000);
  for (int i = 0; i < 100; ++i) level.take({i, {1, 4}}, 250 / 8);
  EXPECT_EQ(level.underflows(), 0U);
  EXPECT_NEAR(level.lowest(), 0.652, 1e-9);
  // One of 800 bits leaves less than the next needs.
  LeakyBucket burst(1000, 1000);
  burst.take({0, {1, 4}}, 100);
  burst.take({1, {1, 4}}, 100);
  burst.take({2, {1, 4}}, 10);
  EXPECT_EQ(burst.underflows(), 2U);
  EXPECT_NEAR(burst.lowest(), -0.45, 1e-9);
  EXPECT_EQ(*burst.first_underflow(), (Timestamp{1, {1, 4}}));
}

TEST(LeakyBucket, IsNeverMoreThanFull) {
  LeakyBucket bucket(1000, 1000);
  bucket.take({0, {1, 1}}, 10);
  bucket.take({100, {1, 1}}, 124);
  EXPECT_EQ(bucket.underflows(), 0U);
  EXPECT_NEAR(bucket.lowest(), 0.008, 1e-9);
}

}  // namespace
}  // namespace gopmill
