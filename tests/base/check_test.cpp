#include "base/check.h"

#include <gtest/gtest.h>

namespace gopmill {
namespace {

TEST(CheckDeathTest, EndsTheProcessAndNamesTheBrokenPromise) {
  const int frames = 3;
  EXPECT_DEATH(GOPMILL_CHECK(frames == 4), "broken assumption at .*check_test\\.cpp:[0-9]+: frames == 4");
}

TEST(Check, EvaluatesItsExpressionOnce) {
  int times = 0;
  GOPMILL_CHECK(++times == 1);
  EXPECT_EQ(times, 1);
}

}  // namespace
}  // namespace gopmill
