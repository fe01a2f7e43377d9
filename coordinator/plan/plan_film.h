#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "coordinator/plan/plan_frames.h"
#include "media/task/task.h"
#include "media/task/timeline.h"
#include "profiles/profile.h"

// What renditions of a telecined track show: pictures woven again from the fields of the film they were made of. PURE.

namespace gopmill {

// The pictures that frames of a job show, in the order of time.
struct FilmPictures {
  std::vector<WovenPicture> woven;  // top and bottom: indices of SourceFrames; empty where pictures are shown as decoded
  std::vector<SourceFrame> frames;  // their times; one for each of `woven`
  std::optional<Rational> rate;     // the film's own, if renditions are to have it
};

// Telecine::kKeep: as many pictures as the source has, at their times; each shows the film picture whose middle is nearest to
// its own. Of the two combed pictures of a 2:3 cadence both show the film picture they share: so each film picture is
// shown, and none further than a quarter of a picture from its time. Telecine::kFilm: each film picture once, at the time of
// its first field, and the film's rate. Also of sources whose pictures repeat fields by their flags, which are found by their
// times. Nothing (`woven` and `rate` empty) where there is no pulldown.
FilmPictures film_pictures(const VideoTrack& track, Telecine telecine);

// The source pictures that woven ones need, each once. Rising.
std::vector<std::uint32_t> pictures_of(const std::vector<std::uint32_t>& shown, const std::vector<WovenPicture>& woven);

}  // namespace gopmill
