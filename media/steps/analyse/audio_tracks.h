#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "media/av/decode/demuxer.h"
#include "media/steps/analyse/chosen_tracks.h"
#include "media/steps/analyse/linear_read.h"
#include "media/task/timeline.h"

namespace gopmill {

// Decodes the beginning of each chosen audio track. Adds to `facts` those that decode, each with its offset from `first_frame`, the
// time at which that is shown, or without video from the earliest of them; and notes on those that do not. The first default track is the
// chosen one.
Result<> analyse_audio_tracks(int source, const ChosenTracks& chosen, const std::vector<av::StreamFacts>& streams,
                              const LinearRead& read, std::optional<Timestamp> first_frame, SourceFacts& facts);

}  // namespace gopmill
