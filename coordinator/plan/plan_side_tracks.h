#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/plan/plan.h"

namespace gopmill {

// What of subtitles, chapters, tags and cover goes where. PURE; part of the plan.
//
// - Cues and chapters are moved by `shift`, cut to the video, and rounded to milliseconds once. The first chapter begins at 0. Cues are put in order; those that say
//   the same at the same time (ASS layers) become one.
// - Text tracks that the profile chooses become files, text tracks of every rendition, or both.
// - A track of bitmaps that was decoded is burnt in; the others are left out.
// - The cover goes into outputs without video.
struct SideTrackTimes {
  std::int64_t shift_us = 0;       // when on the output timeline the facts' zero is
  std::int64_t output_end_ms = 0;  // of the output timeline
};
void plan_side_tracks(const SourceFacts& source, const Profile& profile, const SideTrackTimes& times, Plan& plan);

// The bitmaps to be burnt into these frames of the source, which rise. A frame shows a bitmap by its own time, to half a millisecond:
// whatever the segment, the same.
std::vector<Overlay> overlays_of(const SourceFacts& source, const std::vector<std::uint32_t>& frames);

}  // namespace gopmill
