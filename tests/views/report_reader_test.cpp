#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "views/report.h"

namespace gopmill {
namespace {

std::string with_rendition(const std::string& keys) { return R"({"renditions": [{)" + keys + "}]}"; }

TEST(ReportReader, TakesWhatIsThere) {
  const auto summary = read_report(
      R"({"renditions": [{"name": "360p", "file": "a_360p.mp4", "bytes": 1200, "frames": 48, "seconds": 2.0,
          "video_bits_per_s": 4000, "audio_bits_per_s": 800, "checks": [{"name": "frames", "passed": true, "found": "48"}]},
          {}], "notes": ["a note"]})");
  ASSERT_TRUE(summary.has_value()) << summary.error().text;
  ASSERT_EQ(summary->renditions.size(), 2U);
  const ReportSummary::Rendition& rendition = summary->renditions.front();
  EXPECT_EQ(rendition.name, "360p");
  EXPECT_EQ(rendition.file, "a_360p.mp4");
  EXPECT_EQ(rendition.bytes, 1200U);
  EXPECT_EQ(rendition.frames, 48U);
  EXPECT_EQ(rendition.seconds, 2.0);
  EXPECT_EQ(rendition.bit_rate, 4800);
  ASSERT_EQ(rendition.checks.size(), 1U);
  EXPECT_EQ(rendition.checks.front().name, "frames");
  EXPECT_TRUE(rendition.checks.front().passed);
  EXPECT_EQ(rendition.checks.front().found, "48");
  EXPECT_EQ(summary->renditions.back().bytes, 0U);
  EXPECT_EQ(summary->renditions.back().bit_rate, 0);
  EXPECT_EQ(summary->notes, std::vector<std::string>{"a note"});
}

TEST(ReportReader, RefusesWhatIsNoCount) {
  for (const char* number : {"3.3e87", "-1", "1.5", "9007199254740993", "18446744073709551615", "\"12\"", "null", "[]"}) {
    for (const char* key : {"bytes", "frames", "video_bits_per_s", "audio_bits_per_s"}) {
      const auto summary = read_report(with_rendition('"' + std::string(key) + "\": " + number));
      ASSERT_FALSE(summary.has_value()) << key << ": " << number;
      EXPECT_EQ(summary.error().kind, FaultKind::kInput);
      EXPECT_NE(summary.error().text.find(key), std::string::npos) << summary.error().text;
    }
  }
}

TEST(ReportReader, AddsTheLargestRates) {
  const auto summary =
      read_report(with_rendition(R"("video_bits_per_s": 9007199254740992, "audio_bits_per_s": 9007199254740992)"));
  ASSERT_TRUE(summary.has_value()) << summary.error().text;
  EXPECT_EQ(summary->renditions.front().bit_rate, 18014398509481984);
}

TEST(ReportReader, RefusesWhatIsNoReport) {
  for (const char* text :
       {"", "[]", "{}", R"({"renditions": [1]})", R"({"renditions": [{"seconds": "2"}]})", R"({"renditions": 1})"}) {
    const auto summary = read_report(text);
    ASSERT_FALSE(summary.has_value()) << text;
    EXPECT_EQ(summary.error().kind, FaultKind::kInput);
  }
}

}  // namespace
}  // namespace gopmill
