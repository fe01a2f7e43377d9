#pragma once

#include <span>
#include <string_view>

#include "profiles/profile.h"

// What a profile may say of each codec: one table, one row per codec. It is of formats; the programs that write them have a table of
// their own, media/encoder/encoder_facts.h, which tests hold against this one. Why: docs/decisions/36-encoders.md.
//
// To add a codec: a name in `VideoCodec` or `AudioCodec` (profile.h), a row in codec_rules.cpp, its words in docs/profiles.md; then its
// encoder, and the rest of docs/architecture.md's row for a codec.

namespace gopmill {

// A name in a codec's `profile` and the one pixel format it is for. Some standards let a 10-bit profile carry 8 bits, but
// encoders then write another profile than the file asks for.
struct CodecProfile {
  std::string_view name;
  PixelFormat pixel_format;
};

struct CodecRules {
  VideoCodec codec;
  std::string_view word;                     // in profiles, and libavcodec's name of the format: "h264"
  double quality_max;                        // 0 is best
  bool quality_whole;                        // The encoder takes no fractions and would round without a word.
  std::string_view preset;                   // where the file has none: the middle of the encoder's scale from fast to small
  std::span<const CodecProfile> profiles;    // besides "auto"; a name may stand here once for each pixel format
  std::span<const std::string_view> levels;  // besides "auto"
};

struct AudioCodecRules {
  AudioCodec codec;
  std::string_view word;  // as above: "aac"
};

// In the order in which complaints list them.
std::span<const CodecRules> all_video_codecs();
std::span<const AudioCodecRules> all_audio_codecs();

const CodecRules& rules_of(VideoCodec codec);
const AudioCodecRules& rules_of(AudioCodec codec);

}  // namespace gopmill
