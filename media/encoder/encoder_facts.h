#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "media/encoder/encoder_start.h"
#include "media/task/task.h"
#include "profiles/profile.h"

// What is known of each encoder: one table, with one file per encoder. PURE. What belongs to a codec as a format (MP4 boxes, codec
// strings, levels, what a profile may say of it) is not here: media/package, profiles/codec_rules.h. Why: docs/decisions/36-encoders.md.
//
// To add an encoder: a file next to x264.cpp with its facts, a name in `Encoder` (media/task/task.h, with kEncoderLast), a line below
// and in encoder_facts.cpp's table, where the first of a codec is the one that is used, and its library in media/av/versions.cpp.

namespace gopmill {

enum class KeyRequests : std::uint8_t {
  kByFrame,      // a key frame is put where a frame asks for one
  kAtIntervals,  // only at every n-th frame: each run of GOPs of one length (media/encoder/key_runs.h) gets a fresh encoder
};

// A preset with a name.
struct PresetFacts {
  std::string_view name;
  std::uint32_t lookahead = 0;  // frames
  std::uint32_t bframes = 0;    // most of them between two P frames
  double pixel_ns = 0;          // to encode one pixel (coordinator/plan/plan_cost.h has the unit)
};

// Presets that are numbers, where a smaller one is slower.
struct NumberedPresets {
  int measured = 0;  // the preset whose cost was measured
  double pixel_ns = 0;
  double per_doubling = 1;  // presets towards 0 that double the cost
};

// The scale that `quality` counts on; 0 is best.
struct QualityScale {
  double max = 0;
  double steps = 1;                       // the encoder tells apart between two whole numbers, or is asked to
  double measured_fine, measured_coarse;  // a segment's two quick encodes: a straight line lies between in the logarithm
  double shared_finest, shared_coarsest;  // never asked for beyond when a bitrate is shared
};

// Values of libavcodec's options by name.
using EncoderOptions = std::vector<std::pair<std::string, std::string>>;

// More is asked of none.
inline constexpr std::uint32_t kLookaheadFramesMax = 250;  // x264's own ceiling for rc-lookahead

struct EncoderFacts {
  Encoder encoder;
  std::string_view name;  // libavcodec's: "libx264"
  VideoCodec codec;

  // How it is run. All encoders have one thread, as thread counts change bytes.
  KeyRequests keys = KeyRequests::kByFrame;
  // Each GOP is encoded by an encoder of its own, which has seen its frames in a first pass (media/av/encode/first_pass.h).
  bool two_passes = false;
  bool counts_frames = false;       // its clock counts frames (media/av/encode/encoder_clock.h)
  bool keeps_buffer = true;         // it takes maxrate and bufsize; else media/encoder/rate_search.h keeps the buffer alone
  bool end_before_close = false;    // closed in the middle of its work, it waits for ever unless it was told the end first
  const char* quiet_variable = "";  // of the environment: when it is "1", nothing but errors is printed on stderr

  QualityScale quality;
  std::span<const PresetFacts> presets;  // empty: its presets are numbers, which the encoder judges by itself
  NumberedPresets numbered;
  // The preset that measures sizes: as quick as one can be that spreads its bits as the slower ones do. A profile's own is taken
  // where it is one of the quicker ones.
  std::string_view measuring_preset;
  std::span<const std::string_view> quicker_presets;

  // The option that takes the encoder's own list, "key=value:key"; empty: there is none.
  std::string_view own_list;
  // Its words for what the plan depends on: whoever set one of them would break joins, the key grid or equal bytes. Refused in every
  // encoder's list: lists are carried from one encoder to the next.
  std::span<const std::string_view> reserved_words;
  // In these words libavcodec complains of something in the list, and goes on.
  std::span<const std::string_view> list_complaints;
  // Its options for one encode but `crf` and those of the profile's own that are not its list.
  EncoderOptions (*options)(const EncoderSettings& encoder, const EncoderStart& start);

  // Frames past the one being coded that it looks at: how long a segment's tail is. Too many cost a little encoding at each join, too
  // few cost quality (x264: the last ten frames lose 0.6 dB without a tail, 0.06 dB with one): what is not known is rounded up.
  std::uint32_t (*lookahead_frames)(const EncoderSettings& encoder);
  // Cold start (media/encoder/cold_start.h); null: nothing is to be corrected, nothing is remembered.
  std::optional<double> (*first_frame_factor)(const EncoderSettings& encoder) = nullptr;
  std::uint32_t (*memory)(const EncoderSettings& encoder, Joins joins, std::uint64_t first) = nullptr;
  // Takes out of the first packet of an encode that continues a video what one encode of the whole video has only once; null: nothing.
  void (*strip_first_packet)(std::string& bytes) = nullptr;
};

extern const EncoderFacts kX264Facts;       // x264.cpp
extern const EncoderFacts kX265Facts;       // x265.cpp
extern const EncoderFacts kSvtAv1Facts;     // svt_av1.cpp
extern const EncoderFacts kLibvpxVp9Facts;  // libvpx_vp9.cpp

const EncoderFacts& facts_of(Encoder encoder);
// All of them; the first of a codec is the one that encodes it.
std::span<const EncoderFacts* const> all_encoders();
Encoder encoder_for(VideoCodec codec);
// What a profile says of a rendition's encoder; size, colour and time are the plan's.
EncoderSettings settings_of(const RenditionProfile& rendition);

}  // namespace gopmill
