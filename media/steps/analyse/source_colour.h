#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "media/av/decode/demuxer.h"
#include "media/av/frame/frame.h"
#include "media/task/timeline.h"

namespace gopmill {

// Fills in a track's colour, its static HDR metadata and whether it has transparency, from its container and from `frames`, the
// first ones decoded (at least one). Tags: the frames' word before the container's. Static metadata: the container's first.
void describe_colour(VideoTrack& track, const av::StreamFacts& stream, const std::vector<av::FrameFacts>& frames);

// Adds what of that is not carried to `notes`. kInput for Dolby Vision whose base layer is nothing to see by itself.
Result<> note_what_stays(const VideoTrack& track, const av::StreamFacts& stream, const std::vector<av::FrameFacts>& frames,
                         std::vector<std::string>& notes);

}  // namespace gopmill
