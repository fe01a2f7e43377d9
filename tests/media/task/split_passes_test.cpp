#include "media/task/split_passes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gopmill {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(SplitPasses, OneReadServesRunsThatOverlapALittle) {
  EXPECT_THAT(split_passes({{0, 0, 300}, {0, 250, 600}, {0, 500, 900}, {0, 850, 1000}}), ElementsAre(4));
}

TEST(SplitPasses, ThreeRunsShareAPacketAndTheFourthIsReadApart) {
  EXPECT_THAT(split_passes({{0, 0, 100}, {0, 0, 200}, {0, 0, 300}, {0, 0, 400}, {0, 0, 500}}), ElementsAre(3, 5));
}

TEST(SplitPasses, ARunThatHasEndedMakesRoom) {
  EXPECT_THAT(split_passes({{0, 0, 100}, {0, 0, 200}, {0, 0, 300}, {0, 100, 400}, {0, 200, 500}}), ElementsAre(5));
}

TEST(SplitPasses, TracksCountAsOverlapping) {
  EXPECT_THAT(split_passes({{1, 0, 10}, {2, 0, 10}, {3, 0, 10}, {4, 0, 10}}), ElementsAre(3, 4));
}

TEST(SplitPasses, NothingTakesNoRead) { EXPECT_THAT(split_passes({}), IsEmpty()); }

}  // namespace
}  // namespace gopmill
