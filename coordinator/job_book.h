#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "coordinator/scheduler.h"

// What the scheduler knows of jobs and their tasks. A Job keeps its own indexes true through its transitions; what a
// transition means for workers, facts and actions is decided in Scheduler::Turn. Pure, private to the scheduler.

namespace gopmill {

// How often something was lost, by budget; one counter for all of them would let a lost machine use up the patience
// meant for a crashing input.
struct Losses {
  std::uint32_t machine = 0, poison = 0, handed_back = 0, worker_lost = 0;
  // Counts one more; true when its budget is used up.
  bool charge(LossKind kind);
  // Of the kind just charged: the wait before the next try, doubling, ±20 % by `seed`, so that tasks lost together do not
  // come back together.
  [[nodiscard]] Duration backoff(LossKind kind, std::uint64_t seed) const;
};

struct Task {
  enum class Stage : std::uint8_t { kUnready, kReady, kWaiting, kLeased, kCommitted };

  TaskShape shape;
  Stage stage = Stage::kUnready;
  Attempt attempt = 0;                       // the newest ever given
  WorkerId worker;                           // kLeased
  Instant since;                             // kLeased: its start; kWaiting: its end
  std::uint64_t done = 0;                    // kLeased: of shape.units
  std::optional<wire::ArtifactFacts> input;  // in the spool: kReady, kWaiting, kLeased
  Losses losses;
  std::vector<WorkerId> failed_on;  // at most the budgets together
};

// Time spent on committed work, per kind of task: what an eta is made of.
struct JobPace {
  std::uint64_t cost = 0;
  Duration spent{0};
};

class Job {
 public:
  Job(JobId id, std::uint32_t priority, bool upload_wanted, Instant now);

  // ---- Constant ----
  const JobId id;
  const std::uint32_t priority;
  const Instant added;

  // ---- Its life; written by the transitions below and read by everyone ----
  wire::JobState state;
  std::optional<Fault> fault;
  Instant ended;
  Instant upload_heard;
  bool files_kept = false;  // done and not delivered yet
  bool delivered = false;
  bool step_running = false;
  bool split_done = false;
  Instant step_due;
  Losses step_losses;
  std::uint32_t tasks_total = 0, tasks_done = 0, tasks_leased = 0, attempts_lost = 0;
  std::uint64_t cost_total = 0, cost_done = 0;
  std::uint64_t frames_committed = 0;
  std::uint32_t inputs_end = 0;  // the splitter may write inputs of tasks below this
  std::map<TaskKind, JobPace> pace;

  // ---- Transitions ----
  void enter(wire::JobState next, Instant now);
  void plan(std::vector<TaskShape> shapes);
  void receive_input(std::uint32_t index, wire::ArtifactFacts facts);
  Attempt lease(std::uint32_t index, WorkerId worker, Instant now);
  void commit(std::uint32_t index, Instant now);
  // Charges the loss; true when its budget is used up. The task is ready again at once, or after its back-off.
  bool lose(std::uint32_t index, LossKind kind, Instant now);
  void wake_due(Instant now);
  // Moves `inputs_end` on as far as `window` allows; true if it moved. The window may shrink when workers leave: what was
  // allowed stays allowed, and nothing more is until the job is back below it.
  bool allow_inputs(std::uint32_t window);
  // Final: tasks are forgotten, the counts stay.
  void end(wire::JobState final_state, std::optional<Fault> why, Instant now);

  // ---- Views ----
  [[nodiscard]] bool active() const;                          // from analysing to verifying
  [[nodiscard]] std::optional<StepKind> wanted_step() const;  // what its state asks to be running
  [[nodiscard]] std::vector<std::uint32_t> missing_inputs() const;
  [[nodiscard]] Task* task(std::uint32_t index) { return index < tasks_.size() ? &tasks_[index] : nullptr; }
  [[nodiscard]] const Task* task(std::uint32_t index) const { return index < tasks_.size() ? &tasks_[index] : nullptr; }
  [[nodiscard]] const std::vector<Task>& tasks() const { return tasks_; }
  // Ready tasks in the order they are to be leased: audio first, because one audio task lasts as long as many segments.
  using ReadyKey = std::pair<TaskKind, std::uint32_t>;
  [[nodiscard]] const std::set<ReadyKey>& ready() const { return ready_; }

  // ---- Rebuilding from facts, which were checked when they were made ----
  void recall_lease(std::uint32_t index, Attempt attempt, WorkerId worker);
  void recall_loss(std::uint32_t index, LossKind kind);
  void recall_commit(std::uint32_t index, Attempt attempt);

 private:
  void leave_lease(Task& task);
  void count_commit(Task& task);

  std::vector<Task> tasks_;
  std::set<ReadyKey> ready_;
  std::set<std::pair<Instant, std::uint32_t>> waiting_;
  std::uint32_t inputs_open_ = 0;  // allowed and not committed
};

// Every job that has not been forgotten, in three orders.
class JobBook {
 public:
  struct Order {  // the order in which jobs are served
    std::uint32_t priority;
    JobId id;
    friend auto operator<=>(const Order& a, const Order& b) {
      if (const auto by_priority = b.priority <=> a.priority; by_priority != 0) return by_priority;
      return a.id <=> b.id;
    }
    friend bool operator==(const Order&, const Order&) = default;
  };

  Job& add(JobId id, std::uint32_t priority, bool upload_wanted, Instant now);
  [[nodiscard]] Job* find(JobId id);
  [[nodiscard]] const Job* find(JobId id) const;
  // Unless it is final.
  [[nodiscard]] Job* find_live(JobId id);

  // State changes go through the book, which keeps its indexes by them.
  void enter(Job& job, wire::JobState state, Instant now);
  void end(Job& job, wire::JobState state, std::optional<Fault> why, Instant now);
  // The files of a done job are gone; the job itself stays among the ended ones.
  void release_files(Job& job, bool delivered);
  // Forgets the oldest ended jobs beyond kEndedKept.
  void trim();

  [[nodiscard]] std::size_t open() const { return jobs_.size() - ended_.size(); }  // counts towards kJobsMax
  [[nodiscard]] Job* next_queued();
  [[nodiscard]] std::vector<Job*> active();  // in order
  [[nodiscard]] std::size_t active_count() const { return active_.size(); }
  [[nodiscard]] std::size_t active_count(std::uint32_t priority_min) const;
  [[nodiscard]] std::size_t steps_running(StepKind step) const;
  [[nodiscard]] const std::map<JobId, Job>& all() const { return jobs_; }
  [[nodiscard]] JobId last_id() const { return last_id_; }

 private:
  void index(Job& job);
  void unindex(const Job& job);

  std::map<JobId, Job> jobs_;
  std::set<Order> queued_;
  std::set<Order> active_;
  std::set<std::pair<Instant, JobId>> ended_;  // ended and no files kept
  JobId last_id_;
};

}  // namespace gopmill
