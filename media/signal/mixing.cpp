#include "media/signal/mixing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>

#include "base/check.h"

namespace gopmill {

namespace {

constexpr double k3dB = 0.70710678118654752;   // down by 3 dB: half the power
constexpr double kNear = 0.92387953251128674;  // cos and sin of 22.5 degrees: three quarters of the way to one of two
constexpr double kFar = 0.38268343236508977;   // speakers, at equal power

// What a channel gives to stereo, and to 5.1 in its order.
struct Feeds {
  double left, right;
  std::array<double, 6> surround;
};

struct Entry {
  Speaker speaker;
  Feeds feeds;
};
constexpr auto kEntries = std::to_array<Entry>({
    {kFrontLeft, {1, 0, {1, 0, 0, 0, 0, 0}}},
    {kFrontRight, {0, 1, {0, 1, 0, 0, 0, 0}}},
    {kFrontCentre, {k3dB, k3dB, {0, 0, 1, 0, 0, 0}}},
    {kLowFrequency, {0, 0, {0, 0, 0, 1, 0, 0}}},
    {kBackLeft, {k3dB, 0, {0, 0, 0, 0, 1, 0}}},
    {kBackRight, {0, k3dB, {0, 0, 0, 0, 0, 1}}},
    {kFrontLeftOfCentre, {kNear, kFar, {k3dB, 0, k3dB, 0, 0, 0}}},
    {kFrontRightOfCentre, {kFar, kNear, {0, k3dB, k3dB, 0, 0, 0}}},
    {kBackCentre, {0.5, 0.5, {0, 0, 0, 0, k3dB, k3dB}}},
    {kSideLeft, {k3dB, 0, {0, 0, 0, 0, 1, 0}}},
    {kSideRight, {0, k3dB, {0, 0, 0, 0, 0, 1}}},
    {kTopCentre, {0.5, 0.5, {0.5, 0.5, 0, 0, 0.5, 0.5}}},
    {kTopFrontLeft, {k3dB, 0, {k3dB, 0, 0, 0, 0, 0}}},
    {kTopFrontCentre, {0.5, 0.5, {0, 0, k3dB, 0, 0, 0}}},
    {kTopFrontRight, {0, k3dB, {0, k3dB, 0, 0, 0, 0}}},
    {kTopBackLeft, {0.5, 0, {0, 0, 0, 0, k3dB, 0}}},
    {kTopBackCentre, {0.5 * k3dB, 0.5 * k3dB, {0, 0, 0, 0, 0.5, 0.5}}},
    {kTopBackRight, {0, 0.5, {0, 0, 0, 0, 0, k3dB}}},
    {kStereoLeft, {1, 0, {1, 0, 0, 0, 0, 0}}},
    {kStereoRight, {0, 1, {0, 1, 0, 0, 0, 0}}},
    {kWideLeft, {1, 0, {1, 0, 0, 0, 0, 0}}},
    {kWideRight, {0, 1, {0, 1, 0, 0, 0, 0}}},
    {kSurroundDirectLeft, {k3dB, 0, {0, 0, 0, 0, 1, 0}}},
    {kSurroundDirectRight, {0, k3dB, {0, 0, 0, 0, 0, 1}}},
    {kLowFrequency2, {0, 0, {0, 0, 0, 1, 0, 0}}},
    {kTopSideLeft, {0.5, 0, {0, 0, 0, 0, k3dB, 0}}},
    {kTopSideRight, {0, 0.5, {0, 0, 0, 0, 0, k3dB}}},
    {kBottomFrontCentre, {0.5, 0.5, {0, 0, k3dB, 0, 0, 0}}},
    {kBottomFrontLeft, {k3dB, 0, {k3dB, 0, 0, 0, 0, 0}}},
    {kBottomFrontRight, {0, k3dB, {0, k3dB, 0, 0, 0, 0}}},
});

// The pairs that are all one surround pair of 5.1: where there are several, each is a part of it.
constexpr int kSurrounds[][2] = {{kBackLeft, kBackRight}, {kSideLeft, kSideRight}, {kSurroundDirectLeft, kSurroundDirectRight}};

bool has(std::span<const int> in, int speaker) { return std::ranges::find(in, speaker) != in.end(); }

double surround_share(std::span<const int> in) {
  const auto pairs = std::ranges::count_if(kSurrounds, [in](const auto& pair) { return has(in, pair[0]) || has(in, pair[1]); });
  return pairs > 1 ? 1 / std::sqrt(static_cast<double>(pairs)) : 1;
}

bool is_surround(int speaker) {
  return std::ranges::any_of(kSurrounds, [speaker](const auto& pair) { return pair[0] == speaker || pair[1] == speaker; });
}

}  // namespace

std::optional<Mixing> mix_speakers(std::span<const int> in, int out) {
  GOPMILL_CHECK(out == 1 || out == 2 || out == 6);
  // Mono is no centre of something wider: it is as loud on each of two speakers as it was on one.
  const bool mono = std::ranges::all_of(in, [](int speaker) { return speaker == kFrontCentre || speaker == kLowFrequency; });
  const double share = surround_share(in);
  Mixing mixing(static_cast<std::size_t>(out), std::vector<double>(in.size()));
  for (std::size_t i = 0; i < in.size(); ++i) {
    const auto* const entry = std::ranges::find(kEntries, in[i], [](const Entry& e) { return static_cast<int>(e.speaker); });
    if (entry == kEntries.end() || std::ranges::count(in, in[i]) > 1) return std::nullopt;
    const Feeds& feeds = entry->feeds;
    const double scale = is_surround(in[i]) ? share : 1;
    if (out == 6) {
      for (std::size_t o = 0; o < feeds.surround.size(); ++o) mixing[o][i] = scale * feeds.surround[o];
    } else if (out == 2) {
      mixing[0][i] = mono && feeds.left > 0 ? 1 : scale * feeds.left;
      mixing[1][i] = mono && feeds.right > 0 ? 1 : scale * feeds.right;
    } else {
      mixing[0][i] = mono && feeds.left > 0 ? 1 : scale * k3dB * (feeds.left + feeds.right);
    }
  }
  return mixing;
}

Mixing mix_evenly(int in, int out) {
  Mixing mixing(static_cast<std::size_t>(out), std::vector<double>(static_cast<std::size_t>(in)));
  for (int o = 0; o < out; ++o) {
    const int feeds = (std::max(in, out) - o + out - 1) / out;
    for (int i = o; i < std::max(in, out); i += out)
      mixing[static_cast<std::size_t>(o)][static_cast<std::size_t>(i % in)] += 1.0 / feeds;
  }
  return mixing;
}

Mixing without_clipping(Mixing mixing) {
  double loudest = 1;
  for (const std::vector<double>& row : mixing) {
    double sum = 0;
    for (const double gain : row) sum += std::abs(gain);
    loudest = std::max(loudest, sum);
  }
  for (std::vector<double>& row : mixing) {
    for (double& gain : row) gain /= loudest;
  }
  return mixing;
}

}  // namespace gopmill
