#pragma once

#include <cstdint>
#include <span>

#include "media/task.h"

namespace gopmill {

// A run of GOPs of one length.
struct KeyRun {
  std::size_t end = 0;         // one past its last frame
  std::uint32_t interval = 1;  // frames from key to key
};

// The run that begins at frames[first], which is a key frame or the very first. An encoder that places keys at a fixed distance alone
// can encode it in one go; what follows needs a fresh one. A run's last GOP may be shorter where `frames` ends. PURE.
KeyRun key_run(std::span<const OutputFrame> frames, std::size_t first);

}  // namespace gopmill
