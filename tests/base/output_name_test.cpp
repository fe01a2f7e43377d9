#include "base/output_name.h"

#include <gmock/gmock.h>

#include <string>

namespace gopmill {
namespace {

using ::testing::HasSubstr;

TEST(OutputName, EachKindHasOneTemplate) {
  EXPECT_EQ(*output_path(OutputKind::kRendition, {{"base", "talk"}, {"rendition", "1080p"}}), "talk_1080p.mp4");
  EXPECT_EQ(*output_path(OutputKind::kSubtitles, {{"base", "talk"}, {"variant", "eng.forced"}}), "talk.eng.forced.vtt");
  EXPECT_EQ(*output_path(OutputKind::kReport, {}), "report.json");
}

TEST(OutputName, AValueNeverMakesAFolder) {
  const auto made = output_path(OutputKind::kRendition, {{"base", "../talk"}, {"rendition", "1080p"}});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, FaultKind::kInput);
  EXPECT_THAT(made.error().text, HasSubstr("base has a '/'"));
}

TEST(OutputName, PathsStayBelowTheirFolder) {
  for (const char* good : {"a", "a/b.m4s", "1080p/segment_1.m4s", "ä b.mp4", "..a", "a/b/c/d/e/f/g/h"})
    EXPECT_TRUE(check_output_path(good)) << good;
  for (const std::string& bad :
       {std::string(), std::string("."), std::string(".."), std::string("/a"), std::string("a/"), std::string("a//b"),
        std::string("a/../b"), std::string("a/./b"), std::string("a\nb"), std::string("a\0b", 3), std::string("a\xff"),
        std::string(256, 'a'), std::string("a/b/c/d/e/f/g/h/i")}) {
    const auto refused = check_output_path(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().kind, FaultKind::kInput);
  }
  std::string long_path;
  for (int i = 0; i < 5; ++i) long_path += (i > 0 ? "/" : "") + std::string(240, 'a');
  EXPECT_FALSE(check_output_path(long_path));
}

TEST(OutputName, WhatIsNotKnownMayBeAnything) {
  const OutputFields base{{"base", "talk"}};
  EXPECT_TRUE(may_be_output(OutputKind::kSubtitles, "talk.eng.vtt", base));
  EXPECT_TRUE(may_be_output(OutputKind::kSubtitles, "talk.eng.forced.2.vtt", base));
  for (const char* other : {"talk.vtt", "talk..vtt/a", "talk2.eng.vtt", "talk.eng.srt", "talk.a/b.vtt", ""})
    EXPECT_FALSE(may_be_output(OutputKind::kSubtitles, other, base)) << other;
  EXPECT_TRUE(may_be_output(OutputKind::kReport, "report.json", {}));
  EXPECT_FALSE(may_be_output(OutputKind::kReport, "talk.report.json", {}));
}

}  // namespace
}  // namespace gopmill
