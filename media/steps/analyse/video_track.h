#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "media/av/decode/demuxer.h"
#include "media/child/parent_line.h"
#include "media/steps/analyse/linear_read.h"
#include "media/task/task.h"
#include "media/task/timeline.h"

namespace gopmill {

// What is found out about the video track.
struct VideoFindings {
  VideoTrack track;
  std::int64_t first_raw = 0;  // ticks of the stream's base, on the first epoch's clock
  std::vector<Loss> losses;
  std::vector<std::string> notes;
};

// Probes the track `stream`, decodes all of it where packets do not tell, and settles in `read` how a recording that was stopped
// ends. kInput where nothing decodes or the frames are outside of the limits.
Result<VideoFindings> analyse_video(int source, const av::StreamFacts& stream, LinearRead& read, const AnalyseRequest& request,
                                    ParentLine& parent);

}  // namespace gopmill
