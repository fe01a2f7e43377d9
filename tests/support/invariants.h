#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/scheduler/scheduler.h"

// What must be true of every scheduler at every moment, whatever the network, the workers and the disk do. Written from
// the promises alone: it shares no code with the scheduler and believes none of its books, only what left it.

namespace gopmill::test {

// The farm as the facts tell it.
class FactBook {
 public:
  struct TaskFacts {
    std::uint32_t machine = 0, poison = 0, worker_lost = 0, storage = 0;
    wire::Abilities needs;
    Attempt newest = 0;
    std::map<Attempt, WorkerId> leases;
    std::optional<Attempt> committed;

    [[nodiscard]] bool leased_to(Attempt attempt, WorkerId worker) const {
      const auto lease = leases.find(attempt);
      return lease != leases.end() && lease->second == worker;
    }
  };
  struct JobFacts {
    wire::JobState state{};
    std::vector<TaskFacts> tasks;
    bool planned = false, forgotten = false;
    bool out_of_patience = false;  // a budget is used up: the job must end in the same step
  };

  // An empty text, or what is wrong with this fact coming now.
  std::string apply(const Fact& fact);
  [[nodiscard]] const JobFacts* job(JobId id) const;
  [[nodiscard]] const TaskFacts* task(TaskId id) const;
  [[nodiscard]] const std::map<JobId, JobFacts>& jobs() const { return jobs_; }

 private:
  struct Check;
  std::map<JobId, JobFacts> jobs_;
};

class Invariants {
 public:
  // Before the scheduler is told.
  void happened(const Event& event);
  // A step left the scheduler; `slots` is what its workers had in all at that moment.
  void decided(const Step& step, std::uint64_t slots);
  // The disk has it.
  void recorded(const Fact& fact);
  // The shell carries it out now.
  void carried_out(const Action& action);
  // What was decided and not recorded never happened.
  void coordinator_died();
  // The scheduler's own listing, held against the limits and the facts.
  void listed(const Scheduler& scheduler, Instant now);

  // The first thing that went wrong, or empty.
  [[nodiscard]] const std::string& broken() const { return broken_; }
  [[nodiscard]] const FactBook& durable() const { return recorded_; }

 private:
  void complain(const std::string& what);
  void check_window(const actions::AllowInputs& action, std::uint64_t slots);

  [[nodiscard]] bool able(WorkerId worker, TaskId task) const;

  std::map<std::string, wire::Abilities> said_;    // by peer, at its first hello
  std::map<WorkerId, wire::Abilities> abilities_;  // of whom was welcomed
  FactBook decided_;
  FactBook recorded_;
  std::map<JobId, std::uint32_t> inputs_end_;
  // After a restart, leases of workers that may still come back.
  std::map<std::pair<TaskId, Attempt>, WorkerId> orphans_;
  std::optional<Instant> orphans_till_;
  std::string broken_;
};

}  // namespace gopmill::test
