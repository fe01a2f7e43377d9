#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "media/task/colour.h"
#include "media/task/side_tracks.h"

// What the analysis of a source found out: value types only, so that the planner stays pure. Everything here was seen in
// packets or frames; nothing is a container's claim (durations, rates, counts), except where a field says so.

namespace gopmill {

// Limits on what a source may be; each is refused with a named reason before it costs anything.
inline constexpr int kSourceStreamsMax = 64;   // phones write 5, broadcasts 20
inline constexpr int kSourceWidthMax = 8192;   // 8K DCI
inline constexpr int kSourceHeightMax = 8192;  // portrait 8K
inline constexpr std::int64_t kSourcePixelsMax = 8192LL * 4352;
inline constexpr std::uint64_t kSourceFramesMax = 24ULL * 3600 * 120;  // a day at 120 fps: 10 M frames, 160 MB of timeline
inline constexpr int kSourceChannelsMax = 64;                          // libswresample's SWR_CH_MAX; broadcasts have 16
inline constexpr double kSourceSecondsMax = 26 * 3600.0;               // below one turn of a 33-bit MPEG clock (26.5 h)

inline constexpr std::size_t kLossesMax = 200;  // ranges listed; later ones widen the last, so that none goes unsaid

// What became of a part of the source that is not there, or not whole.
enum class DamageKind : std::uint8_t {
  kFrames = 1,     // cannot be decoded; the frame before is shown in their place
  kConcealed = 2,  // shown, though parts of them are the decoder's guess
  kAudio = 3,      // cannot be decoded; silence is in its place
  kEnd = 4,        // the file ends before its own index or structure says
};
struct Loss {
  DamageKind kind = DamageKind::kFrames;
  double from = 0, to = 0;  // seconds after the first frame; without frames, after the first audio sample
  std::uint64_t count = 0;  // frames, or packets of audio, or packets missing at the end
  std::string reason;       // in FFmpeg's words
  friend bool operator==(const Loss&, const Loss&) = default;
};

// From this packet of a track on, its clock is another one: to all its times so many ticks are added.
struct ClockShift {
  std::uint32_t packet = 0;  // ordinal
  std::int64_t ticks = 0;    // of the stream's base, in all: not on top of those before
  friend bool operator==(const ClockShift&, const ClockShift&) = default;
};

// One frame of the source, in presentation order.
struct SourceFrame {
  std::int64_t pts = 0;      // ticks of VideoTrack::base, counted from the first frame; strictly rising
  std::uint32_t packet = 0;  // ordinal, in file order within the stream, of the packet it decodes from
  friend bool operator==(const SourceFrame&, const SourceFrame&) = default;
};

// A packet at which a decoder may start.
struct KeyPacket {
  std::uint32_t packet = 0;  // ordinal
  std::int64_t pts = 0;      // ticks of VideoTrack::base
  bool clean = false;        // nothing after it in file order refers to anything before it (IDR; not CRA, not recovery point)
  friend bool operator==(const KeyPacket&, const KeyPacket&) = default;
};

// What must happen to a frame to stand upright: first the quarter turns clockwise, then the mirror left-right.
struct Orientation {
  std::uint8_t quarter_turns = 0;  // 0..3, clockwise
  bool mirrored = false;
  friend bool operator==(const Orientation&, const Orientation&) = default;
};

// How the frames of a track were scanned; one answer for all of it, from the frames themselves (media/signal/cadence.h).
enum class Scan : std::uint8_t {
  kProgressive = 1,
  kInterlaced = 2,  // each field is its own moment
  kTelecined = 3,   // film put into fields: every field has a partner, in its own frame or the next one
};

constexpr std::string_view scan_word(Scan scan) {
  switch (scan) {
    case Scan::kProgressive: return "progressive";
    case Scan::kInterlaced: return "interlaced";
    case Scan::kTelecined: return "telecined";
  }
  return "";
}

// How the frame list was learnt.
enum class Evidence : std::uint8_t {
  kPackets = 1,  // every packet has its own timestamp and a decoded probe agreed: one packet, one frame
  kDecoded = 2,  // the whole track was decoded, because packets alone do not tell (field pairs, packed or hidden frames…)
};

struct VideoTrack {
  std::uint32_t stream = 0;      // index in the file
  std::string codec;             // libavcodec's name: "h264"
  Rational base{1, 1};           // of every pts here: the source's own, refined so that one tick is at most 0.1 ms
  int width = 0, height = 0;     // as decoded, cropping applied
  Rational sample_aspect{1, 1};  // one answer for the file
  Rational coded_aspect{0, 1};   // what the first frame itself says; 0: nothing. Later frames are compared with it
  Orientation orientation;
  Colour colour;
  std::optional<MasteringDisplay> mastering;  // as the file says; not checked for sense
  std::optional<ContentLight> light;
  int bit_depth = 8;
  bool interlaced = false;  // some or all frames are to be deinterlaced
  Scan scan = Scan::kProgressive;
  bool top_first = true;      // which field of a frame was first; said where scan is not progressive
  std::string scan_evidence;  // for people
  // Of telecined tracks: how many fields each film frame lasts, in time order: two or three, or one where a field has no
  // partner and its frame is to be deinterlaced. Two for each entry of `frames` in all.
  std::vector<std::uint8_t> film;
  bool has_alpha = false;
  Evidence evidence = Evidence::kPackets;
  std::string evidence_reason;  // for people; empty with kPackets
  std::vector<SourceFrame> frames;
  std::vector<KeyPacket> keys;           // in file order
  std::uint32_t packets = 0;             // in the stream
  std::uint64_t bytes = 0;               // of these packets
  bool plain_coding = false;             // H.264 Baseline: no B frames, no arithmetic coding, cheap to decode
  std::optional<std::uint32_t> cut_off;  // the packet the recording ends inside of, where its frame is shown all the same
  std::int64_t last_duration = 0;        // ticks the last frame is shown: its packet's, where sane, else the median distance
  double starts_at = 0;                  // for the report: the first frame's timestamp in the source, seconds
};

struct AudioTrack {
  std::uint32_t stream = 0;
  std::string codec;
  int sample_rate = 0;
  int channels = 0;
  std::string language;  // as tagged, or empty
  std::string title;     // as tagged, or empty
  bool is_default = false;
  std::uint32_t packets = 0;
  std::uint64_t bytes = 0;
  // First and last audio after trimming by edit lists and priming. The offset may be negative: audio before the first frame.
  // Where there is no video, after the earliest audio of all tracks.
  Timestamp starts_after_video;   // in a base that is finer than a sample
  double seconds = 0;             // from first to last packet, plus the last one's duration
  std::vector<ClockShift> clock;  // by packet; empty where the source keeps one clock
};

struct SourceFacts {
  std::string container;  // libavformat's name: "mov,mp4,…"
  std::uint64_t bytes = 0;
  std::optional<VideoTrack> video;  // the track a player would show
  std::vector<AudioTrack> audio;    // in file order; the default one is `audio_chosen`
  std::uint32_t audio_chosen = 0;
  std::vector<Loss> losses;  // seen by the analysis; empty unless it was asked to salvage
  SideTrackFacts side_tracks;
  std::vector<std::string> notes;  // "data tracks are not carried: 1"
};

template <class A>
void fields(A& a, Loss& v) {
  a(v.kind, v.from, v.to, v.count, v.reason);
}
template <class A>
void fields(A& a, ClockShift& v) {
  a(v.packet, v.ticks);
}
template <class A>
void fields(A& a, SourceFrame& v) {
  a(v.pts, v.packet);
}
template <class A>
void fields(A& a, KeyPacket& v) {
  a(v.packet, v.pts, v.clean);
}
template <class A>
void fields(A& a, Orientation& v) {
  a(v.quarter_turns, v.mirrored);
}
template <class A>
void fields(A& a, Timestamp& v) {
  a(v.ticks, v.base);
}
template <class A>
void fields(A& a, VideoTrack& v) {
  a(v.stream, v.codec, v.base, v.width, v.height, v.sample_aspect, v.orientation, v.colour, v.mastering, v.light, v.bit_depth,
    v.interlaced, v.coded_aspect, v.scan, v.top_first, v.scan_evidence, v.film, v.has_alpha, v.evidence, v.evidence_reason,
    v.frames, v.keys, v.packets, v.bytes, v.plain_coding, v.cut_off, v.last_duration, v.starts_at);
}
template <class A>
void fields(A& a, AudioTrack& v) {
  a(v.stream, v.codec, v.sample_rate, v.channels, v.language, v.title, v.is_default, v.packets, v.bytes, v.starts_after_video,
    v.seconds, v.clock);
}
template <class A>
void fields(A& a, SourceFacts& v) {
  a(v.container, v.bytes, v.video, v.audio, v.audio_chosen, v.losses, v.side_tracks, v.notes);
}

}  // namespace gopmill
