// Whether a process still works, told from outside.

#include "media/child/child_pulse.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>

namespace gopmill {
namespace {

// A process that does one thing until it is killed with its owner.
class Process {
 public:
  explicit Process(const std::function<void()>& life) : pid_(::fork()) {
    if (pid_ != 0) return;
    life();
    ::_exit(0);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  [[nodiscard]] pid_t pid() const { return pid_; }
  void stop() const {
    ::kill(pid_, SIGSTOP);
    ::waitpid(pid_, nullptr, WUNTRACED);
  }

 private:
  pid_t pid_;
};

void sleep_for_ever() {
  for (;;) ::pause();
}
void compute_for_ever() {
  volatile std::uint64_t sum = 0;
  for (;;) sum = sum + 1;
}

// Its time is ours to tell; what the kernel says is true at once.
std::optional<Fault> feel_for(ChildPulse& pulse, const Process& process, bool owed, Duration step, Duration total) {
  static Duration clock{0};
  for (Duration at{0}; at < total; at += step) {
    clock += step;
    if (auto fault = pulse.feel(process.pid(), owed, Instant{clock})) return fault;
  }
  return std::nullopt;
}

// A pause is entered some moment after the fork.
void wait_until_asleep(const Process& process) {
  for (int tries = 0; tries < 10'000; ++tries) {
    ChildPulse fresh(Duration{0});
    if (feel_for(fresh, process, false, kPulseEvery, kPulseEvery * (kStillMax + 3))) return;
  }
  ADD_FAILURE() << "it never falls asleep";
}

TEST(ChildPulse, AStoppedProcessIsTheMachinesFault) {
  const Process process(compute_for_ever);
  process.stop();
  ChildPulse pulse(Duration{0});
  const auto fault = feel_for(pulse, process, false, kPulseEvery, Duration{10'000});
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, FaultKind::kMachine);
  EXPECT_EQ(fault->text, "the media child has done nothing for 3000 ms: it is stopped");
}

TEST(ChildPulse, OneThatSleepsHangsUnlessItIsOwedSomething) {
  const Process process(sleep_for_ever);
  wait_until_asleep(process);
  ChildPulse waiting(Duration{0});
  EXPECT_FALSE(feel_for(waiting, process, true, kPulseEvery, Duration{60'000}));
  ChildPulse hanging(Duration{0});
  const auto fault = feel_for(hanging, process, false, kPulseEvery, Duration{10'000});
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, FaultKind::kPoison);
}

TEST(ChildPulse, WhoeverWasAwayHimselfDoesNotJudge) {
  const Process process(sleep_for_ever);
  wait_until_asleep(process);
  ChildPulse pulse(Duration{0});
  EXPECT_FALSE(feel_for(pulse, process, false, kPulseGapMax + Duration{1}, Duration{60'000}));
}

TEST(ChildPulse, OneThatComputesLivesUntilItHasComputedTooLongInSilence) {
  const Process process(compute_for_ever);
  ChildPulse pulse(Duration{0});
  EXPECT_FALSE(feel_for(pulse, process, false, kPulseEvery, Duration{60'000}));
  ChildPulse strict(Duration{100});
  std::optional<Fault> fault;
  for (int tries = 0; tries < 100'000 && !fault; ++tries) fault = feel_for(strict, process, false, kPulseEvery, kPulseEvery);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, FaultKind::kPoison);
}

TEST(ChildPulse, AProcessThatIsGoneIsNotItsBusiness) {
  ChildPulse pulse(Duration{0});
  EXPECT_FALSE(pulse.feel(-5, false, Instant{Duration{1}}));
}

}  // namespace
}  // namespace gopmill
