#include "media/signal/cadence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "media/signal/field_stats.h"

namespace gopmill {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kWidth = 96;
constexpr int kHeight = 64;

// What one field shows: a bar that moves to the right on a striped ground, at this moment.
std::uint8_t pixel(int moment, int x, int y) {
  const int bar = (moment * 5) % 61;
  if (x >= bar && x < bar + 30) return 220;
  return static_cast<std::uint8_t>(60 + (y / 8 % 2) * 40);
}

// Frames whose fields, in time order, show these moments; two for each frame.
std::vector<FieldMeasures> measures(const std::vector<int>& moments, bool top_first) {
  FieldMeter meter;
  std::vector<FieldMeasures> result;
  for (std::size_t i = 0; i + 1 < moments.size(); i += 2) {
    std::vector<std::uint8_t> luma;
    for (int y = 0; y < kHeight; ++y) {
      const bool first = (y % 2 == 0) == top_first;
      for (int x = 0; x < kWidth; ++x) luma.push_back(pixel(moments[i + (first ? 0 : 1)], x, y));
    }
    result.push_back(meter.see({.data = luma.data(), .stride = kWidth, .width = kWidth, .height = kHeight}));
  }
  return result;
}

std::vector<int> fields_of_lengths(const std::vector<int>& lengths) {
  std::vector<int> moments;
  int moment = 0;
  for (const int length : lengths) {
    moments.insert(moments.end(), static_cast<std::size_t>(length), moment);
    ++moment;
  }
  return moments;
}

std::vector<int> repeated(std::vector<int> pattern, int times) {
  std::vector<int> result;
  for (int i = 0; i < times; ++i) result.insert(result.end(), pattern.begin(), pattern.end());
  return result;
}

std::vector<int> each_its_own(int fields) {
  std::vector<int> moments(static_cast<std::size_t>(fields));
  std::iota(moments.begin(), moments.end(), 0);
  return moments;
}

std::vector<int> lengths(const std::vector<int>& moments, bool top_first) {
  CadenceFinder finder(top_first);
  for (const FieldMeasures& each : measures(moments, top_first)) finder.add(each);
  const auto found = finder.lengths();
  return {found.begin(), found.end()};
}

// ---- Measures ----

TEST(FieldMeter, AWholeFrameDoesNotCombAndAWovenOneDoes) {
  const auto whole = measures({0, 0, 1, 1}, true);
  EXPECT_EQ(whole[1].own, 0U);
  EXPECT_GT(whole[1].top_after, 1000U);
  EXPECT_GT(whole[1].bottom_after, 1000U);
  const auto fields = measures({0, 1, 2, 3}, true);
  EXPECT_GT(fields[1].own, 1000U);
  EXPECT_GT(fields[1].bottom_after, 2 * fields[1].top_after) << "three fields apart, against one";
}

TEST(FieldMeter, ARepeatedFieldHasNotMoved) {
  const auto seen = measures({0, 0, 0, 1}, true);
  EXPECT_EQ(seen[1].top_moved, 0U);
  EXPECT_GT(seen[1].bottom_moved, 1000U);
  EXPECT_EQ(seen[1].top_after, 0U);
}

TEST(FieldMeter, ReadsTenBitsAndBytesBetweenPixels) {
  std::vector<std::uint16_t> wide;
  std::vector<std::uint8_t> packed;
  std::vector<std::uint8_t> plain;
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const std::uint8_t value = pixel(y % 2, x, y);
      wide.push_back(static_cast<std::uint16_t>(value << 2));
      packed.push_back(value);
      packed.push_back(99);
      plain.push_back(value);
    }
  }
  FieldMeter a, b, c;
  const FieldMeasures expected = a.see({.data = plain.data(), .stride = kWidth, .width = kWidth, .height = kHeight});
  EXPECT_GT(expected.own, 0U);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(wide.data());
  EXPECT_EQ(b.see({bytes, 2 * kWidth, kWidth, kHeight, 2, true, 2}), expected);
  EXPECT_EQ(c.see({packed.data(), 2 * kWidth, kWidth, kHeight, 2, false, 0}), expected);
}

TEST(FieldMeter, FramesOfOneLineOrOnePixelAreMeasured) {
  const std::vector<std::uint8_t> luma(4, 100);
  FieldMeter meter;
  EXPECT_EQ(meter.see({.data = luma.data(), .stride = 2, .width = 2, .height = 2}).own, 0U);
  EXPECT_EQ(meter.see({.data = luma.data(), .stride = 1, .width = 1, .height = 1}).own, 0U);
}

// ---- The cut into film frames ----

TEST(Cadence, WholeFramesStayTwoFieldsEach) {
  EXPECT_EQ(lengths(fields_of_lengths({2, 2, 2, 2, 2}), true), (std::vector<int>{2, 2, 2, 2, 2}));
}

TEST(Cadence, FindsTwoToThreeInBothOrders) {
  const std::vector<int> pulldown = repeated({2, 3, 2, 3}, 4);
  for (const bool top_first : {true, false}) EXPECT_EQ(lengths(fields_of_lengths(pulldown), top_first), pulldown);
}

TEST(Cadence, Finds25InSixtyFields) {
  const std::vector<int> pulldown = repeated({2, 3, 2, 2, 3}, 3);
  EXPECT_EQ(lengths(fields_of_lengths(pulldown), true), pulldown);
}

TEST(Cadence, AnEditInTheMiddleCostsNothingAfterIt) {
  // A cut after the pulldown leaves one field without its partner; the cadence goes on from another phase.
  std::vector<int> before = repeated({2, 3, 2, 3}, 2);
  before.push_back(1);
  before.push_back(2);
  before.push_back(3);
  const std::vector<int> after = repeated({2, 3}, 4);
  before.insert(before.end(), after.begin(), after.end());
  ASSERT_EQ(std::accumulate(before.begin(), before.end(), 0) % 2, 0);
  EXPECT_EQ(lengths(fields_of_lengths(before), true), before);
}

TEST(Cadence, TrueInterlaceIsLoneFields) { EXPECT_EQ(lengths(each_its_own(12), true), std::vector<int>(12, 1)); }

// ---- One answer for the file ----

ScanFindings judged(const std::vector<int>& moments, bool top_first, bool flagged = false) {
  return judge_scan({measures(moments, top_first), measures(moments, top_first)}, flagged, true);
}

TEST(Scan, TellsTheFourKindsWhateverTheFlagsSay) {
  for (const bool flagged : {false, true}) {
    EXPECT_EQ(judged(fields_of_lengths(std::vector<int>(12, 2)), true, flagged).scan, Scan::kProgressive);
    for (const bool top_first : {true, false}) {
      const ScanFindings video = judged(each_its_own(24), top_first, flagged);
      EXPECT_EQ(video.scan, Scan::kInterlaced);
      EXPECT_EQ(video.top_first, top_first) << video.evidence;
      const ScanFindings film = judged(fields_of_lengths(repeated({2, 3, 2, 3}, 3)), top_first, flagged);
      EXPECT_EQ(film.scan, Scan::kTelecined);
      EXPECT_EQ(film.top_first, top_first) << film.evidence;
    }
  }
  EXPECT_THAT(judged(each_its_own(24), true, false).evidence, HasSubstr("flagged progressive"));
  EXPECT_THAT(judged(fields_of_lengths(std::vector<int>(12, 2)), true, true).evidence, HasSubstr("flagged interlaced"));
}

TEST(Scan, FilmWhoseFramesArePairedWrongIsFilm) {
  // 25 frames a second, each in the second field of one frame and the first of the next.
  std::vector<int> shifted = fields_of_lengths(std::vector<int>(12, 2));
  shifted.insert(shifted.begin(), 99);
  shifted.push_back(98);
  EXPECT_EQ(judged(shifted, true).scan, Scan::kTelecined);
}

// Grass, fur or a crowd that rises by one line a frame: each line fits between its neighbours of the frame before.
TEST(Scan, AFilmThatClimbsByALineIsWhole) {
  constexpr int kFrames = 24;
  std::mt19937 random(1);
  std::vector<std::uint8_t> texture(static_cast<std::size_t>(kWidth) * (kHeight + 2 * kFrames));
  for (std::uint8_t& pixel : texture) pixel = static_cast<std::uint8_t>(80 + random() % 64);
  for (const int lines : {1, -1}) {
    FieldMeter meter;
    std::vector<FieldMeasures> run;
    for (int n = 0; n < kFrames; ++n) {
      std::vector<std::uint8_t> luma;
      for (int y = 0; y < kHeight; ++y) {
        for (int x = 0; x < kWidth; ++x) {
          luma.push_back(texture[static_cast<std::size_t>((y + lines * n + kFrames) * kWidth + x)]);
        }
      }
      run.push_back(meter.see({.data = luma.data(), .stride = kWidth, .width = kWidth, .height = kHeight}));
    }
    ASSERT_GT(run[5].own, 4 * std::max(run[5].top_after, run[5].bottom_after)) << "the trap";
    EXPECT_EQ(judge_scan({run}, false, true).scan, Scan::kProgressive);
  }
}

TEST(Scan, WhereNothingMovesTheFlagsDecide) {
  const std::vector<int> still(24, 3);
  EXPECT_EQ(judged(still, true, false).scan, Scan::kProgressive);
  EXPECT_EQ(judged(still, true, true).scan, Scan::kInterlaced);
}

TEST(Scan, ATwentiethOfCombedFramesIsWorthDeinterlacing) {
  const auto mixed = [](int whole, int fields) {
    std::vector<int> moments = fields_of_lengths(std::vector<int>(static_cast<std::size_t>(whole), 2));
    for (int i = 0; i < fields; ++i) moments.push_back(moments.back() + 1);
    return judge_scan({measures(moments, true)}, false, true).scan;
  };
  EXPECT_EQ(mixed(200, 8), Scan::kProgressive);
  EXPECT_EQ(mixed(100, 24), Scan::kInterlaced);
}

}  // namespace
}  // namespace gopmill
