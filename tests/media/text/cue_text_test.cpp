#include "media/text/cue_text.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>

namespace gopmill {
namespace {

using namespace std::string_literals;

std::string ass(std::string_view text) { return cue_text_of_ass("0,0,Default,,0,0,0,," + std::string(text)); }
std::string tx3g(std::string_view text, std::string_view boxes = {}) {
  return cue_text_of_tx3g(
      std::string{static_cast<char>(text.size() >> 8), static_cast<char>(text.size() & 0xff)}.append(text).append(boxes));
}

TEST(CueText, SubripKeepsThreeStylesAndItsLines) {
  EXPECT_EQ(cue_text_of_subrip("- <i>Wer da?</i>\r\n- <B>Ich</B>, <font color=\"#ff0000\">rot</font>."),
            "- <i>Wer da?</i>\n- <b>Ich</b>, rot.");
  EXPECT_EQ(cue_text_of_subrip("{\\an8}up there, 1 < 2 & 3 > 2"), "up there, 1 &lt; 2 &amp; 3 &gt; 2");
}

TEST(CueText, StylesNestWhateverTheSourceDoes) {
  EXPECT_EQ(cue_text_of_subrip("<i>a<b>b</i>c</b>d"), "<i>a<b>b</b></i><b>c</b>d");
  EXPECT_EQ(cue_text_of_subrip("<i><i>a</i>b</i>c"), "<i>ab</i>c");
  EXPECT_EQ(cue_text_of_subrip("</b></i><u>never closed"), "<u>never closed</u>");
  EXPECT_EQ(cue_text_of_subrip("<b></b>"), "");
}

TEST(CueText, NoEmptyLineAndNoBlanksAtEndsOfLines) {
  EXPECT_EQ(cue_text_of_subrip("\n\n  one \n \t \n\n two\n\n"), "one\ntwo");
  EXPECT_EQ(cue_text_of_subrip("a  \t b"), "a b");
}

TEST(CueText, HostileTextIsOnlyText) {
  EXPECT_EQ(cue_text_of_subrip("<script>alert(1)</script>"), "&lt;script&gt;alert(1)&lt;/script&gt;");
  EXPECT_EQ(cue_text_of_subrip("00:00 --> 99:00"), "00:00 --&gt; 99:00");
  EXPECT_EQ(cue_text_of_subrip("a\x01\x1b[31m\0z\x7f\xc2\x85"s), "a[31mz");
  EXPECT_EQ(cue_text_of_subrip("\xc3(\xff\xed\xa0\x80!"), "\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD!");
  EXPECT_EQ(cue_text_of_webvtt("<c.x>a &lt;b&gt; </c>&copy;"), "a &lt;b&gt; &amp;copy;");
}

TEST(CueText, HugeTextIsCutBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += "<b>\u00e9</b>";
  const std::string cue = cue_text_of_subrip(text);
  EXPECT_LE(cue.size(), kCueBytesMax);
  EXPECT_GT(cue.size(), kCueBytesMax - 64);
  EXPECT_TRUE(is_cue_text(cue));
}

TEST(CueText, AssLeavesOutOverridesAndDrawings) {
  EXPECT_EQ(ass("{\\pos(10,20)\\fad(1,2)}Hello{\\i1}, \\Nyou{\\i0} there\\h!"), "Hello<i>,\nyou</i> there\u00a0!");
  EXPECT_EQ(ass("{\\p1}m 0 0 l 100 0 100 100{\\p0}after"), "after");
  EXPECT_EQ(ass("{\\b700}b{\\b0}{\\be1\\iclip(0,0,1,1)\\u1}u{\\r}plain"), "<b>b</b><u>u</u>plain");
  EXPECT_EQ(ass("C:\\dir {a comment}, commas, stay"), "C:\\dir , commas, stay");
  EXPECT_EQ(cue_text_of_ass("too,few,fields"), "");
}

TEST(CueText, WebvttReadsTagsAndEntities) {
  EXPECT_EQ(cue_text_of_webvtt("<v Roger Bingham>We are <i.loud>in</i> <00:01.000>New&nbsp;York</v> &amp; more"),
            "We are <i>in</i> New\u00a0York &amp; more");
}

TEST(CueText, TimedTextReadsStylesAndUtf16) {
  const std::string styles = "\0\0\0\x16styl\0\x01\0\x02\0\x04\0\x01\x02\x12\xff\xff\xff\xff"s;
  EXPECT_EQ(tx3g("a \u00e9\u00e8 b", styles), "a <i>\u00e9\u00e8</i> b");
  EXPECT_EQ(tx3g("\xFE\xFF\0A\xD8\x3D\xDE\x00"s), "A\U0001F600");
  EXPECT_EQ(cue_text_of_tx3g("\x40\x00short"s), "short");
  EXPECT_EQ(cue_text_of_tx3g("\0\0"s), "");
}

TEST(CueText, TimedTextAndBack) {
  for (const std::string text : {"plain", "a\n<i>b &amp; c</i>\n<b>d<u>e</u></b>", "\u20ac<u>\U0001F600</u>", ""}) {
    EXPECT_EQ(cue_text_of_tx3g(tx3g_of_cue_text(text)), text);
  }
  EXPECT_EQ(tx3g_of_cue_text("<b>hi</b>"), "\0\x02hi\0\0\0\x16styl\0\x01\0\0\0\x02\0\x01\x01\x12\xff\xff\xff\xff"s);
}

TEST(CueText, SettingsAreKeptWhereTheyAreOnes) {
  EXPECT_EQ(cue_settings("line:10% align:start region:fred line:0 x size:a\nb"), "line:10% align:start");
  EXPECT_EQ(cue_settings("position:50%,line-left vertical:rl -->"), "position:50%,line-left vertical:rl");
}

TEST(CueText, KnowsItsOwn) {
  for (const std::string_view good : {"", "a", "<b>a</b>", "a &lt; b\nc"}) EXPECT_TRUE(is_cue_text(good)) << good;
  for (const std::string_view bad : {"a\n", "\na", "a\n\nb", " a", "a ", "a>b", "a<b", "&nbsp;", "<b>a", "a</b>",
                                     "<b><i>a</b></i>", "<c>a</c>", "a\tb", "\xff", "a \nb"}) {
    EXPECT_FALSE(is_cue_text(bad)) << bad;
  }
}

// Whatever bytes go in, cue text comes out.
TEST(CueText, OfRandomBytes) {
  std::mt19937 random(20260101);
  static constexpr std::string_view kPieces[] = {"<",    ">",  "/",  "b",    "i",        "u",    "{",    "}",           "\\",
                                                 "N",    "\n", "\r", " ",    "&",        "amp;", "-->",  ",",           "\xc3",
                                                 "\xa9", "\0", "p1", "styl", "\x00\x00", "<b>",  "</i>", "\xe2\x82\xac"};
  for (int round = 0; round < 5'000; ++round) {
    std::string bytes;
    for (unsigned i = random() % 40; i > 0; --i) bytes += kPieces[random() % std::size(kPieces)];
    for (const std::string& text : {cue_text_of_subrip(bytes), cue_text_of_ass(bytes), ass(bytes), cue_text_of_webvtt(bytes),
                                    cue_text_of_tx3g(bytes), tx3g(bytes, bytes)}) {
      ASSERT_TRUE(is_cue_text(text)) << testing::PrintToString(bytes) << " gives " << testing::PrintToString(text);
      ASSERT_EQ(cue_text_of_tx3g(tx3g_of_cue_text(text)).size() > 0, !text.empty());
    }
  }
}

}  // namespace
}  // namespace gopmill
