#pragma once

#include "media/package/mp4_boxes.h"
#include "media/task/task.h"

namespace gopmill {

// Whether a finished file says of its colours what is planned: in the boxes of its sample entry, and in `seen`, the tags of its
// first frame. Without a plan (null) both must only agree.
Check check_colour(const Mp4SampleEntry& entry, const Colour& seen, const RenditionPlan* plan);

}  // namespace gopmill
