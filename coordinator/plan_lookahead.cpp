#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <string_view>

#include "coordinator/plan.h"

// How far encoders look ahead. A number that is too large costs a little encoding at each join; one that is too small costs
// quality at each join (measured with x264: the last ten frames lose 0.6 dB without a tail, 0.06 dB with one). So what is
// not known is rounded up.

namespace gopmill {
namespace {

struct PresetDepth {
  std::string_view preset;
  std::uint32_t lookahead = 0;  // frames of lookahead
  std::uint32_t bframes = 0;    // frames that may be held for reordering on top of it
};

// x264 common/base.c param_apply_preset; what is not there has the defaults of medium.
constexpr PresetDepth kX264Depths[] = {{"ultrafast", 0, 0}, {"superfast", 0, 3}, {"veryfast", 10, 3}, {"faster", 20, 3},
                                       {"fast", 30, 3},     {"medium", 40, 3},   {"slow", 50, 3},     {"slower", 60, 3},
                                       {"veryslow", 60, 8}, {"placebo", 60, 16}};
// x265 documentation, "Presets".
constexpr PresetDepth kX265Depths[] = {{"ultrafast", 5, 3}, {"superfast", 10, 3}, {"veryfast", 15, 4}, {"faster", 15, 4},
                                       {"fast", 15, 4},     {"medium", 20, 4},    {"slow", 25, 4},     {"slower", 40, 8},
                                       {"veryslow", 40, 8}, {"placebo", 60, 8}};
constexpr std::uint32_t kMarginFrames = 2;      // the frame being decided, and the one that its decision is compared with
constexpr std::uint32_t kSvtAv1Lookahead = 33;  // SVT-AV1 1.4: one frame more than two of its largest mini-GOPs
constexpr std::uint32_t kSvtAv1MiniGop = 16;    // a mini-GOP is coded when it is whole
constexpr std::uint32_t kVp9LagInFrames = 25;   // libvpx's default and ceiling

PresetDepth depth_of(std::span<const PresetDepth> depths, std::string_view preset) {
  auto found = std::ranges::find(depths, preset, &PresetDepth::preset);
  if (found == depths.end()) found = std::ranges::find(depths, "medium", &PresetDepth::preset);
  return *found;
}

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return std::min(value, kLookaheadFramesMax);
}

std::string_view option(const EncoderSettings& encoder, const std::string& name) {
  const auto found = encoder.options.find(name);
  return found == encoder.options.end() ? std::string_view{} : std::string_view(found->second);
}

// The last `key=NUMBER` in an encoder's own list, "key=value:key=value".
std::optional<std::uint32_t> listed(std::string_view list, std::string_view key) {
  std::optional<std::uint32_t> value;
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(':'));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    const std::size_t equals = item.find('=');
    if (equals != std::string_view::npos && item.substr(0, equals) == key) value = number(item.substr(equals + 1));
  }
  return value;
}

// Of x264 and x265, which share their option names. The encoder's own list is applied last, so it wins.
std::uint32_t x26x_frames(const EncoderSettings& encoder, std::span<const PresetDepth> depths, const std::string& own_list) {
  PresetDepth depth = depth_of(depths, encoder.preset);
  if (option(encoder, "tune").find("zerolatency") != std::string_view::npos) depth.lookahead = depth.bframes = 0;
  const std::string_view list = option(encoder, own_list);
  for (const auto& given : {number(option(encoder, "rc-lookahead")), listed(list, "rc-lookahead")})
    depth.lookahead = given.value_or(depth.lookahead);
  for (const auto& given : {number(option(encoder, "bf")), listed(list, "bframes")})
    depth.bframes = given.value_or(depth.bframes);
  return depth.lookahead + depth.bframes + kMarginFrames;
}

}  // namespace

std::uint32_t lookahead_frames(const EncoderSettings& encoder) {
  std::uint32_t frames = 0;
  switch (encoder.codec) {
    case VideoCodec::kH264: frames = x26x_frames(encoder, kX264Depths, "x264-params"); break;
    case VideoCodec::kHevc: frames = x26x_frames(encoder, kX265Depths, "x265-params"); break;
    case VideoCodec::kAv1:
      frames = listed(option(encoder, "svtav1-params"), "lookahead").value_or(kSvtAv1Lookahead) + kSvtAv1MiniGop + 1;
      break;
    case VideoCodec::kVp9: frames = number(option(encoder, "lag-in-frames")).value_or(kVp9LagInFrames) + 1; break;
  }
  return std::min(frames, kLookaheadFramesMax);
}

}  // namespace gopmill
