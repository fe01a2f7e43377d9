#include <gmock/gmock.h>

#include "media/signal/mixing.h"

namespace gopmill {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Pointwise;

constexpr double k3dB = 0.7071068;

MATCHER(IsAbout, "") { return std::abs(std::get<0>(arg) - std::get<1>(arg)) < 1e-6; }

void expect_mix(const std::vector<int>& in, const Mixing& expected) {
  const auto mixing = mix_speakers(in, static_cast<int>(expected.size()));
  ASSERT_TRUE(mixing);
  for (std::size_t row = 0; row < expected.size(); ++row) EXPECT_THAT((*mixing)[row], Pointwise(IsAbout(), expected[row])) << row;
}

const std::vector<int> k30 = {kFrontLeft, kFrontRight, kFrontCentre};
const std::vector<int> k40 = {kFrontLeft, kFrontRight, kFrontCentre, kBackCentre};
const std::vector<int> kQuad = {kFrontLeft, kFrontRight, kBackLeft, kBackRight};
const std::vector<int> k50Side = {kFrontLeft, kFrontRight, kFrontCentre, kSideLeft, kSideRight};
const std::vector<int> k51 = {kFrontLeft, kFrontRight, kFrontCentre, kLowFrequency, kBackLeft, kBackRight};
const std::vector<int> k51Side = {kFrontLeft, kFrontRight, kFrontCentre, kLowFrequency, kSideLeft, kSideRight};
const std::vector<int> k61 = {kFrontLeft, kFrontRight, kFrontCentre, kLowFrequency, kBackCentre, kSideLeft, kSideRight};
const std::vector<int> k71 = {kFrontLeft, kFrontRight, kFrontCentre, kLowFrequency, kBackLeft, kBackRight, kSideLeft, kSideRight};
const std::vector<int> k71Wide = {kFrontLeft, kFrontRight, kFrontCentre,       kLowFrequency,
                                  kBackLeft,  kBackRight,  kFrontLeftOfCentre, kFrontRightOfCentre};

// ITU-R BS.775-3, table 2.
TEST(Mixing, ToStereoIsThatOfTheRecommendation) {
  expect_mix(k30, {{1, 0, k3dB}, {0, 1, k3dB}});
  expect_mix(k40, {{1, 0, k3dB, 0.5}, {0, 1, k3dB, 0.5}});
  expect_mix(kQuad, {{1, 0, k3dB, 0}, {0, 1, 0, k3dB}});
  expect_mix(k50Side, {{1, 0, k3dB, k3dB, 0}, {0, 1, k3dB, 0, k3dB}});
  expect_mix(k51, {{1, 0, k3dB, 0, k3dB, 0}, {0, 1, k3dB, 0, 0, k3dB}});
  expect_mix(k51Side, {{1, 0, k3dB, 0, k3dB, 0}, {0, 1, k3dB, 0, 0, k3dB}});
}

TEST(Mixing, ToMonoIsThatOfTheRecommendation) {
  expect_mix({kFrontLeft, kFrontRight}, {{k3dB, k3dB}});
  expect_mix(k30, {{k3dB, k3dB, 1}});
  expect_mix(k40, {{k3dB, k3dB, 1, k3dB}});
  expect_mix(kQuad, {{k3dB, k3dB, 0.5, 0.5}});
  expect_mix(k51, {{k3dB, k3dB, 1, 0, 0.5, 0.5}});
}

TEST(Mixing, MoreThanFiveAreFirstFive) {
  expect_mix(k61, {{1, 0, k3dB, 0, 0.5, k3dB, 0}, {0, 1, k3dB, 0, 0.5, 0, k3dB}});
  expect_mix(k71, {{1, 0, k3dB, 0, 0.5, 0, 0.5, 0}, {0, 1, k3dB, 0, 0, 0.5, 0, 0.5}});
  expect_mix(k71, {{1, 0, 0, 0, 0, 0, 0, 0},
                   {0, 1, 0, 0, 0, 0, 0, 0},
                   {0, 0, 1, 0, 0, 0, 0, 0},
                   {0, 0, 0, 1, 0, 0, 0, 0},
                   {0, 0, 0, 0, k3dB, 0, k3dB, 0},
                   {0, 0, 0, 0, 0, k3dB, 0, k3dB}});
  expect_mix(k61, {{1, 0, 0, 0, 0, 0, 0},
                   {0, 1, 0, 0, 0, 0, 0},
                   {0, 0, 1, 0, 0, 0, 0},
                   {0, 0, 0, 1, 0, 0, 0},
                   {0, 0, 0, 0, k3dB, 1, 0},
                   {0, 0, 0, 0, k3dB, 0, 1}});
}

TEST(Mixing, WideFrontsKeepTheirPower) {
  const auto stereo = *mix_speakers(k71Wide, 2);
  EXPECT_THAT(stereo[0][6] * stereo[0][6] + stereo[1][6] * stereo[1][6], DoubleNear(1, 1e-9));
  EXPECT_GT(stereo[0][6], stereo[1][6]);
  EXPECT_EQ(stereo[0][6], stereo[1][7]);
  const auto surround = *mix_speakers(k71Wide, 6);
  EXPECT_THAT(surround[0][6] * surround[0][6] + surround[2][6] * surround[2][6], DoubleNear(1, 1e-9));
}

TEST(Mixing, FiveOneStaysWhatItIs) {
  for (const auto& layout : {k51, k51Side}) {
    const auto mixing = *mix_speakers(layout, 6);
    for (std::size_t o = 0; o < 6; ++o) {
      for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(mixing[o][i], o == i ? 1 : 0);
    }
  }
}

TEST(Mixing, MonoIsNoCentre) {
  expect_mix({kFrontCentre}, {{1}, {1}});
  expect_mix({kFrontCentre}, {{1}});
  expect_mix({kFrontCentre, kLowFrequency}, {{1, 0}, {1, 0}});
}

TEST(Mixing, NothingIsLostButLfe) {
  for (int speaker = 0; speaker <= kBottomFrontRight; ++speaker) {
    if (speaker > kTopBackRight && speaker < kStereoLeft) {
      EXPECT_FALSE(mix_speakers(std::vector<int>{kFrontLeft, kFrontRight, speaker}, 2)) << speaker;
      continue;
    }
    const std::vector<int> in = {speaker};
    const bool low = speaker == kLowFrequency || speaker == kLowFrequency2;
    for (const int out : {1, 2, 6}) {
      double power = 0;
      const Mixing mixing = *mix_speakers(in, out);
      for (const auto& row : mixing) power += row[0] * row[0];
      if (low && out < 6) {
        EXPECT_EQ(power, 0) << speaker;
      } else {
        EXPECT_GE(power, 0.124) << speaker << " to " << out;
      }
    }
  }
}

TEST(Mixing, WhatCannotBePlacedIsSharedEvenly) {
  EXPECT_FALSE(mix_speakers(std::vector<int>{kFrontLeft, kFrontLeft}, 2));
  EXPECT_THAT(mix_evenly(3, 2), ElementsAre(ElementsAre(0.5, 0, 0.5), ElementsAre(0, 1, 0)));
  EXPECT_THAT(mix_evenly(1, 2), ElementsAre(ElementsAre(1), ElementsAre(1)));
}

TEST(Mixing, ScaledDownItCannotClip) {
  for (const auto& layout : {k30, k40, kQuad, k51, k61, k71, k71Wide}) {
    for (const int out : {1, 2}) {
      double loudest = 0;
      for (const auto& row : without_clipping(*mix_speakers(layout, out))) {
        double sum = 0;
        for (const double gain : row) sum += gain;
        loudest = std::max(loudest, sum);
      }
      EXPECT_THAT(loudest, DoubleNear(1, 1e-9));
    }
  }
  EXPECT_THAT(without_clipping({{0.5, 0.25}}), ElementsAre(ElementsAre(0.5, 0.25)));
}

}  // namespace
}  // namespace gopmill
