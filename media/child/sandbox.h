#pragma once

#include "base/result.h"
#include "media/child/child.h"

namespace gopmill {

// Gives up every right a media child does not need, before the first byte of media is read. For good: nothing gives one
// back. Layers: resource limits; no new privileges; an empty Landlock ruleset (no path can be opened; quietly absent on
// kernels before 5.13); a seccomp allow-list of what decoding and encoding on open descriptors takes. What is not on the
// list fails with EPERM; what only an attack would try (sockets, exec, ptrace) ends the process.
// kMachine if a layer that this kernel has cannot be put on. Sanitizer builds skip seccomp, which their runtimes break.
Result<> enter_sandbox(const ChildLimits& limits);

}  // namespace gopmill
