#include "media/encoder/cold_start.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "media/encoder/encoder_options.h"

namespace gopmill {

namespace {

// x264 and x265 alike: defaults of ratecontrol, and how they turn bits into quantiser steps.
constexpr double kIpRatio = 1.4;        // key frames over P frames, bits
constexpr double kIpRatioGrain = 1.1;   // with `tune grain` of x264
constexpr double kPbRatio = 1.3;        // P frames over B frames
constexpr double kQCompress = 0.6;      // with mbtree or cutree: what is left of the frame rate's say
constexpr double kTreeOffset = 13.5;    // quantiser steps that mbtree takes from the rate factor, times 1 - qcompress
constexpr double kBaseDuration = 0.04;  // seconds a frame lasts for which the rate factor is meant
constexpr double kDurationMin = 0.01, kDurationMax = 1.0;
// Frames after which nothing is left of what rate control began with: it weighs the past by 0.95 per frame (measured
// with x264 superfast on two clips: the first frame is 0.3 dB off after 24 frames, 0.05 dB after 48).
constexpr std::uint32_t kMemoryFrames = 48;
// But no further back than this: where frames are that far apart, decoding them again would cost more than a join.
constexpr double kMemorySecondsMax = 4;
// x265 presets that put as many B frames between P frames as there may be (b-adapt 0); the others choose, and on natural films
// choose about three.
constexpr std::string_view kX265FixedBframes[] = {"ultrafast", "superfast", "veryfast", "faster", "fast"};
constexpr std::uint32_t kTypicalBframes = 3;
// SVT-AV1's faster presets give the very first frame 0.65 dB more than key frames inside the video (measured with presets 10 and 12;
// none with 8 and 5). As keys come at fixed distances, what warms it is a whole GOP.
constexpr std::uint32_t kSvtAv1PlainPresetMax = 8;

double in_steps(double ratio) { return 6 * std::log2(ratio); }

// Settings that change what the formulas stand on: whoever uses one gets frames encoded and dropped instead.
bool rate_control_is_plain(const EncoderSettings& encoder, std::string_view list) {
  for (const char* key : {"i_qfactor", "b_qfactor", "qcomp", "qp", "cplxblur", "nal-hrd"}) {
    if (!option_of(encoder, key).empty()) return false;
  }
  const std::array changed{"qcomp", "qp", "qpmin", "qpmax", "pbratio", "hevc-aq", "rc-grain", "strict-cbr", "bitrate", "crf"};
  return std::ranges::none_of(changed, [&](const char* key) { return listed(list, key).has_value(); });
}

bool is_off(std::optional<std::string_view> value) { return value && (*value == "0" || *value == "false"); }

// Whether x264 spreads quality by mbtree, whose presence makes quantisers independent of what the frames cost.
std::optional<double> x264_factor(const EncoderSettings& encoder) {
  const std::string_view list = option_of(encoder, "x264-params");
  const std::string_view tune = option_of(encoder, "tune");
  if (!rate_control_is_plain(encoder, list)) return std::nullopt;
  if (lookahead_depth(encoder).lookahead == 0 || is_off(listed(list, "mbtree")) || listed(list, "no-mbtree") ||
      is_off(option_of(encoder, "mbtree")))
    return std::nullopt;
  double ratio = tune.find("grain") != std::string_view::npos ? kIpRatioGrain : kIpRatio;
  if (const auto own = listed(list, "ipratio")) ratio = number(*own).value_or(0);
  // A cold first frame gets the quantiser of a P frame; later key frames that of the P frames before them over the ratio.
  return ratio > 0 ? std::optional(ratio) : std::nullopt;
}

// x265 works as x264 does, but averages the quantisers of B frames too, and of all of them as whole numbers (ratecontrol.cpp,
// accumPQpUpdate): so it depends on how many B frames there are and on what is rounded. That is computed here, for full mini-GOPs
// of the presets that always fill them and for typical ones of the others.
std::optional<double> x265_factor(const EncoderSettings& encoder, double quality) {
  const std::string_view list = option_of(encoder, "x265-params");
  const std::string_view tune = option_of(encoder, "tune");
  if (!rate_control_is_plain(encoder, list) || tune.find("grain") != std::string_view::npos || is_off(listed(list, "cutree")) ||
      listed(list, "no-cutree") || listed(list, "ipratio") || tune.find("zerolatency") != std::string_view::npos)
    return std::nullopt;
  const double seconds = std::clamp(1 / encoder.frame_rate.value(), kDurationMin, kDurationMax);
  const double p = quality + (1 - kQCompress) * kTreeOffset + (1 - kQCompress) * in_steps(kBaseDuration / seconds);
  const double b = in_steps(kPbRatio);
  const auto whole = [](double q) { return std::floor(q + 0.5); };
  const bool fills = std::ranges::find(kX265FixedBframes, encoder.preset) != std::end(kX265FixedBframes);
  const std::uint32_t given = lookahead_depth(encoder).bframes;
  const std::uint32_t bframes = fills ? given : std::min(given, kTypicalBframes);
  double sum = whole(p);
  if (bframes == 1) sum += whole(p + b);
  if (bframes > 1) sum += whole(p + b / 2) + (bframes - 1) * whole(p + b);  // the middle one is a reference
  const double average = sum / (bframes + 1);
  return std::exp2((p - (average - in_steps(kIpRatio))) / 6);
}

}  // namespace

std::optional<double> first_frame_factor(const EncoderSettings& encoder) {
  // A rendition with a bitrate gets a quality for each segment (coordinator/plan/plan_rate.h); whether there is a factor does not hang on it.
  const double quality = encoder.rate.quality.value_or(0);
  switch (encoder.codec) {
    case VideoCodec::kH264: return x264_factor(encoder);
    case VideoCodec::kHevc: return x265_factor(encoder, quality);
    case VideoCodec::kAv1:
    case VideoCodec::kVp9: return std::nullopt;
  }
  return std::nullopt;
}

std::uint32_t memory_of(const EncoderSettings& encoder, Joins joins, std::uint64_t first) {
  const auto within = static_cast<std::uint32_t>(std::clamp(encoder.frame_rate.value() * kMemorySecondsMax, 1.0, 1e6));
  const auto memory = static_cast<std::uint32_t>(std::min<std::uint64_t>(first, std::min(kMemoryFrames, within)));
  switch (encoder.codec) {
    case VideoCodec::kH264:
    case VideoCodec::kHevc: return joins == Joins::kDefault && first_frame_factor(encoder) ? 0 : memory;
    case VideoCodec::kAv1: return first > 0 && whole_number(encoder.preset).value_or(0) > kSvtAv1PlainPresetMax ? 1 : 0;
    case VideoCodec::kVp9: return 0;  // nothing is remembered from GOP to GOP (media/encoder/key_runs.h)
  }
  return 0;
}

}  // namespace gopmill
