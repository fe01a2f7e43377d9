#pragma once

#include "base/result.h"
#include "media/child/parent_line.h"
#include "media/steps/verify/finished_file.h"

namespace gopmill {

// Reads the file as libav's demuxer gives it, once, and fills in what was heard of it and of each of its tracks. `decode`: all
// of it is decoded; else only as much as gives the first frame. kInput where libav cannot read it to the end.
Result<> listen(int fd, bool decode, FinishedFile& file, ParentLine& parent);

}  // namespace gopmill
