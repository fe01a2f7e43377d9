#include "coordinator/plan/plan_cost.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

namespace gopmill {
namespace {

constexpr double kNanosecond = 1e-9;

// A decoder spends time on each pixel it paints and on each bit it reads.
struct DecodeCost {
  std::string_view codec;
  double pixel_ns, bit_ns;
};
constexpr auto kDecodeCosts = std::to_array<DecodeCost>({{"h264", 2.0, 18},
                                                         {"hevc", 3.0, 20},
                                                         {"av1", 3.5, 20},
                                                         {"vp9", 2.5, 18},
                                                         {"vp8", 2.0, 12},
                                                         {"mpeg2video", 1.2, 8},
                                                         {"prores", 3.0, 6},
                                                         {"mjpeg", 2.0, 8}});
constexpr DecodeCost kOtherDecoder{"", 2.0, 10};
constexpr DecodeCost kPlainH264{"h264", 0.7, 6};

struct PresetCost {
  std::string_view preset;
  double pixel_ns;
};
constexpr auto kX264Costs = std::to_array<PresetCost>({{"ultrafast", 6},
                                                       {"superfast", 9},
                                                       {"veryfast", 15},
                                                       {"faster", 22},
                                                       {"fast", 28},
                                                       {"medium", 33},
                                                       {"slow", 45},
                                                       {"slower", 80},
                                                       {"veryslow", 120},
                                                       {"placebo", 250}});
constexpr auto kX265Costs = std::to_array<PresetCost>({{"ultrafast", 20},
                                                       {"superfast", 25},
                                                       {"veryfast", 30},
                                                       {"faster", 32},
                                                       {"fast", 40},
                                                       {"medium", 60},
                                                       {"slow", 120},
                                                       {"slower", 300},
                                                       {"veryslow", 500},
                                                       {"placebo", 800}});
constexpr double kUnknownPresetNs = 40;
// SVT-AV1 doubles its work every 1.6 presets towards 0, libvpx every 2.5; measured at one point each. libvpx's number is of both
// passes: 1.35 to 1.46 times one pass of preset 4 (three videos at 360p).
constexpr double kSvtAv1Preset8Ns = 78, kSvtAv1PresetsPerDoubling = 1.6;
constexpr double kVp9Preset4Ns = 116, kVp9PresetsPerDoubling = 2.5;
// Scaling, and decoding again what was encoded.
constexpr double kAroundEncoderNs = 5;

template <std::size_t N>
double listed_cost(const std::array<PresetCost, N>& costs, std::string_view preset) {
  const auto found = std::ranges::find(costs, preset, &PresetCost::preset);
  return found == costs.end() ? kUnknownPresetNs : found->pixel_ns;
}

double numbered_cost(std::string_view preset, int known, double known_ns, double presets_per_doubling) {
  int number = known;
  std::from_chars(preset.data(), preset.data() + preset.size(), number);
  return known_ns * std::exp2((known - number) / presets_per_doubling);
}

double encoder_ns(const EncoderSettings& encoder) {
  switch (encoder.codec) {
    case VideoCodec::kH264: return listed_cost(kX264Costs, encoder.preset);
    case VideoCodec::kHevc: return listed_cost(kX265Costs, encoder.preset);
    case VideoCodec::kAv1: return numbered_cost(encoder.preset, 8, kSvtAv1Preset8Ns, kSvtAv1PresetsPerDoubling);
    case VideoCodec::kVp9: return numbered_cost(encoder.preset, 4, kVp9Preset4Ns, kVp9PresetsPerDoubling);
  }
  return kUnknownPresetNs;
}

}  // namespace

double decode_seconds(const VideoTrack& track) {
  const auto found = std::ranges::find(kDecodeCosts, std::string_view(track.codec), &DecodeCost::codec);
  const DecodeCost cost = track.plain_coding ? kPlainH264 : found == kDecodeCosts.end() ? kOtherDecoder : *found;
  const double pixels = static_cast<double>(track.width) * track.height * static_cast<double>(track.frames.size());
  return (pixels * cost.pixel_ns + static_cast<double>(track.bytes) * 8 * cost.bit_ns) * kNanosecond;
}

double encode_seconds(const EncoderSettings& encoder) {
  return static_cast<double>(encoder.width) * encoder.height * (encoder_ns(encoder) + kAroundEncoderNs) * kNanosecond;
}

}  // namespace gopmill
