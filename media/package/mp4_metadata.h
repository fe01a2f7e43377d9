#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "media/task/side_tracks.h"

namespace gopmill {

// Text, tags and cover in the form an MP4 holds them. PURE.
// Why: docs/decisions/24-chapters-twice.md.

// One sample of a text track, ms. Samples follow each other without a gap from 0 on: what is not text is an empty one.
struct TextSample {
  std::int64_t start = 0, duration = 0;
  std::string bytes;
  friend bool operator==(const TextSample&, const TextSample&) = default;
};
// Where cues overlap, a sample shows all of them one above the other, at most kCuesAtOnceMax. kInput where that would repeat more
// text than kTextSampleBytesMax.
inline constexpr std::size_t kCuesAtOnceMax = 4;
inline constexpr std::size_t kTextSampleBytesMax = 64U << 20;
Result<std::vector<TextSample>> text_samples(const TextTrack& track);

// The boxes that go into the movie's user data: iTunes' list of tags with the cover, and QuickTime's place. Empty where there is
// nothing to say.
std::string user_data_of(const SideTrackPlan& side_tracks);

}  // namespace gopmill
