#pragma once

#include <cstdint>
#include <span>

#include "media/task/task.h"

// How far one encoder goes before a fresh one takes over, where that is not the whole segment. PURE.
// Why: docs/decisions/08-svt-av1-keys.md.

namespace gopmill {

// One past the last frame of the GOP that begins at frames[first].
std::size_t gop_end(std::span<const OutputFrame> frames, std::size_t first);

// A run of GOPs of one length.
struct KeyRun {
  std::size_t end = 0;         // one past its last frame
  std::uint32_t interval = 1;  // frames from key to key
};

// The run that begins at frames[first], which is a key frame or the very first. An encoder that places keys at a fixed distance alone
// can encode it in one go; what follows needs a fresh one. A run's last GOP may be shorter where `frames` ends.
KeyRun key_run(std::span<const OutputFrame> frames, std::size_t first);

}  // namespace gopmill
