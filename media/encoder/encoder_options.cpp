#include "media/encoder/encoder_options.h"

#include <algorithm>
#include <charconv>

namespace gopmill {

namespace {

struct PresetDepth {
  std::string_view preset;
  LookaheadDepth depth;
};

// x264 common/base.c param_apply_preset; what is not there has the defaults of medium.
constexpr PresetDepth kX264Depths[] = {{"ultrafast", {0, 0}}, {"superfast", {0, 3}}, {"veryfast", {10, 3}}, {"faster", {20, 3}},
                                       {"fast", {30, 3}},     {"medium", {40, 3}},   {"slow", {50, 3}},     {"slower", {60, 3}},
                                       {"veryslow", {60, 8}}, {"placebo", {60, 16}}};
// x265 documentation, "Presets".
constexpr PresetDepth kX265Depths[] = {{"ultrafast", {5, 3}}, {"superfast", {10, 3}}, {"veryfast", {15, 4}}, {"faster", {15, 4}},
                                       {"fast", {15, 4}},     {"medium", {20, 4}},    {"slow", {25, 4}},     {"slower", {40, 8}},
                                       {"veryslow", {40, 8}}, {"placebo", {60, 8}}};

LookaheadDepth depth_of(std::span<const PresetDepth> depths, std::string_view preset) {
  auto found = std::ranges::find(depths, preset, &PresetDepth::preset);
  if (found == depths.end()) found = std::ranges::find(depths, "medium", &PresetDepth::preset);
  return found->depth;
}

template <class Number>
std::optional<Number> parsed(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<std::uint32_t> whole_number(std::string_view text) { return parsed<std::uint32_t>(text); }
std::optional<double> number(std::string_view text) { return parsed<double>(text); }

std::string_view option_of(const EncoderSettings& encoder, const std::string& name) {
  const auto found = encoder.options.find(name);
  return found == encoder.options.end() ? std::string_view{} : std::string_view(found->second);
}

std::optional<std::string_view> listed(std::string_view list, std::string_view key) {
  std::optional<std::string_view> value;
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(':'));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    const std::size_t equals = item.find('=');
    if (item.substr(0, equals) == key) value = equals == std::string_view::npos ? std::string_view{} : item.substr(equals + 1);
  }
  return value;
}

LookaheadDepth lookahead_depth(const EncoderSettings& encoder) {
  const bool x264 = encoder.codec == VideoCodec::kH264;
  LookaheadDepth depth = x264 ? depth_of(kX264Depths, encoder.preset) : depth_of(kX265Depths, encoder.preset);
  if (option_of(encoder, "tune").find("zerolatency") != std::string_view::npos) depth = {};
  const std::string_view list = option_of(encoder, x264 ? "x264-params" : "x265-params");
  // The encoder's own list is applied last, so it wins.
  for (const auto& given :
       {whole_number(option_of(encoder, "rc-lookahead")), whole_number(listed(list, "rc-lookahead").value_or(""))})
    depth.lookahead = given.value_or(depth.lookahead);
  for (const auto& given : {whole_number(option_of(encoder, "bf")), whole_number(listed(list, "bframes").value_or(""))})
    depth.bframes = given.value_or(depth.bframes);
  return depth;
}

}  // namespace gopmill
