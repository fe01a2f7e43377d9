#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "base/time.h"

namespace gopmill {

// Tells from outside whether a media child still works: by what the kernel says of its threads, so that it costs the child
// nothing and a child gone mad cannot feign it. Starved of processor time, or waiting for a disk, is not dead: then a thread is
// runnable or in the kernel. Asleep in every thread while nobody owes it anything is, and so is stopped.
// Why: docs/decisions/29-child-lives.md.
class ChildPulse {
 public:
  // Besides that, a child that computes for `cpu_max` without a word is stuck in one frame; 0: never.
  explicit ChildPulse(Duration cpu_max) : cpu_max_(cpu_max) {}

  // It said something.
  void heard() { spoken_at_ = cpu_; }
  // Call often; looks every kPulseEvery. `owed`: it waits for an answer of ours. What is wrong with it: kMachine where it is
  // stopped, kPoison where it hangs.
  std::optional<Fault> feel(pid_t pid, bool owed, Instant now);

 private:
  Duration cpu_max_;
  std::optional<Instant> felt_;
  Duration cpu_{0};        // of all its threads
  Duration spoken_at_{0};  // of `cpu_`
  int still_ = 0;          // looks in a row that found nothing moved
};

inline constexpr Duration kPulseEvery{500};
inline constexpr int kStillMax = 6;  // three seconds: as long as a worker may be silent
// A caller that was itself away this long knows nothing of what its child did meanwhile.
inline constexpr Duration kPulseGapMax{2000};

}  // namespace gopmill
