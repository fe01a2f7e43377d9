#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "media/child/parent_line.h"
#include "media/signal/cadence.h"
#include "media/task/timeline.h"
#include "media/timeline/frame_list.h"

// How a track was scanned, asked of its frames: flags lie both ways (film in interlaced streams, combs in progressive ones).
// Why: docs/decisions/14-one-answer.md.

namespace gopmill {

// What is bounded: frames decoded as samples, in runs that begin at key packets spread over the whole file.
inline constexpr std::uint32_t kScanRuns = 16;
inline constexpr std::uint32_t kScanRunFrames = 24;  // four cycles of 2:3 pulldown, and the frames a cold decoder lacks
// Larger frames exist progressive only; no standard interlaces more lines than 1080 (and 1088 as coded).
inline constexpr int kInterlacedHeightMax = 1088;

// Where runs of samples begin: ordinals of key packets, the first one and others as evenly spread as keys allow. Where there are fewer
// keys than runs, runs go on from one to the next.
std::vector<std::uint32_t> scan_run_starts(const std::vector<PacketFacts>& packets);

// Decides for the whole of `track`, whose frames are listed, and sets its scan, top_first, interlaced, scan_evidence and film.
// Reads the source once, and once more, decoding all of it, where it is telecined. `flagged`: what the probe's frames say.
Result<> find_scan(int source, const std::vector<PacketFacts>& packets, bool flagged, bool flagged_top_first, VideoTrack& track,
                   ParentLine& parent);

}  // namespace gopmill
