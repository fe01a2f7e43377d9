#include "media/av/handles.h"

#include <gtest/gtest.h>

namespace gopmill::av {
namespace {

TEST(Options, AreWhatNobodyHasTakenYet) {
  Options options;
  EXPECT_EQ(options.first(), "");
  options.set("preset", "slow");
  options.set("preset", "fast");
  EXPECT_STREQ(av_dict_get(*options.address(), "preset", nullptr, 0)->value, "fast");
  EXPECT_EQ(options.first(), "preset");
  options.set("threads", 2);
  EXPECT_STREQ(av_dict_get(*options.address(), "threads", nullptr, 0)->value, "2");
  const auto take = [&](const char* name) { av_dict_set(options.address(), name, nullptr, 0); };  // as libav does
  take("preset");
  EXPECT_EQ(options.first(), "threads");
  take("threads");
  EXPECT_EQ(options.first(), "");
}

}  // namespace
}  // namespace gopmill::av
