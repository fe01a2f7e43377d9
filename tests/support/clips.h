#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/time.h"
#include "media/task/journal.h"
#include "media/task/task.h"

// Source clips made from code, seconds long. All of libav that tests touch is behind this and seen.h. Anything that fails here ends
// the test program: a clip that cannot be made proves nothing.

namespace gopmill::test {

enum class FieldPictures : std::uint8_t {
  kPacketEach,
  kPacketPair,  // always so in MP4 and Matroska
};

// A moving gradient whose top carries the frame's number in 16 black or white squares, so that any decoded frame can
// say which one it is, whatever was done to it since (down to about 64 pixels of width).
struct ClipVideo {
  std::string encoder = "libx264";
  int width = 320, height = 180;
  std::string pixel_format = "yuv420p";
  Rational base{1, 25};
  std::vector<std::int64_t> pts;  // ticks of base, rising; empty: 0, 1, 2… up to `frames`
  int frames = 100;
  int gop = 25;
  Rational sample_aspect{0, 1};
  int b_frames = 2;
  bool open_gop = false;
  // Which moment a field of a frame shows: what a progressive frame of that number would be. Empty: the frame's own.
  std::function<std::uint32_t(std::uint32_t frame, bool bottom)> moment;
  std::optional<bool> coded_top_first;  // coded and flagged as interlaced, this field first
  // Written as frames of one field each, as broadcasters code H.264 (no encoder of FFmpeg does), the samples unchanged; of `options`
  // and `encoder` nothing counts then. Sides are multiples of 32.
  std::optional<FieldPictures> field_pictures;
  // How the container says the frame is to be turned and mirrored: the point (x, y) is shown at (a x + c y, b x + d y), x to the right
  // and y down. MP4 only.
  std::optional<std::array<int, 4>> shown_by;  // a, b, c, d
  bool flashes = false;                        // white at each full second of the clip, else mid-grey
  std::map<std::string, std::string> options;  // of the encoder: {"x264-params", "…"}
};

struct ClipAudio {
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
  int only = -1;            // the one channel that audio_tracks; -1: all, alike
  std::string language;     // as the container is to tag it
};

// A track of text subtitles, as the container stores it.
struct ClipText {
  std::string codec = "subrip";  // libavcodec's name: "ass", "webvtt", "mov_text"
  std::string language, title;
  bool is_default = false, is_forced = false;
  struct Line {
    std::int64_t start_ms = 0, lasts_ms = 0;
    std::string bytes;
  };
  std::vector<Line> lines;
};
struct ClipChapter {
  std::int64_t start_ms = 0, end_ms = 0;
  std::string title;
};

struct Clip {
  std::optional<ClipVideo> frame;
  std::optional<ClipVideo> later;  // frames of another shape in the same track, two seconds after the first
  std::optional<ClipAudio> audio;
  std::vector<ClipAudio> more_audio;
  std::vector<ClipText> texts;
  std::vector<ClipChapter> chapters;
  std::map<std::string, std::string> tags;
  bool cover = false;             // a grey JPEG of 64x48
  std::string container = "mp4";  // libavformat's name: "matroska", "mpegts", "mp4"…
  std::map<std::string, std::string> muxer_options;
  Rational shift{0, 1};  // added to all times, seconds
};

Fd make_clip(const Clip& clip);

// One track of a clip as a worker gets it: a journal at offset 0. `change` may alter each packet, and
// leaves it out by returning false.
Fd journal_of_track(int clip, Media media, const std::function<bool(JournalPacket&)>& change = {});

// Encodes plan.frames, whose frames carry their index as number, in segments of these lengths; every segment by a fresh encoder, as workers do.
std::vector<Fd> encode_segments(const RenditionPlan& plan, const std::vector<std::size_t>& lengths,
                                const EncoderSettings& settings);
EncoderSettings settings_for(const RenditionPlan& plan);

}  // namespace gopmill::test
