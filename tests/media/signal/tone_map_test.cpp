#include "media/signal/tone_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace gopmill {
namespace {

constexpr Colour kSdr{.primaries = 1, .transfer = 1, .matrix = 1, .chroma_location = 1};
constexpr Colour kPq{.primaries = 9, .transfer = 16, .matrix = 9, .chroma_location = 1};
constexpr Colour kHlg{.primaries = 9, .transfer = 18, .matrix = 9, .chroma_location = 1};
constexpr Colour kWideSdr{.primaries = 9, .transfer = 14, .matrix = 9, .chroma_location = 1};

const ColourTable& from_pq() {
  static const ColourTable table({.from = kPq, .to = kSdr, .peak = 1000});
  return table;
}
const ColourTable& from_hlg() {
  static const ColourTable table({.from = kHlg, .to = kSdr, .peak = 1000});
  return table;
}

double luma_of(const ColourTable& table, std::uint32_t y) { return table.look_up(y, 512, 512)[0] / 64.0; }
double share_of(double code) { return (code - 64) / 876; }  // of SDR's signal

// SMPTE ST 2084, written here a second time: from cd/m2 to a 10-bit code.
double pq_code(double light) {
  const double p = std::pow(light / 10'000, 2610.0 / 16384);
  return 64 + 876 * std::pow((3424.0 / 4096 + 2413.0 / 128 * p) / (1 + 2392.0 / 128 * p), 2523.0 / 32);
}
std::uint32_t nearest(double code) { return static_cast<std::uint32_t>(std::lround(code)); }

TEST(ToneMap, GreyStaysGrey) {
  const ColourTable wide({.from = kWideSdr, .to = kSdr});
  for (const ColourTable* table : {&from_pq(), &from_hlg(), &wide}) {
    for (std::uint32_t y = 0; y < 1024; ++y) {
      const auto colour = table->look_up(y, 512, 512);
      ASSERT_EQ(colour[1], 512U * 64) << y;
      ASSERT_EQ(colour[2], 512U * 64) << y;
    }
  }
}

TEST(ToneMap, ARampOfGreyRisesWithoutJumps) {
  for (const ColourTable* table : {&from_pq(), &from_hlg()}) {
    EXPECT_EQ(luma_of(*table, 64), 64);
    for (std::uint32_t y = 64; y < 940; ++y) {
      const double step = luma_of(*table, y + 1) - luma_of(*table, y);
      ASSERT_GE(step, 0) << y;
      ASSERT_LT(step, 3.2) << y;  // less than one step of 8 bits
    }
  }
}

TEST(ToneMap, LightBelowTheKneeIsKept) {
  for (const double light : {0.5, 2.0, 10.0, 30.0, 60.0}) {
    const double expected = 64 + 876 * std::pow(light / kSdrWhite, 1 / 2.4);
    EXPECT_NEAR(luma_of(from_pq(), nearest(pq_code(light))), expected, 2.5) << light;
  }
}

TEST(ToneMap, ReferenceWhiteIsNearlySdrWhiteAndThePeakIsIt) {
  EXPECT_NEAR(share_of(luma_of(from_pq(), nearest(pq_code(203)))), 0.90, 0.02);
  EXPECT_NEAR(share_of(luma_of(from_pq(), nearest(pq_code(100)))), 0.73, 0.02);
  EXPECT_NEAR(luma_of(from_pq(), nearest(pq_code(1000))), 940, 1);
  // HLG's reference white is at 75 % of its signal (BT.2408).
  EXPECT_NEAR(share_of(luma_of(from_hlg(), nearest(64 + 876 * 0.75))), 0.90, 0.02);
  EXPECT_NEAR(luma_of(from_hlg(), 940), 940, 1);
}

TEST(ToneMap, AHigherPeakLeavesRoomAboveTheSameLight) {
  const ColourTable bright({.from = kPq, .to = kSdr, .peak = 4000});
  const ColourTable dim({.from = kPq, .to = kSdr, .peak = 203});
  const std::uint32_t light = nearest(pq_code(203));
  EXPECT_LT(luma_of(bright, light), luma_of(from_pq(), light) - 20);
  EXPECT_NEAR(luma_of(dim, light), 940, 12);  // its curve has a corner there, which the table rounds
  EXPECT_NEAR(luma_of(bright, nearest(pq_code(4000))), 940, 1);
}

TEST(ToneMap, NothingToDoChangesNothing) {
  const ColourTable same({.from = kSdr, .to = kSdr});
  for (std::uint32_t y = 64; y <= 940; y += 7) {
    for (std::uint32_t cb = 64; cb <= 960; cb += 13) {
      for (std::uint32_t cr = 64; cr <= 960; cr += 29) {
        const auto colour = same.look_up(y, cb, cr);
        ASSERT_NEAR(colour[0], y * 64, 1);
        ASSERT_NEAR(colour[1], cb * 64, 1);
        ASSERT_NEAR(colour[2], cr * 64, 1);
      }
    }
  }
}

struct Rgb {
  double r, g, b;
};
Rgb rgb_of(const std::array<std::uint32_t, 3>& colour) {
  const double y = share_of(colour[0] / 64.0), cb = (colour[1] / 64.0 - 512) / 896, cr = (colour[2] / 64.0 - 512) / 896;
  return {y + 1.5748 * cr, y - 0.1873 * cb - 0.4681 * cr, y + 1.8556 * cb};
}
std::array<std::uint32_t, 3> coded(Rgb c, double red, double blue) {
  const double y = red * c.r + (1 - red - blue) * c.g + blue * c.b;
  return {nearest(64 + 876 * y), nearest(512 + 896 * (c.b - y) / (2 - 2 * blue)), nearest(512 + 896 * (c.r - y) / (2 - 2 * red))};
}
Rgb looked_up(const ColourTable& table, std::array<std::uint32_t, 3> code) {
  return rgb_of(table.look_up(code[0], code[1], code[2]));
}

TEST(ToneMap, RareMatricesBecomeBt709) {
  struct Case {
    std::uint8_t matrix;
    double red, blue;
  };
  for (const Case& c : {Case{4, 0.30, 0.11}, Case{6, 0.299, 0.114}, Case{7, 0.212, 0.087}, Case{9, 0.2627, 0.0593}}) {
    const ColourTable table({.from = {.primaries = 2, .transfer = 2, .matrix = c.matrix}, .to = {.matrix = 1}});
    const Rgb brick{0.7, 0.35, 0.2};
    const Rgb seen = looked_up(table, coded(brick, c.red, c.blue));
    EXPECT_NEAR(seen.r, brick.r, 0.003) << int{c.matrix};
    EXPECT_NEAR(seen.g, brick.g, 0.003) << int{c.matrix};
    EXPECT_NEAR(seen.b, brick.b, 0.003) << int{c.matrix};
  }
}

TEST(ToneMap, WideGamutComesIntoBt709WithItsHue) {
  const ColourTable table({.from = kWideSdr, .to = kSdr});
  // No colour of the wide gamut leaves the smaller one.
  for (double r = 0; r <= 1; r += 0.125) {
    for (double g = 0; g <= 1; g += 0.125) {
      for (double b = 0; b <= 1; b += 0.125) {
        const Rgb seen = looked_up(table, coded({r, g, b}, 0.2627, 0.0593));
        for (const double c : {seen.r, seen.g, seen.b}) {
          ASSERT_GT(c, -0.03) << r << " " << g << " " << b;
          ASSERT_LT(c, 1.03) << r << " " << g << " " << b;
        }
      }
    }
  }
  // BT.709's red in BT.2020 is 0.6274, 0.0691, 0.0164 of its light (BT.2087); it comes home nearly as it was.
  const auto signal = [](double light) { return std::pow(light, 1 / 2.4); };
  const Rgb red = looked_up(table, coded({signal(0.6274), signal(0.0691), signal(0.0164)}, 0.2627, 0.0593));
  EXPECT_GT(red.r, 0.95);
  EXPECT_LT(std::max(red.g, red.b), 0.35);
  // What lies well inside stays where it was: skin, again by BT.2087.
  const Rgb skin{0.75, 0.6, 0.5};
  const auto light = [](double c) { return std::pow(c, 2.4); };
  const double r = light(skin.r), g = light(skin.g), b = light(skin.b);
  const Rgb seen =
      looked_up(table, coded({signal(0.6274 * r + 0.3293 * g + 0.0433 * b), signal(0.0691 * r + 0.9195 * g + 0.0114 * b),
                              signal(0.0164 * r + 0.0880 * g + 0.8956 * b)},
                             0.2627, 0.0593));
  EXPECT_NEAR(seen.r, skin.r, 0.01);
  EXPECT_NEAR(seen.g, skin.g, 0.01);
  EXPECT_NEAR(seen.b, skin.b, 0.01);
}

TEST(ToneMap, HighlightsKeepTheirHue) {
  // Orange light of 800, 300 and 60 cd/m2 in BT.2020, far above SDR's white.
  const auto signal = [](double light) { return (pq_code(light) - 64) / 876; };
  const Rgb seen = looked_up(from_pq(), coded({signal(800), signal(300), signal(60)}, 0.2627, 0.0593));
  EXPECT_LE(seen.r, 1.01);
  EXPECT_GT(seen.r, 0.9);
  EXPECT_GT(seen.r, seen.g + 0.1);
  EXPECT_GT(seen.g, seen.b + 0.1);
}

// A frame of 8x4 whose planes are filled by a function of x, y and plane.
template <class Fill>
std::array<std::vector<std::uint16_t>, 3> frame(int width, int height, Fill fill) {
  std::array<std::vector<std::uint16_t>, 3> planes;
  for (int plane = 0; plane < 3; ++plane) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x)
        planes[static_cast<std::size_t>(plane)].push_back(static_cast<std::uint16_t>(fill(plane, x, y)));
    }
  }
  return planes;
}
Planes444 view(const std::array<std::vector<std::uint16_t>, 3>& planes, int width, int height) {
  return {{planes[0].data(), planes[1].data(), planes[2].data()}, {width, width, width}, width, height};
}

TEST(ToneMap, ChromaIsTakenWhereLeftSitedChromaLies) {
  // A step of Cb between columns 3 and 4: the samples of columns 0, 2, 4 and 6 see none, none, three quarters and all of it.
  const ColourTable same({.from = kSdr, .to = kSdr});
  const auto planes = frame(8, 4, [](int plane, int x, int) { return plane == 0 ? 400 : plane == 1 && x >= 4 ? 612 : 512; });
  std::vector<std::uint16_t> y(32), cb(8), cr(8);
  same.convert(view(planes, 8, 4), Planes420<std::uint16_t>{{y.data(), cb.data(), cr.data()}, {8, 4, 4}});
  EXPECT_EQ(cb, (std::vector<std::uint16_t>{512, 512, 587, 612, 512, 512, 587, 612}));
  EXPECT_EQ(cr, std::vector<std::uint16_t>(8, 512));
  EXPECT_EQ(y, std::vector<std::uint16_t>(32, 400));
}

TEST(ToneMap, EightBitsAreDitheredAroundTheRightMean) {
  const ColourTable same({.from = kSdr, .to = kSdr});
  for (const int code : {400, 401, 402, 403}) {
    const auto planes = frame(16, 16, [&](int plane, int, int) { return plane == 0 ? code : 512; });
    std::vector<std::uint8_t> y(256), cb(64), cr(64);
    same.convert(view(planes, 16, 16), Planes420<std::uint8_t>{{y.data(), cb.data(), cr.data()}, {16, 8, 8}});
    EXPECT_NEAR(std::accumulate(y.begin(), y.end(), 0.0) / 256, code / 4.0, 0.02);
    EXPECT_LE((std::set<int>(y.begin(), y.end())).size(), code % 4 == 0 ? 1U : 2U);
    EXPECT_EQ(cb, std::vector<std::uint8_t>(64, 128));
  }
}

}  // namespace
}  // namespace gopmill
