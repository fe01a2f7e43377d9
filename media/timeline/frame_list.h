#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"
#include "media/task/timeline.h"

// From packets to the list of frames. PURE. Packets say when; the decoded probe says which of them are frames at
// all. Nothing a container declares (rate, duration, count) is used.
// Why: docs/decisions/03-packets-prove-frames.md.

namespace gopmill {

// A video packet as the linear read saw it; its place in the vector is its ordinal.
struct PacketFacts {
  std::int64_t pts = INT64_MIN;  // ticks of the stream's base; INT64_MIN: none
  std::int64_t dts = INT64_MIN;
  std::int64_t duration = 0;
  bool key = false;
  bool clean = false;    // a decoder may start here and lose nothing
  bool visible = true;   // carries a frame that is shown
  bool discard = false;  // outside of the edit list
  bool corrupt = false;  // the container marks it as damaged
};

inline constexpr std::uint32_t kAtTheEnd = UINT32_MAX;
// Of the base output times are kept in: what no player shows is not kept.
inline constexpr std::int64_t kTicksPerSecondMax = 1'000'000;

// Ordinals of decoded frames in presentation order, from the first packet on.
struct DecodedFrames {
  std::vector<std::uint32_t> shown;
  // For each, the packet that made the decoder give it out; kAtTheEnd for those it gave when there were no more.
  std::vector<std::uint32_t> given_at;
  bool whole = false;  // the whole track was decoded, not only its beginning
};

// The base output times are kept in: the stream's, with a numerator of 1 (MP4 timescales are integers) and one tick at most 0.1 ms
// (so that moving a duplicate timestamp by a tick is not seen), at most 1/1,000,000.
// Why: docs/decisions/16-output-base.md.
Rational refined_base(Rational stream_base);

// Why packets alone do not tell the frames, or empty if they do: a packet without timestamp, two with the same, or a probe that
// disagrees after its first frame (field pairs, packed or hidden frames).
std::string why_packets_do_not_tell(const std::vector<PacketFacts>& packets, const DecodedFrames& probe);

struct SourceFrameList {
  std::vector<SourceFrame> frames;  // pts from 0, strictly rising, in `base`
  std::vector<KeyPacket> keys;
  std::int64_t last_duration = 0;      // in `base`
  std::int64_t first_raw = 0;          // the first frame's timestamp, in the stream's base
  std::uint64_t undecodable_head = 0;  // packets before the first frame: the recording starts inside a GOP
  std::uint64_t moved = 0;             // frames moved because they shared a timestamp
};
// Precondition: `decoded.shown` is not empty. With decoded.whole exactly its frames are listed, at the packets' times in rising order;
// else every visible packet from the first decoded frame's time on.
SourceFrameList list_frames(const std::vector<PacketFacts>& packets, Rational stream_base, const DecodedFrames& decoded);

}  // namespace gopmill
