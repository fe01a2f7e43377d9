#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "media/av/hdr.h"
#include "media/signal/field_stats.h"
#include "media/task/timeline.h"

struct AVFrame;

namespace gopmill::av {

// What a decoded frame says of itself.
struct FrameFacts {
  std::int64_t pts = 0;          // as the decoder gave it: the ordinal of its packet
  int width = 0, height = 0;     // visible
  Rational sample_aspect{0, 1};  // 0 = not said
  Colour colour;
  HdrFacts hdr;
  int bit_depth = 8;
  bool interlaced = false;  // flags of the stream; what is true is found by media/steps/analyse/scan.h
  bool top_first = true;
  bool has_alpha = false;
  bool damaged = false;       // the decoder had to guess parts of it, or refers to what it does not have
  bool has_captions = false;  // CEA-608 or 708
};
FrameFacts facts_of(const AVFrame& frame);

// Its luma, or nothing where the format has none (RGB, palettes) or keeps it in a way nobody interlaces.
std::optional<LumaPlane> luma_of(const AVFrame& frame);

// What a decoded block of audio says of itself.
struct AudioFacts {
  std::int64_t pts = INT64_MIN;  // ticks of the stream's base, trimming applied
  int sample_rate = 0;
  int channels = 0;
  int samples = 0;
};
AudioFacts audio_facts_of(const AVFrame& frame);

// Luma at every eighth position of every eighth line: enough for an unbiased estimate of a frame's PSNR at 1/64 of its
// memory, so that a segment's own output can be checked against what went into the encoder.
struct LumaSample {
  std::vector<std::uint16_t> values;
  int depth = 8;
};
LumaSample sample_luma(const AVFrame& frame);
// Mean squared error scaled to a peak of 1; nothing if the samples are not of the same shape.
std::optional<double> squared_error(const LumaSample& a, const LumaSample& b);

}  // namespace gopmill::av
