#include <gmock/gmock.h>

#include "base/hash.h"
#include "media/steps/work.h"
#include "tests/support/parent_double.h"

namespace gopmill {
namespace {

using ::testing::ElementsAre;

TEST(TextFile, IsWrittenAndFoundAsPlanned) {
  const TextTrack track{.language = "eng", .cues = {{0, 1500, "one", ""}, {1500, 2000, "<i>two</i>", "line:0"}}};
  const Fd file = *temporary_file();
  test::ParentDouble parent;
  const auto written = package(file.get(), {.text = track});
  ASSERT_TRUE(written) << written.error().text;
  const auto report = verify(file.get(), {.text = track}, parent.line());
  ASSERT_TRUE(report) << report.error().text;
  EXPECT_EQ(report->sha256, *file_sha256(file.get()));
  EXPECT_EQ(report->bytes, *file_size(file.get()));
  EXPECT_EQ(report->seconds, 2.0);
  const auto found = [](const FileReport& r) {
    std::vector<std::string> texts;
    for (const Check& check : r.checks) texts.push_back(check.name + (check.passed ? ": " : " FAILED: ") + check.found);
    return texts;
  };
  EXPECT_THAT(found(*report), ElementsAre("webvtt: well-formed", "cues: 2 cues, as planned"));
  TextTrack other = track;
  other.cues[1].end = 2001;
  EXPECT_THAT(found(*verify(file.get(), {.text = other}, parent.line())),
              ElementsAre("webvtt: well-formed", "cues FAILED: 2 cues, not as planned"));
  ASSERT_TRUE(write_at(file.get(), 0, std::as_bytes(std::span("X", 1))));
  EXPECT_THAT(found(*verify(file.get(), {.text = track}, parent.line())),
              ElementsAre("webvtt FAILED: line 1: no WebVTT signature"));
}

}  // namespace
}  // namespace gopmill
