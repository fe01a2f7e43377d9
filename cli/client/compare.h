#pragma once

#include <vector>

#include "media/task/task.h"
#include "media/task/timeline.h"

namespace gopmill {

// Whether a finished file shows what its source shows, as far as their timelines tell: every frame of the source once, at its
// time, and audio that starts and ends where the source's does. Pure; both are results of an analysis.
//
// One constant shift of all frames is allowed. A file with fewer frames and a clearly lower rate over the same length had
// its rate reduced on purpose (fps_max): its counts differ, which is said in an advisory check, and frames are not
// compared one by one.
std::vector<Check> compare(const SourceFacts& source, const SourceFacts& output);

inline constexpr double kFrameToleranceSeconds = 0.0015;  // MP4 times of videos at 1/1000 s, rounded twice
inline constexpr double kAudioStartToleranceSeconds = 0.0015;
inline constexpr double kAudioLengthToleranceSeconds =
    0.06;                                        // one packet of each: 1,152 samples at 44,100, 1,024 at 48,000, and rounding
inline constexpr double kReducedRateMax = 0.98;  // of the source's rate; NTSC's 1000/1001 is no reduction

}  // namespace gopmill
