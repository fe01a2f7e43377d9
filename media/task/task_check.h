#pragma once

#include <cstddef>

#include "base/result.h"
#include "media/task/task.h"

namespace gopmill {

// Whether a task is one that a plan can have made: no frame outside of its frames, a body in every rendition, as many outputs as
// renditions. PURE. kInternal says what is wrong.
Result<> check_task(const VideoTask& task, std::size_t outputs);

}  // namespace gopmill
