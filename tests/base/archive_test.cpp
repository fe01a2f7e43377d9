#include "base/archive.h"

#include <gtest/gtest.h>

#include <limits>

namespace gopmill {
namespace {

enum class Colour : std::uint8_t { kRed = 1, kGreen = 2 };

struct Packet {
  std::int64_t pts = 0;
  bool key = false;
  friend bool operator==(const Packet&, const Packet&) = default;
};
template <class A>
void fields(A& a, Packet& packet) {
  a(packet.pts, packet.key);
}

struct Everything {
  std::uint8_t small = 0;
  std::int32_t number = 0;
  std::uint64_t big = 0;
  double real = 0;
  bool yes = false;
  Colour colour = Colour::kRed;
  Rational rate;
  std::string text;
  std::vector<Packet> packets;
  std::optional<std::string> maybe, never;
  std::map<std::string, std::int64_t> named;
  std::array<std::uint16_t, 3> three{};
  friend bool operator==(const Everything&, const Everything&) = default;
};
template <class A>
void fields(A& a, Everything& e) {
  a(e.small, e.number, e.big, e.real, e.yes, e.colour, e.rate, e.text, e.packets, e.maybe, e.never, e.named, e.three);
}

Everything example() {
  return {.small = 255,
          .number = std::numeric_limits<std::int32_t>::min(),
          .big = std::numeric_limits<std::uint64_t>::max(),
          .real = -0.1,
          .yes = true,
          .colour = Colour::kGreen,
          .rate = {30'000, 1001},
          .text = std::string("a\0b", 3),
          .packets = {{.pts = -1, .key = true}, {.pts = 1 << 30, .key = false}},
          .maybe = "",
          .never = std::nullopt,
          .named = {{"crf", 23}, {"", -1}},
          .three = {1, 2, 65535}};
}

TEST(Archive, GivesBackWhatWasPutIn) {
  const auto back = decode<Everything>(encode(example()), "everything");
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_EQ(*back, example());
}

TEST(Archive, IsLittleEndianAndFixedInWidth) {
  EXPECT_EQ(encode(Packet{.pts = 0x0102, .key = true}), std::string("\x02\x01\0\0\0\0\0\0\x01", 9));
  EXPECT_EQ(encode(std::string("hi")), std::string("\x02\0\0\0hi", 6));
}

TEST(Archive, RefusesEveryTruncation) {
  const std::string whole = encode(example());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto cut = decode<Everything>(whole.substr(0, size), "everything");
    ASSERT_FALSE(cut) << size << " of " << whole.size() << " bytes were enough";
    EXPECT_EQ(cut.error(), (Fault{FaultKind::kInput, "everything is malformed"}));
  }
}

TEST(Archive, RefusesBytesLeftOver) { EXPECT_FALSE(decode<Packet>(encode(Packet{}) + '\0', "packet")); }

TEST(Archive, RefusesACountBeyondItsBytesBeforeItAllocates) {
  const std::string four_billion("\xff\xff\xff\xff", 4);
  EXPECT_FALSE(decode<std::string>(four_billion, "text"));
  EXPECT_FALSE(decode<std::vector<Packet>>(four_billion, "packets"));
  EXPECT_FALSE((decode<std::map<std::uint8_t, std::uint8_t>>(four_billion, "map")));
  // As many elements as there are bytes left, but each takes nine.
  EXPECT_FALSE(decode<std::vector<Packet>>(std::string("\x09\0\0\0", 4) + std::string(9, '\0'), "packets"));
}

TEST(Archive, RefusesABoolThatIsNone) {
  EXPECT_FALSE(decode<bool>("\x02", "flag"));
  EXPECT_FALSE(decode<std::optional<std::uint8_t>>("\x02\x01", "flag"));
}

TEST(Archive, RefusesARateWithoutADenominator) {
  ArchiveWriter writer;
  writer(std::int64_t{25}, std::int64_t{0});
  EXPECT_FALSE(decode<Rational>(writer.bytes(), "rate"));
}

TEST(Archive, ReadsZerosAfterAMisfit) {
  std::uint32_t first = 7;
  std::uint64_t second = 7;
  std::string third = "seven";
  ArchiveReader reader(std::as_bytes(std::span("\x01\x02", 2)));
  reader(first, second, third);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(first, 0U);
  EXPECT_EQ(second, 0U);
  EXPECT_EQ(third, "");
}

TEST(Archive, SurvivesEveryFlippedByte) {
  const std::string whole = encode(example());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const unsigned char mask : {0x01, 0x80, 0xff}) {
      std::string hurt = whole;
      hurt[at] = static_cast<char>(static_cast<unsigned char>(hurt[at]) ^ mask);
      // Some flips make another valid value; that value must then be a fixed point.
      if (const auto read = decode<Everything>(hurt, "everything")) {
        const auto again = decode<Everything>(encode(*read), "everything");
        ASSERT_TRUE(again);
        EXPECT_EQ(encode(*again), encode(*read));
      }
    }
  }
}

}  // namespace
}  // namespace gopmill
