#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "media/signal/loudness.h"

namespace gopmill {
namespace {

constexpr double kPi = 3.14159265358979324;

using Signal = std::function<double(double seconds, int channel)>;

LoudnessMeter heard(int sample_rate, int channels, double seconds, const Signal& signal) {
  LoudnessMeter meter(sample_rate, channels);
  std::vector<std::vector<float>> planes(static_cast<std::size_t>(channels));
  std::vector<const float*> pointers;
  const auto samples = static_cast<int>(std::lround(seconds * sample_rate));
  for (int c = 0; c < channels; ++c) {
    for (int i = 0; i < samples; ++i)
      planes[static_cast<std::size_t>(c)].push_back(static_cast<float>(signal(static_cast<double>(i) / sample_rate, c)));
    pointers.push_back(planes[static_cast<std::size_t>(c)].data());
  }
  // In pieces of another length than any block.
  for (int done = 0; done < samples; done += 1000) {
    std::vector<const float*> part;
    for (const float* plane : pointers) part.push_back(plane + done);
    meter.take(part.data(), std::min(1000, samples - done));
  }
  return meter;
}

double sine(double hz, double dbfs, double seconds, double phase = 0) {
  return std::pow(10, dbfs / 20) * std::sin(2 * kPi * hz * seconds + phase);
}

// EBU Tech 3341, cases 1 and 2, shortened: within 0.1 LU.
TEST(Loudness, AStereoToneReadsAsItsLevel) {
  for (const int rate : {44100, 48000}) {
    for (const double level : {-23.0, -33.0, -10.0}) {
      const auto meter = heard(rate, 2, 2, [&](double t, int) { return sine(1000, level, t); });
      EXPECT_NEAR(meter.integrated(), level, 0.1) << rate;
      EXPECT_NEAR(meter.true_peak(), level, 0.2) << rate;
    }
  }
}

// Case 3: what is 10 LU quieter is not counted. Case 4: nor is near silence.
TEST(Loudness, QuietPartsAreGated) {
  const auto three = heard(48000, 2, 16, [](double t, int) { return sine(1000, t < 2 || t >= 14 ? -36 : -23, t); });
  EXPECT_NEAR(three.integrated(), -23, 0.1);
  const auto four = heard(48000, 2, 20, [](double t, int) {
    const double level = t < 2 || t >= 18 ? -72 : t < 4 || t >= 16 ? -36 : -23;
    return sine(1000, level, t);
  });
  EXPECT_NEAR(four.integrated(), -23, 0.1);
}

// Case 6: five channels that add up to -23 LUFS; LFE as loud as can be changes nothing.
TEST(Loudness, SurroundsWeighMoreAndLfeNothing) {
  const auto meter = heard(48000, 6, 2, [](double t, int c) {
    constexpr double kLevels[] = {-28, -28, -24, 0, -30, -30};
    return sine(1000, kLevels[c], t);
  });
  EXPECT_NEAR(meter.integrated(), -23, 0.1);
}

TEST(Loudness, MonoIsOneChannel) {
  const auto meter = heard(48000, 1, 2, [](double t, int) { return sine(1000, -20, t); });
  EXPECT_NEAR(meter.integrated(), -23, 0.1);
}

// Low tones count less, high ones more (BS.1770-4, figure 5).
TEST(Loudness, TheEarIsWeighted) {
  const auto at = [](double hz) { return heard(48000, 2, 1, [hz](double t, int) { return sine(hz, -23, t); }).integrated(); };
  EXPECT_NEAR(at(40), -29.3, 0.1);
  EXPECT_NEAR(at(10'000), -19.7, 0.3);
}

// EBU Tech 3341, case 15: a quarter of the rate, sampled where it is never highest. +0.2, -0.4 dB.
TEST(Loudness, PeaksBetweenSamplesAreFound) {
  for (const int rate : {44100, 48000}) {
    const auto meter = heard(rate, 2, 1, [rate](double t, int) { return sine(rate / 4.0, -6, t, kPi / 4); });
    EXPECT_GT(meter.true_peak(), -6.4);
    EXPECT_LT(meter.true_peak(), -5.8);
  }
}

TEST(Loudness, SilenceAndScrapsHaveAnAnswer) {
  const auto silent = heard(48000, 2, 3, [](double, int) { return 0.0; });
  EXPECT_EQ(silent.integrated(), kSilentLufs);
  EXPECT_EQ(silent.true_peak(), LoudnessMeter::kSilentDb);
  EXPECT_EQ(LoudnessMeter(48000, 2).integrated(), kSilentLufs);
  EXPECT_NEAR(heard(48000, 2, 0.2, [](double t, int) { return sine(1000, -23, t); }).integrated(), -23, 0.3);
}

TEST(Loudness, TheGainReachesTheTargetOrThePeak) {
  const auto gain = [](double lufs, double peak, std::optional<double> target) { return choose_gain(lufs, peak, target, -1); };
  EXPECT_DOUBLE_EQ(gain(-23, -10, -16).decibels, 7);
  EXPECT_FALSE(gain(-23, -10, -16).limited);
  EXPECT_DOUBLE_EQ(gain(-23, -4, -16).decibels, 3);
  EXPECT_TRUE(gain(-23, -4, -16).limited);
  EXPECT_DOUBLE_EQ(gain(-10, 0, -16).decibels, -6);
  EXPECT_DOUBLE_EQ(gain(-20, -3, std::nullopt).decibels, 0);
  EXPECT_DOUBLE_EQ(gain(-20, 2.5, std::nullopt).decibels, -3.5);
  EXPECT_DOUBLE_EQ(gain(kSilentLufs, LoudnessMeter::kSilentDb, -16).decibels, 0);
}

TEST(Loudness, ItsArithmeticIsThatOfTheLibrary) {
  for (double x = 1e-12; x < 1e6; x *= 1.37) EXPECT_NEAR(power_decibels(x), 10 * std::log10(x), 1e-11) << x;
  for (double db = -130; db < 130; db += 0.7) EXPECT_NEAR(amplitude_of(db) / std::pow(10, db / 20), 1, 1e-13) << db;
  EXPECT_EQ(amplitude_of(0), 1);
}

}  // namespace
}  // namespace gopmill
