#include "coordinator/plan/plan_cost.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include "media/encoder/encoder_facts.h"

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

constexpr double kUnknownPresetNs = 40;
// Scaling, and decoding again what was encoded.
constexpr double kAroundEncoderNs = 5;

double encoder_ns(const EncoderSettings& encoder) {
  const EncoderFacts& facts = facts_of(encoder.encoder);
  if (!facts.presets.empty()) {
    const auto found = std::ranges::find(facts.presets, encoder.preset, &PresetFacts::name);
    return found == facts.presets.end() ? kUnknownPresetNs : found->pixel_ns;
  }
  int number = facts.numbered.measured;
  std::from_chars(encoder.preset.data(), encoder.preset.data() + encoder.preset.size(), number);
  return facts.numbered.pixel_ns * std::exp2((facts.numbered.measured - number) / facts.numbered.per_doubling);
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
