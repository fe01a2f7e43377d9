#pragma once

// Exit codes beside those of faults (base/result.h, exit_code). README.md has the whole table.

namespace gopmill {

inline constexpr int kExitDone = 0;
inline constexpr int kExitJobFailed = 1;
inline constexpr int kExitInterrupted = 130;

}  // namespace gopmill
