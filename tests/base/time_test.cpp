#include "base/time.h"

#include <gtest/gtest.h>

#include <limits>

namespace gopmill {
namespace {

constexpr Rational kMicros{1, 1'000'000};
constexpr Rational kMpeg{1, 90'000};
constexpr Rational kSeconds{1, 1};
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();

TEST(Rescale, IsExactWhereTheBasesDivide) {
  EXPECT_EQ(rescale(3, kSeconds, kMpeg), 270'000);
  EXPECT_EQ(rescale(-3, kSeconds, kMpeg), -270'000);
  EXPECT_EQ(rescale(270'000, kMpeg, kSeconds), 3);
  EXPECT_EQ(rescale(1, {1001, 30'000}, {1, 30'000}), 1001);
}

struct RoundingCase {
  std::int64_t ticks;  // thirds of a second, shown in whole seconds
  std::int64_t down, nearest, up;
};

TEST(Rescale, RoundsToTheSameSideOnBothSidesOfZero) {
  for (const auto& [ticks, down, nearest, up] : {RoundingCase{-4, -2, -1, -1},
                                                 {-3, -1, -1, -1},
                                                 {-2, -1, -1, 0},
                                                 {-1, -1, 0, 0},
                                                 {0, 0, 0, 0},
                                                 {1, 0, 0, 1},
                                                 {2, 0, 1, 1},
                                                 {3, 1, 1, 1},
                                                 {4, 1, 1, 2}}) {
    EXPECT_EQ(rescale(ticks, {1, 3}, kSeconds, Rounding::kDown), down) << ticks;
    EXPECT_EQ(rescale(ticks, {1, 3}, kSeconds, Rounding::kNearest), nearest) << ticks;
    EXPECT_EQ(rescale(ticks, {1, 3}, kSeconds, Rounding::kUp), up) << ticks;
  }
}

TEST(Rescale, NearestRoundsHalvesUp) {
  EXPECT_EQ(rescale(1, {1, 2}, kSeconds), 1);
  EXPECT_EQ(rescale(-1, {1, 2}, kSeconds), 0);
  EXPECT_EQ(rescale(-3, {1, 2}, kSeconds), -1);
}

TEST(Rescale, KeepsNeighboursInOrder) {
  for (const Rounding rounding : {Rounding::kDown, Rounding::kNearest, Rounding::kUp}) {
    std::int64_t before = rescale(-1001, {1001, 60'000}, kMpeg, rounding);
    for (std::int64_t ticks = -1000; ticks <= 1000; ++ticks) {
      const std::int64_t after = rescale(ticks, {1001, 60'000}, kMpeg, rounding);
      EXPECT_GT(after, before) << ticks;
      before = after;
    }
  }
}

TEST(Rescale, StandsTheExtremes) {
  EXPECT_EQ(rescale(kMax, kSeconds, kSeconds), kMax);
  EXPECT_EQ(rescale(kMin, kSeconds, kSeconds), kMin);
  EXPECT_EQ(rescale(kMax, kMicros, kMicros), kMax);
  // Through products of 94 bits and back.
  EXPECT_EQ(rescale(kMax, {2'147'483'647, 2'147'483'646}, {2'147'483'647, 2'147'483'646}), kMax);
  EXPECT_EQ(rescale(kMin, {2'147'483'647, 2'147'483'646}, {2'147'483'647, 2'147'483'646}, Rounding::kUp), kMin);
  EXPECT_EQ(rescale(kMax, kMicros, kSeconds, Rounding::kDown), 9'223'372'036'854);
  EXPECT_EQ(rescale(kMin, kMicros, kSeconds, Rounding::kDown), -9'223'372'036'855);
  EXPECT_EQ(rescale(kMax, kMicros, kSeconds, Rounding::kUp), 9'223'372'036'855);
}

TEST(Rescale, ThereAndBackIsTheSameInAFinerBase) {
  for (std::int64_t frame = -300; frame <= 300; ++frame) {
    const std::int64_t micros = rescale(frame, {1001, 24'000}, kMicros);
    EXPECT_EQ(rescale(micros, kMicros, {1001, 24'000}), frame);
  }
}

TEST(RescaleDeathTest, RefusesABaseThatIsNone) {
  EXPECT_DEATH(static_cast<void>(rescale(1, kSeconds, {0, 1})), "broken assumption");
}

TEST(Rational, ComparesByValue) {
  EXPECT_EQ((Rational{1, 25}), (Rational{40, 1000}));
  EXPECT_LT((Rational{1001, 30'000}), (Rational{1, 29}));
  EXPECT_GT((Rational{-1, 3}), (Rational{-1, 2}));
  // As doubles these two are one number.
  EXPECT_LT((Rational{kMax - 1, kMax}), (Rational{1, 1}));
}

TEST(Timestamp, ComparesExactlyAcrossBases) {
  EXPECT_EQ((Timestamp{90'000, kMpeg}), (Timestamp{1'000'000, kMicros}));
  EXPECT_LT((Timestamp{89'999, kMpeg}), (Timestamp{1, kSeconds}));
  EXPECT_GT((Timestamp{-89'999, kMpeg}), (Timestamp{-1, kSeconds}));
  // One microsecond apart after 290,000 years.
  EXPECT_LT((Timestamp{kMax - 1, kMicros}), (Timestamp{kMax, kMicros}));
}

TEST(Timestamp, ChangesItsBase) {
  const Timestamp third{1, {1, 3}};
  EXPECT_EQ(third.in(kMpeg).ticks, 30'000);
  EXPECT_EQ(third.in(kMpeg), third);
  EXPECT_LT(third.in(kMicros, Rounding::kDown), third);
  EXPECT_GT(third.in(kMicros, Rounding::kUp), third);
}

TEST(Instant, OnlyDifferencesCount) {
  const Instant at{Duration(500)};
  EXPECT_EQ((at + Duration(250)) - at, Duration(250));
  EXPECT_LT(at, at + Duration(1));
}

TEST(MonotonicNow, NeverGoesBack) {
  Instant before = monotonic_now();
  for (int i = 0; i < 1000; ++i) {
    const Instant now = monotonic_now();
    ASSERT_GE(now, before);
    before = now;
  }
}

TEST(TicksBetween, IsRoundedOnce) {
  // Rounded one by one 1.5 and 0.4 ticks would be 2 apart.
  EXPECT_EQ(ticks_between({4, {1, 10}}, {15, {1, 10}}, {1, 1}), 1);
  EXPECT_EQ(ticks_between({15, {1, 10}}, {4, {1, 10}}, {1, 1}), -1);
  EXPECT_EQ(ticks_between({1, {1, 90'000}}, {48'000, {1, 48'000}}, {1, 44'100}), 44'100);
  EXPECT_EQ(ticks_between({0, {1, 2}}, {1, {1, 2}}, {1, 1}), 1);
  EXPECT_EQ(ticks_between({1, {1, 2}}, {0, {1, 2}}, {1, 1}), 0);  // halves up, as rescale() does
}

TEST(TicksBetween, OutgrowsNothing) {
  EXPECT_EQ(ticks_between({0, {INT32_MAX, INT32_MAX - 1}}, {INT64_MAX / 4, {INT32_MAX, INT32_MAX}}, {1, 1}), INT64_MAX / 4);
}

TEST(SecondsText, RoundsToMillisecondsOrFiner) {
  EXPECT_EQ(seconds_text(1.9204), "1.920 s");
  EXPECT_EQ(seconds_text(-0.5), "-0.500 s");
  EXPECT_EQ(fine_seconds_text(1.9204), "1.920400 s");
}

}  // namespace
}  // namespace gopmill
