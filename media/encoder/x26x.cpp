#include "media/encoder/x26x.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "media/encoder/cold_start.h"
#include "media/encoder/encoder_options.h"

namespace gopmill::x26x {

namespace {

constexpr std::uint32_t kMarginFrames = 2;  // the frame being decided, and the one that its decision is compared with
// Frames after which nothing is left of what rate control began with: it weighs the past by 0.95 per frame (measured
// with x264 superfast on two clips: the first frame is 0.3 dB off after 24 frames, 0.05 dB after 48).
constexpr std::uint32_t kMemoryFrames = 48;
// But no further back than this: where frames are that far apart, decoding them again would cost more than a join.
constexpr double kMemorySecondsMax = 4;

}  // namespace

double in_steps(double ratio) { return 6 * std::log2(ratio); }

LookaheadDepth lookahead_depth(const EncoderSettings& encoder) {
  const EncoderFacts& facts = facts_of(encoder.encoder);
  auto preset = std::ranges::find(facts.presets, encoder.preset, &PresetFacts::name);
  if (preset == facts.presets.end()) preset = std::ranges::find(facts.presets, "medium", &PresetFacts::name);
  LookaheadDepth depth{preset->lookahead, preset->bframes};
  if (option_of(encoder, "tune").find("zerolatency") != std::string_view::npos) depth = {};
  const std::string_view list = option_of(encoder, std::string(facts.own_list));
  // The encoder's own list is applied last, so it wins.
  for (const auto& given :
       {whole_number(option_of(encoder, "rc-lookahead")), whole_number(value_in_list(list, "rc-lookahead").value_or(""))})
    depth.lookahead = given.value_or(depth.lookahead);
  for (const auto& given : {whole_number(option_of(encoder, "bf")), whole_number(value_in_list(list, "bframes").value_or(""))})
    depth.bframes = given.value_or(depth.bframes);
  return depth;
}

std::uint32_t lookahead_frames(const EncoderSettings& encoder) {
  const LookaheadDepth depth = lookahead_depth(encoder);
  return std::min(depth.lookahead, kLookaheadFramesMax) + std::min(depth.bframes, kLookaheadFramesMax) + kMarginFrames;
}

bool rate_control_is_plain(const EncoderSettings& encoder, std::string_view list) {
  for (const char* key : {"i_qfactor", "b_qfactor", "qcomp", "qp", "cplxblur", "nal-hrd"}) {
    if (!option_of(encoder, key).empty()) return false;
  }
  const std::array changed{"qcomp", "qp", "qpmin", "qpmax", "pbratio", "hevc-aq", "rc-grain", "strict-cbr", "bitrate", "crf"};
  return std::ranges::none_of(changed, [&](const char* key) { return value_in_list(list, key).has_value(); });
}

bool is_off(std::optional<std::string_view> value) { return value && (*value == "0" || *value == "false"); }

std::uint32_t memory(const EncoderSettings& encoder, Joins joins, std::uint64_t first) {
  if (joins == Joins::kDefault && first_frame_factor(encoder)) return 0;
  const auto within = static_cast<std::uint32_t>(std::clamp(encoder.frame_rate.value() * kMemorySecondsMax, 1.0, 1e6));
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(first, std::min(kMemoryFrames, within)));
}

std::string zone(const char* frames, const EncoderSettings& encoder, const EncoderStart& start) {
  const auto factor = start.continues && encoder.rate.quality ? first_frame_factor(encoder) : std::nullopt;
  return factor ? std::string(":zones=") + frames + ",b=" + number_text(std::round(*factor * 1000) / 1000) : "";
}

}  // namespace gopmill::x26x
