#pragma once

#include "base/result.h"
#include "media/task/timeline.h"

namespace gopmill {

// Refuses, with kInput and the reason, facts that are beyond the limits of media/task/timeline.h or contradict themselves.
// They come from a child that parsed hostile bytes and may have been taken over by them: everything the planner does
// arithmetic or indexing with is bounded here, once, so that the rest of the plan may rely on it. Linear in the frames.
Result<> check_facts(const SourceFacts& source);

}  // namespace gopmill
