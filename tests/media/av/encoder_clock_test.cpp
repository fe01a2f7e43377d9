#include "media/av/encode/encoder_clock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace gopmill::av {
namespace {

using ::testing::ElementsAre;

std::vector<std::int64_t> told(EncoderClock& clock, const std::vector<std::int64_t>& planned) {
  std::vector<std::int64_t> times;
  for (const std::int64_t each : planned) times.push_back(clock.told(each));
  return times;
}

TEST(EncoderClock, ASteadyClipKeepsItsTimes) {
  EncoderClock clock({1, 30000}, {30000, 1001});
  EXPECT_THAT(told(clock, {0, 1001, 2002, 3003}), ElementsAre(0, 1001, 2002, 3003));
}

TEST(EncoderClock, ABurstIsSpreadAndTheGapAfterItMakesUp) {
  EncoderClock clock({1, 10000}, {25, 1});
  EXPECT_THAT(told(clock, {401400, 401401, 401402, 403730}), ElementsAre(401400, 401500, 401600, 403730));
}

TEST(EncoderClock, ALongFrameIsASecondAndLaterOnesFollowIt) {
  EncoderClock clock({1, 1000}, {25, 1});
  EXPECT_THAT(told(clock, {0, 40, 30040, 30080, 30081, 30120, 90000}), ElementsAre(0, 40, 1040, 1080, 1090, 1120, 2120));
  EXPECT_EQ(clock.planned(1040), 30040);
}

TEST(EncoderClock, SlidesAreASecondEach) {
  EncoderClock clock({1, 1}, {1, 10});
  EXPECT_THAT(told(clock, {0, 10, 20, 35}), ElementsAre(0, 1, 2, 3));
}

TEST(EncoderClock, FastCamerasAreNoBurst) {
  EncoderClock clock({1, 24000}, {240, 1});
  EXPECT_THAT(told(clock, {0, 100, 200, 250}), ElementsAre(0, 100, 200, 250));
}

TEST(EncoderClock, WithoutABaseItCountsFrames) {
  EncoderClock clock;
  EXPECT_THAT(told(clock, {500, 501, 9000}), ElementsAre(0, 1, 2));
  EXPECT_EQ(clock.planned(2), 9000);
  EXPECT_EQ(clock.planned(0), 500);
}

TEST(EncoderClock, PacketsGetTheirPlannedTimesBackInAnyOrder) {
  EncoderClock clock({1, 10000}, {25, 1});
  told(clock, {100, 101, 102});
  EXPECT_EQ(clock.planned(300), 102);
  EXPECT_EQ(clock.planned(100), 100);
  EXPECT_EQ(clock.planned(200), 101);
  EXPECT_EQ(clock.planned(200), 200) << "given out already";
}

TEST(EncoderClock, TimesOfABaseTooCoarseToSpreadStillRise) {
  EncoderClock clock({1, 50}, {50, 1});
  EXPECT_THAT(told(clock, {7, 8, 9}), ElementsAre(7, 8, 9));
}

}  // namespace
}  // namespace gopmill::av
