#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/time.h"
#include "media/journal.h"
#include "media/task.h"

// Source clips made from code, seconds long. All of libav that tests touch is behind this and seen.h. Anything that fails here ends
// the test program: a clip that cannot be made proves nothing.

namespace gopmill::test {

// A moving gradient whose top carries the picture's number in 16 black or white squares, so that any decoded picture can
// say which one it is, whatever was done to it since (down to about 64 pixels of width).
struct ClipPicture {
  std::string encoder = "libx264";
  int width = 320, height = 180;
  std::string pixel_format = "yuv420p";
  Rational base{1, 25};
  std::vector<std::int64_t> pts;  // ticks of base, rising; empty: 0, 1, 2… up to `frames`
  int frames = 100;
  int gop = 25;
  int b_frames = 2;
  bool open_gop = false;
  bool flashes = false;                        // white at each full second of the clip, else mid-grey
  std::map<std::string, std::string> options;  // of the encoder: {"x264-params", "…"}
};

struct ClipSound {
  enum class Kind : std::uint8_t { kSine, kBeeps };  // beeps: 1 kHz, 40 ms, at each full second of the clip
  std::string encoder = "aac";
  int sample_rate = 48000;
  int channels = 2;
  Kind kind = Kind::kSine;
  double hz = 440;
  double level = 0.5;
  double seconds = 4;
  std::int64_t starts = 0;  // samples after the clip's zero
  std::string layout;       // libav's name of where the channels are: "7.1(wide)"; empty: the usual places
  int only = -1;            // the one channel that sounds; -1: all, alike
  std::string language;     // as the container is to tag it
};

struct Clip {
  std::optional<ClipPicture> picture;
  std::optional<ClipSound> sound;
  std::vector<ClipSound> more_sounds;
  std::string container = "mp4";  // libavformat's name: "matroska", "mpegts", "mp4"…
  std::map<std::string, std::string> muxer_options;
  Rational shift{0, 1};  // added to all times, seconds
};

Fd make_clip(const Clip& clip);

// One track of a clip as a worker gets it: a journal at offset 0. `media`: 1 video, 2 audio. `change` may alter each packet, and
// leaves it out by returning false.
Fd journal_of_track(int clip, int media, const std::function<bool(JournalPacket&)>& change = {});

// Encodes plan.frames, whose pictures carry their index as number, in segments of these lengths; every segment by a fresh encoder, as workers do.
std::vector<Fd> encode_segments(const RenditionPlan& plan, const std::vector<std::size_t>& lengths,
                                const EncoderSettings& settings);
EncoderSettings settings_for(const RenditionPlan& plan);

}  // namespace gopmill::test
