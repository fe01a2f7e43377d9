#pragma once

#include "media/task/task.h"
#include "media/task/timeline.h"

namespace gopmill {

// What work costs, estimated from the source and the profile alone, so that every coordinator plans alike. PURE. The unit is a
// second of one core of a small server of 2024; only ratios matter. Measured with FFmpeg 5.1 on one thread over six videos
// (360p to 1080p): decoding by these numbers is right within a factor of 1.3, encoding within 1.6.
// Why: docs/decisions/05-long-gops.md.

// The whole track, once.
double decode_seconds(const VideoTrack& track);
// One frame, scaled and checked included.
double encode_seconds(const EncoderSettings& encoder);

}  // namespace gopmill
