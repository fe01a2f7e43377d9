#pragma once

#include <string>

#include "base/result.h"
#include "media/child/child.h"

namespace gopmill {

// Does one piece of media work in a media child and waits for its result, which is still encoded. `file` is the child's
// only descriptor. Nothing of the file is parsed in this process.
Result<std::string> do_in_child(ChildWork work, const std::string& request, int file);

}  // namespace gopmill
