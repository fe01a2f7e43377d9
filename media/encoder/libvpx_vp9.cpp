// VP9 of libvpx, through libavcodec 5.1.

#include <string>

#include "media/encoder/encoder_facts.h"

namespace gopmill {

namespace {

EncoderOptions options(const EncoderSettings& s, const EncoderStart&) {
  return {{"deadline", "good"}, {"cpu-used", s.preset}, {"row-mt", "0"}, {"lag-in-frames", "25"}};
}

std::uint32_t lookahead(const EncoderSettings&) { return 0; }  // no further than its GOP

}  // namespace

// Two passes over each GOP alone, so it makes no difference where a video is cut, and nothing is remembered from GOP to GOP. libvpx
// gives golden and hidden frames their bits by what a first pass saw. In one pass it goes by a pattern counted from the encoder's start:
// cuts moved it (single frames by 3 dB), and an encoder for each GOP spoiled key frames (30.9 dB for 39.1), because without
// statistics a cold one gives them no more than others.
//
// It keeps no buffer by constant quality, and libavcodec refuses one then. Qualities are whole numbers only. Its work doubles every 2.5
// presets towards 0, measured at one point; the number is of both passes: 1.35 to 1.46 times one pass of preset 4 (three videos at 360p).
constinit const EncoderFacts kLibvpxVp9Facts{
    .encoder = Encoder::kLibvpxVp9,
    .name = "libvpx-vp9",
    .codec = VideoCodec::kVp9,
    .two_passes = true,
    .counts_frames = true,
    .keeps_buffer = false,
    .quality = {.max = 63, .steps = 1, .measured_fine = 25, .measured_coarse = 45, .shared_finest = 10, .shared_coarsest = 60},
    .numbered = {.measured = 4, .pixel_ns = 116, .per_doubling = 2.5},
    .measuring_preset = "5",
    .options = options,
    .lookahead_frames = lookahead};

}  // namespace gopmill
