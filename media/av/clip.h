#pragma once

#include "base/result.h"

namespace gopmill {

// Writes an MP4 of our own making into `fd` (empty, seekable): a moving scene of 1280x720 at 25 frames/s in H.264, and in AAC
// a beep at the start of each second, during which a square in the frame is white. For demonstrations and tests on a machine
// with nothing but gopmill. The same bytes for the same length and build. `seconds` is rounded to whole frames, at least one.
Result<> make_clip(int fd, double seconds);

}  // namespace gopmill
