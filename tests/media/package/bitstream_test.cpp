#include "media/package/bitstream.h"

#include <gtest/gtest.h>

namespace gopmill {
namespace {

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>(value);
  return text;
}

// avcC and hvcC that say: lengths take four bytes.
const std::string kAvcc = bytes({1, 0x64, 0, 0x1e, 0xff});
const std::string kHvcc = bytes({1}) + std::string(20, '\0') + bytes({0x03});

TEST(StartsCleanly, H264WithLengths) {
  const std::string sei = bytes({0, 0, 0, 2, 0x06, 0x05});
  EXPECT_TRUE(starts_cleanly("h264", kAvcc, sei + bytes({0, 0, 0, 2, 0x65, 0x88})));
  EXPECT_FALSE(starts_cleanly("h264", kAvcc, sei + bytes({0, 0, 0, 2, 0x41, 0x9a})));
}

TEST(StartsCleanly, H264AnnexB) {
  EXPECT_TRUE(starts_cleanly("h264", "", bytes({0, 0, 0, 1, 0x09, 0x10, 0, 0, 1, 0x65, 0x88})));
  EXPECT_FALSE(starts_cleanly("h264", "", bytes({0, 0, 0, 1, 0x09, 0x10, 0, 0, 1, 0x01, 0x88})));
}

TEST(StartsCleanly, HevcTellsIdrFromCra) {
  EXPECT_TRUE(starts_cleanly("hevc", kHvcc, bytes({0, 0, 0, 3, 19 << 1, 1, 0})));
  EXPECT_FALSE(starts_cleanly("hevc", kHvcc, bytes({0, 0, 0, 3, 21 << 1, 1, 0})));
}

TEST(StartsCleanly, LengthsThatLieEndTheSearch) {
  EXPECT_FALSE(starts_cleanly("h264", kAvcc, bytes({0xff, 0xff, 0xff, 0xff, 0x41})));
  EXPECT_FALSE(starts_cleanly("h264", kAvcc, bytes({0, 0, 0})));
  EXPECT_FALSE(starts_cleanly("h264", kAvcc, ""));
}

TEST(StartsCleanly, ByCodecWhereTheBitstreamNeedNotBeRead) {
  EXPECT_TRUE(starts_cleanly("vp9", "", "x"));
  EXPECT_TRUE(starts_cleanly("prores", "", "x"));
  EXPECT_FALSE(starts_cleanly("mpeg2video", "", "x"));
  EXPECT_FALSE(starts_cleanly("mpeg4", "", "x"));
}

TEST(ShowsFrame, Vp8KeepsHiddenFramesInPacketsOfTheirOwn) {
  EXPECT_TRUE(shows_frame("vp8", bytes({0x10})));
  EXPECT_FALSE(shows_frame("vp8", bytes({0x01})));
  EXPECT_TRUE(shows_frame("vp9", bytes({0x01})));
}

TEST(SequenceShape, IsThatOfAnMpegSequenceHeaderInFront) {
  const std::string header("\0\0\1\xB3\x2D\x02\x40\x35", 8);  // 720x576, 16:9, 25 frames/s
  EXPECT_EQ(sequence_shape("mpeg2video", header), 720U << 16U | 576U << 4U | 3U);
  EXPECT_NE(sequence_shape("mpeg2video", std::string("\0\0\1\xB3\x2D\x02\x40\x25", 8)), sequence_shape("mpeg2video", header));
  EXPECT_EQ(sequence_shape("h264", header), std::nullopt);
  EXPECT_EQ(sequence_shape("mpeg2video", std::string("\0\0\1\0\x2D\x02\x40\x35", 8)), std::nullopt) << "a frame";
  EXPECT_EQ(sequence_shape("mpeg2video", header.substr(0, 7)), std::nullopt);
}

}  // namespace
}  // namespace gopmill
