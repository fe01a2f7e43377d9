#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "media/task/task.h"
#include "media/task/timeline.h"
#include "profiles/profile.h"

namespace gopmill {

// The audio of a job, as plan.h describes it: which tracks, in which order, and when each begins. PURE.

// The tracks that `profile` carries; the first is the one that plays by default, the others follow in the source's order. What is
// left out, and why, goes into `notes`.
std::vector<const AudioTrack*> choose_audio(const SourceFacts& source, const Profile& profile, std::vector<std::string>& notes);

// How many ticks later than in the source's own count frames of this base are shown, so that nothing begins before 0: up to a
// tick more than the earliest audio needs, because frames cannot move by less.
std::int64_t frame_shift(const std::vector<const AudioTrack*>& tracks, Rational base);

// When 0 of the output is, in the source's own count from its first frame: `shift` ticks of `base` before that. Without a frame,
// where the earliest of the tracks begins.
Timestamp output_zero(const std::vector<const AudioTrack*>& tracks);

// What becomes of a track: it begins where it does in the source, to half a sample.
PlannedAudio plan_track(const AudioTrack& track, const AudioProfile& profile, Timestamp zero);

}  // namespace gopmill
