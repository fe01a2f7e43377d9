#include "media/text/webvtt.h"

#include <gmock/gmock.h>

#include <string>

namespace gopmill {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(WebVtt, WritesTheWholeFile) {
  const TextTrack track{.language = "eng",
                        .cues = {{0, 1234, "first &lt;", "line:10%"}, {1234, 3'723'004, "<i>two</i>\nlines", ""}}};
  EXPECT_EQ(webvtt_of(track),
            "WEBVTT\n"
            "\n"
            "NOTE language: eng\n"
            "\n"
            "00:00:00.000 --> 00:00:01.234 line:10%\n"
            "first &lt;\n"
            "\n"
            "00:00:01.234 --> 01:02:03.004\n"
            "<i>two</i>\n"
            "lines\n");
  EXPECT_EQ(webvtt_of({}), "WEBVTT\n");
}

TEST(WebVtt, ReadsBackWhatItWrote) {
  const TextTrack track{.cues = {{0, 1234, "a", "align:start"}, {0, 500, "b\nc", ""}, {360'000'000, 360'000'001, "d", ""}}};
  const auto read = read_webvtt(webvtt_of(track));
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(*read, track.cues);
  const auto none = read_webvtt(webvtt_of({.language = "deu"}));
  ASSERT_TRUE(none) << none.error().text;
  EXPECT_THAT(*none, IsEmpty());
}

TEST(WebVtt, RefusesWhatIsNotItsOwn) {
  const auto fault = [](std::string_view text) {
    const auto read = read_webvtt(text);
    return read ? "read" : read.error().text;
  };
  EXPECT_EQ(fault("WEBVTT - title\n"), "line 1: no WebVTT signature");
  EXPECT_EQ(fault("WEBVTT\n00:00:00.000 --> 00:00:01.000\na\n"), "line 2: no empty line before a block");
  EXPECT_EQ(fault("WEBVTT\n\n00:00:01.000 --> 00:00:01.000\na\n"), "line 3: no times of a cue");
  EXPECT_EQ(fault("WEBVTT\n\n00:60:00.000 --> 02:00:01.000\na\n"), "line 3: no times of a cue");
  EXPECT_EQ(fault("WEBVTT\n\n00:00:00.000 --> 00:00:01.000 region:a\na\n"), "line 3: no times of a cue");
  EXPECT_EQ(fault("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\na --> b\n"), "line 4: a cue whose text is not cue text");
  EXPECT_EQ(fault("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n\n"), "line 4: a cue whose text is not cue text");
  EXPECT_EQ(fault("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\na"), "line 3: a line without end");
  EXPECT_EQ(fault("WEBVTT\n\n00:00:02.000 --> 00:00:03.000\na\n\n00:00:01.000 --> 00:00:03.000\nb\n"),
            "line 7: a cue that starts before the one above it");
}

}  // namespace
}  // namespace gopmill
