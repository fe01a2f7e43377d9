#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "media/encoder/encoder_facts.h"

// What x264 and x265 have in common: x265 took x264's rate control, its presets' names and most of its words. PURE.

namespace gopmill::x26x {

// Defaults of rate control, and how it turns bits into quantiser steps.
inline constexpr double kIpRatio = 1.4;  // key frames over P frames, bits
double in_steps(double ratio);

// How full the decoder's buffer is taken to be when a segment starts, as a fraction: half, because the segments before it are unknown.
inline constexpr const char* kBufferStart = "0.5";

inline constexpr std::string_view kQuickerPresets[] = {"ultrafast", "superfast"};  // than the one that measures
inline constexpr QualityScale kCrf51{
    .max = 51, .steps = 100, .measured_fine = 20, .measured_coarse = 30, .shared_finest = 8, .shared_coarsest = 45};

// How far they look ahead and how many frames they hold for reordering, by preset and options.
struct LookaheadDepth {
  std::uint32_t lookahead = 0;
  std::uint32_t bframes = 0;
};
LookaheadDepth lookahead_depth(const EncoderSettings& encoder);
std::uint32_t lookahead_frames(const EncoderSettings& encoder);

// Whether no setting changes what the formulas of first_frame_factor stand on: whoever uses one gets frames encoded and dropped
// instead. `list` is the encoder's own.
bool rate_control_is_plain(const EncoderSettings& encoder, std::string_view list);
bool is_off(std::optional<std::string_view> value);
std::uint32_t memory(const EncoderSettings& encoder, Joins joins, std::uint64_t first);

// A zone of the one frame at `frames`, for their own list; empty where none is needed. Rate control gives the first frame of a cold
// encode fewer bits than a key frame inside a video gets; the zone makes up for it. It scales the quantiser before mbtree and adaptive
// quantisation see the frame, so what they do is as inside the video, and the averages that later key frames are coded by begin right.
// (An offset per region, FFmpeg's own way, comes after them: it left 0.1 to 0.5 dB, and harmed where mbtree was off.)
std::string zone(const char* frames, const EncoderSettings& encoder, const EncoderStart& start);

}  // namespace gopmill::x26x
