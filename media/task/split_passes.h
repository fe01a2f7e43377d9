#pragma once

#include <cstdint>
#include <vector>

#include "media/task/task.h"

namespace gopmill {

// The most runs a splitter writes side by side. It can finish none of them before the last has begun, so this must stay below
// the smallest window of inputs (4, coordinator/scheduler/scheduler.h), or it would wait for ever.
// Why: docs/decisions/04-linear-reading.md.
inline constexpr std::uint32_t kRunsOpenMax = 3;

// How a splitter divides its runs into linear reads of the source: for each read the index one past its last run. Runs that overlap
// by no more than kRunsOpenMax share a read; where more begin at one place, as in a source with a single key frame, the
// source is read again for the next ones. Runs begin in order. PURE.
std::vector<std::uint32_t> split_passes(const std::vector<PacketRun>& runs);

}  // namespace gopmill
