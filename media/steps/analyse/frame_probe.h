#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "media/av/frame/frame.h"
#include "media/child/parent_line.h"
#include "media/timeline/frame_list.h"
#include "media/timeline/losses.h"

// Some or all of a video track, decoded to see whether its packets tell the truth.

namespace gopmill {

// Frames decoded to see whether packets tell the truth: more than any reorder depth plus a field-coded second.
inline constexpr std::size_t kProbeFrames = 32;

struct FrameProbe {
  DecodedFrames frames;
  std::vector<av::FrameFacts> facts;  // of the first kProbeFrames
  DecodeEvents events;
};

// What part of a track is decoded: from this packet on, and how much of it.
struct ProbeRange {
  std::uint32_t first = 0;
  bool whole = false;
  int threads = 1;
};

Result<FrameProbe> probe_frames(int source, std::uint32_t stream, ProbeRange range, ParentLine& parent);

}  // namespace gopmill
