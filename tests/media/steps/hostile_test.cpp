// Files made to harm whoever opens them. Each is refused at once with a reason, or read for what it is. That a child that opens one
// reaches nothing else is the sandbox's to keep (tests/e2e/damage_test.cpp).

#include <gmock/gmock.h>

#include "media/steps/work.h"
#include "tests/support/clips.h"
#include "tests/support/damage.h"
#include "tests/support/parent_double.h"

namespace gopmill {
namespace {

using test::Clip;
using test::ClipVideo;
using testing::HasSubstr;

// What the analysis makes of it; "" if it is accepted. One that never ends is ended by ctest.
std::string verdict(const Fd& file, Damage damage = Damage::kRefuse) {
  test::ParentDouble parent;
  const auto facts = analyse(file.get(), {.damage = damage}, parent.line());
  if (facts) return "";
  EXPECT_EQ(facts.error().kind, FaultKind::kInput) << facts.error().text;
  return facts.error().text;
}

std::string mp4() {
  return test::bytes_of(test::make_clip(
      {.frame = ClipVideo{.width = 160, .height = 90, .frames = 25, .b_frames = 0}, .muxer_options = {{"moov_size", "20000"}}}));
}

std::string with_number(std::string bytes, std::size_t at, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) bytes[at + static_cast<std::size_t>(i)] = static_cast<char>(value >> (24 - 8 * i));
  return bytes;
}

std::uint32_t number_at(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
  return value;
}

TEST(Hostile, TextIsNoMedia) {
  const std::vector<std::string> texts = {
      "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
      "#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/secret.ts\n#EXT-X-ENDLIST\n",
      "ffconcat version 1.0\nfile '/etc/passwd'\nfile 'other.ts'\n",
      "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"><Period></Period></MPD>",
      "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 9 RTP/AVP 96\r\n",
      std::string(4096, 'A')};
  for (const std::string& text : texts) EXPECT_NE(verdict(test::file_of(text)), "") << text;
  EXPECT_THAT(verdict(test::file_of(texts[0])), HasSubstr("a playlist"));
  EXPECT_THAT(verdict(test::file_of(texts[2])), HasSubstr("a list of files"));
}

// Formats that are not clips are not opened at all.
TEST(Hostile, WhatIsNotOpenedIsNamed) {
  const std::string sun =
      ".snd" + std::string("\0\0\0\x18\0\0\x10\0\0\0\0\x03\0\0\x1f\x40\0\0\0\x01", 20) + std::string(4096, '\0');
  EXPECT_THAT(verdict(test::file_of(sun)), HasSubstr("a container that gopmill does not read (au)"));
}

TEST(Hostile, AHugeFrameInThirtyBytesIsRefused) {
  EXPECT_THAT(verdict(test::file_of(std::string(
                  "GIF89a\x80\x3E\x80\x3E\x80\x00\x00\x00\x00\x00\xFF\xFF\xFF,\0\0\0\0\x80\x3E\x80\x3E\x00\x02", 31))),
              HasSubstr("exceeds specified max pixel count"));
}

TEST(Hostile, AMovieWithHalfItsIndexIsRefused) {
  const std::string whole = mp4();
  const std::size_t moov = test::box_payload(whole, "moov");
  for (const std::size_t size : {moov + 4, moov + 200, moov + number_at(whole, moov - 8) - 40})
    EXPECT_NE(verdict(test::file_of(std::string_view(whole).substr(0, size)), Damage::kSalvage), "");
}

TEST(Hostile, BoxesThatLieAboutTheirSizeEndTheFile) {
  const std::string whole = mp4();
  for (const char* box : {"moov", "trak", "stbl", "stsz"}) {
    const std::size_t at = test::box_payload(whole, box) - 8;
    for (const std::uint32_t size : {0U, 1U, 7U, 0x7FFFFFFFU, 0xFFFFFFFFU}) verdict(test::file_of(with_number(whole, at, size)));
  }
}

TEST(Hostile, AbsurdCountsAreNotBelieved) {
  const std::string whole = mp4();
  for (const char* table : {"stts", "stsc", "stsz", "stco"}) {
    const std::size_t at = test::box_payload(whole, table);
    for (std::size_t field = 4; field <= 12; field += 4) verdict(test::file_of(with_number(whole, at + field, 0x7FFFFFFF)));
  }
  // One entry of two thousand million frames.
  EXPECT_NE(verdict(test::file_of(with_number(whole, test::box_payload(whole, "stsz") + 8, 0x7FFFFFFF))), "");
}

TEST(Hostile, AClockOfNothingIsSurvived) {
  const std::string whole = mp4();
  verdict(test::file_of(with_number(whole, test::box_payload(whole, "mdhd") + 12, 0)));
  verdict(test::file_of(with_number(whole, test::box_payload(whole, "mvhd") + 12, 0)));
}

TEST(Hostile, ATrackWithoutDescriptionIsRefused) {
  std::string whole = mp4();
  whole.replace(test::box_payload(whole, "stsd") - 4, 4, "free");
  EXPECT_NE(verdict(test::file_of(whole)), "");
}

TEST(Hostile, ALeapOfAThousandMillionSecondsIsRefused) {
  ClipVideo frame{.width = 160, .height = 90, .b_frames = 0};
  frame.pts = {0, 1, 2, 25'000'000'000, 25'000'000'001};
  EXPECT_THAT(verdict(test::make_clip({.frame = frame, .container = "matroska"})), HasSubstr("span more than 26 hours"));
}

TEST(Hostile, AFrameOfAnySizeIsMeasuredFirst) {
  // VP8 in IVF: 16383x16383, the most its header can say, in a few bytes.
  std::string ivf("DKIF\0\0\x20\0VP80", 12);
  ivf += std::string("\xFF\x3F\xFF\x3F\x19\0\0\0\x01\0\0\0\x02\0\0\0\0\0\0\0", 20);
  for (char i = 0; i < 2; ++i) {
    ivf += std::string("\x40\0\0\0", 4) + i + std::string(7, '\0');
    ivf += std::string("\x10\x02\0\x9D\x01\x2A\xFF\x3F\xFF\x3F", 10) + std::string(54, '\x55');
  }
  EXPECT_NE(verdict(test::file_of(ivf)), "");
  // An MP4 whose header says 65500x65500.
  const std::string whole = mp4();
  std::string large = with_number(whole, test::box_payload(whole, "avc1") + 24, 65500U << 16 | 65500U);
  verdict(test::file_of(large));
}

TEST(Hostile, MoreTracksThanAnyClipHasAreRefused) {
  const std::string whole = mp4();
  const std::size_t moov = test::box_payload(whole, "moov") - 8;
  const std::size_t trak = test::box_payload(whole, "trak") - 8;
  const std::string track = whole.substr(trak, number_at(whole, trak));
  std::string many = whole.substr(0, trak);
  for (int i = 0; i < 200; ++i) many += track;
  many += whole.substr(trak);
  many = with_number(many, moov, number_at(whole, moov) + static_cast<std::uint32_t>(200 * track.size()));
  EXPECT_THAT(verdict(test::file_of(many)), HasSubstr("streams"));
}

TEST(Hostile, EncryptedTracksAreNamed) {
  std::string whole = mp4();
  whole.replace(whole.find("avc1", test::box_payload(whole, "stsd")), 4, "encv");
  EXPECT_THAT(verdict(test::file_of(whole)), HasSubstr("encrypted"));
}

TEST(Hostile, SaltedFilesEndWell) {
  // Every 97th byte of the file is another, in five ways: nothing may crash or hang, whatever the verdict.
  const std::string whole = test::bytes_of(test::make_clip({.frame = ClipVideo{.width = 160, .height = 90, .frames = 25},
                                                            .audio = test::ClipAudio{.seconds = 1},
                                                            .container = "mpegts"}));
  for (std::size_t salt = 0; salt < 5; ++salt) {
    std::string bytes = whole;
    for (std::size_t i = 400 + salt * 19; i < bytes.size(); i += 97)
      bytes[i] = static_cast<char>(bytes[i] + 1 + static_cast<int>(salt));
    verdict(test::file_of(bytes), Damage::kSalvage);
  }
}

}  // namespace
}  // namespace gopmill
