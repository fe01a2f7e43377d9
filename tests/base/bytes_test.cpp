#include "base/bytes.h"

#include <gtest/gtest.h>

namespace gopmill {
namespace {

using namespace std::string_literals;

TEST(BigEndian, HasTheMostSignificantByteFirst) {
  std::string text = "x";
  put_big_endian(text, 0x1234, 2);
  put_big_endian(text, 0xFF, 1);
  put_big_endian(text, 0xFEDCBA9876543210, 8);
  EXPECT_EQ(text, "x\x12\x34\xFF\xFE\xDC\xBA\x98\x76\x54\x32\x10"s);
  EXPECT_EQ(big_endian(text, 1, 2), 0x1234U);
  EXPECT_EQ(big_endian(text, 3, 1), 0xFFU);
  EXPECT_EQ(big_endian(text, 4, 8), 0xFEDCBA9876543210U);
}

TEST(BigEndian, KeepsTheLowBytesOfWhatIsTooLarge) {
  std::string text;
  put_big_endian(text, 0x123456, 2);
  put_big_endian(text, 1, 3);
  EXPECT_EQ(text, "\x34\x56\0\0\1"s);
}

TEST(Hex, HasTwoSmallDigitsForEachByte) {
  EXPECT_EQ(hex("\x00\x01\x9a\xff"s), "00019aff");
  EXPECT_EQ(hex(""), "");
}

}  // namespace
}  // namespace gopmill
