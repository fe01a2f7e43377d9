#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/plan/plan.h"

namespace gopmill {

// What one segment shows and what it is decoded from.
struct Segment {
  std::vector<PlannedTask::Range> bodies;  // per rendition; never empty; begins with a key frame
  PacketRun run;
};

struct Segmentation {
  std::vector<Segment> segments;  // in time order; their bodies divide every rendition's frames
  double decode_ratio = 1;
  double repeated_decode = 0;  // estimated share of the work that goes into decoding packets more than once
  double reads = 0;            // how many times over the splitter reads the source (media/task/split_passes.h)
  std::string note;            // why segments are longer than the profile asks; empty if they are not
};

// Cuts renditions (whose `file.frames` and `shows` are listed) into segments, as plan.h describes. At least one rendition.
Segmentation cut_segments(const std::vector<PlannedRendition>& renditions, const std::vector<std::vector<std::uint32_t>>& shows,
                          const std::vector<WovenFrame>& woven, const VideoTrack& track, const Profile& profile);

// The frames of one rendition that a segment's task encodes: its body and the lead and tail that the profile's joins ask.
PlannedTask::Range with_context(const PlannedRendition& rendition, PlannedTask::Range body, Joins joins);

// The frames (`count` of them: SourceFrames, or woven ones) that frames of these ranges show, one range per rendition, and where
// they are deinterlaced the one on each side, which a deinterlacer looks at. Rising.
std::vector<std::uint32_t> wanted_frames(const std::vector<PlannedTask::Range>& ranges,
                                         const std::vector<std::vector<std::uint32_t>>& shows, std::size_t count,
                                         bool interlaced);

}  // namespace gopmill
