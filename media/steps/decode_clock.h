#pragma once

#include <time.h>

#include <cstdint>

namespace gopmill {

// CPU time of this thread.
inline std::uint64_t cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

// CPU time spent in the decoder alone: it calls back with frames, and what those cost is not its own.
class DecodeClock {
 public:
  void start() { since_ = cpu_ns(); }
  void pause() {
    const std::uint64_t spent = cpu_ns() - since_;
    total_ns_ += spent;
    if (repeating_) repeat_ns_ += spent;
  }
  // Whether the packets that follow are decoded by another segment too.
  void set_repeating(bool repeating) { repeating_ = repeating; }
  [[nodiscard]] std::uint64_t total_ms() const { return total_ns_ / 1'000'000; }
  [[nodiscard]] std::uint64_t repeat_ms() const { return repeat_ns_ / 1'000'000; }

 private:
  std::uint64_t since_ = 0;
  std::uint64_t total_ns_ = 0;
  std::uint64_t repeat_ns_ = 0;
  bool repeating_ = false;
};

}  // namespace gopmill
