#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "coordinator/plan/plan_frames.h"
#include "media/task/task.h"
#include "media/task/timeline.h"
#include "profiles/profile.h"

// What renditions of a telecined track show: frames woven again from the fields of the film they were made of. PURE.

namespace gopmill {

// What the frames of a rendition show, in the order of time.
struct FilmFrames {
  std::vector<WovenFrame> woven;    // top and bottom: indices of SourceFrames; empty where frames are shown as decoded
  std::vector<SourceFrame> frames;  // their times; one for each of `woven`
  std::optional<Rational> rate;     // the film's own, if renditions are to have it
};

// Telecine::kKeep: as many frames as the source has, at their times; each shows the film frame whose middle is nearest to
// its own. Of the two combed frames of a 2:3 cadence both show the film frame they share: so each film frame is
// shown, and none further than a quarter of a frame from its time. Telecine::kFilm: each film frame once, at the time of
// its first field, and the film's rate. Also of sources whose frames repeat fields by their flags, which are found by their
// times. Nothing (`woven` and `rate` empty) where there is no pulldown.
FilmFrames film_frames(const VideoTrack& track, Telecine telecine);

// The source frames that woven ones need, each once. Rising.
std::vector<std::uint32_t> frames_of(const std::vector<std::uint32_t>& shown, const std::vector<WovenFrame>& woven);

}  // namespace gopmill
