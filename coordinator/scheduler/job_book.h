#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "coordinator/scheduler/scheduler.h"

// What the scheduler knows of jobs and their tasks. A Job keeps its own indexes true through its transitions; what a
// transition means for workers, facts and actions is decided in Scheduler::Turn. Pure, private to the scheduler.

namespace gopmill {

// How often something was lost, by budget; one counter for all of them would let a lost machine use up the patience
// meant for a crashing input.
struct Losses {
  std::uint32_t machine = 0, poison = 0, handed_back = 0, worker_lost = 0, storage = 0;
  // Counts one more; true when its budget is used up.
  bool charge(LossKind kind);
  // Of the kind just charged: the wait before the next try, doubling, ±20 % by `seed`, so that tasks lost together do not
  // come back together.
  [[nodiscard]] Duration backoff(LossKind kind, std::uint64_t seed) const;
};

struct Lease {
  Attempt attempt = 0;
  WorkerId worker;
  Instant since;
  std::uint64_t done = 0;  // of shape.units
};

struct Task {
  enum class Stage : std::uint8_t { kUnready, kReady, kWaiting, kLeased, kCommitted };

  TaskShape shape;
  Stage stage = Stage::kUnready;
  Attempt attempt = 0;        // the newest ever given
  std::vector<Lease> leases;  // kLeased: one, or kLeasesMax where it is repeated
  Instant due;                // the end of its back-off: kWaiting, and kReady for workers it has failed on
  std::optional<wire::ArtifactFacts>
      input;              // in the spool: kReady, kWaiting, and kLeased but for attempts adopted after a restart
  Attempt committed = 0;  // kCommitted: by which attempt
  std::vector<wire::ArtifactFacts> outputs;  // kCommitted
  Losses losses;
  std::vector<WorkerId> failed_on;  // at most the budgets together

  [[nodiscard]] const Lease* lease_of(Attempt of) const;
  [[nodiscard]] Lease* lease_of(Attempt of) { return const_cast<Lease*>(std::as_const(*this).lease_of(of)); }
};

// Time spent on committed work: what an eta is made of, and what tells a slow worker from a fast one.
struct WorkPace {
  std::uint64_t cost = 0;
  Duration spent{0};
  void count(std::uint64_t more_cost, Duration more_spent) {
    cost += more_cost;
    spent += more_spent;
  }
  // For that much cost, at this pace; none before anything was counted.
  [[nodiscard]] std::optional<double> expected_ms(std::uint64_t of_cost) const {
    if (cost == 0) return std::nullopt;
    return static_cast<double>(of_cost) * static_cast<double>(spent.count()) / static_cast<double>(cost);
  }
};

class Job {
 public:
  Job(const facts::JobAccepted& accepted, Instant now);

  // ---- Constant ----
  const JobId id;
  const std::uint32_t priority;
  const std::uint32_t slots_max;
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
  std::string step_fault;  // why the step waits until then
  Losses step_losses;
  std::uint32_t tasks_total = 0, tasks_done = 0, tasks_leased = 0, leases = 0, attempts_lost = 0;
  std::uint64_t cost_total = 0, cost_done = 0;
  std::uint64_t frames_committed = 0;
  std::uint32_t inputs_end = 0;  // the splitter may write inputs of tasks below this
  std::map<TaskKind, WorkPace> pace;

  // ---- Transitions ----
  void enter(wire::JobState next, Instant now);
  void plan(std::vector<TaskShape> shapes, std::vector<wire::Abilities> needs);
  // The splitter starts with what is missing, which it returns: it owes every one of them.
  std::vector<std::uint32_t> start_split();
  // The splitter has ended; what it still owes, if anything. There may be more to split by now.
  std::optional<std::uint32_t> end_split();
  void receive_input(std::uint32_t index, wire::ArtifactFacts facts);
  // Of a ready task, or of a leased one that is to be repeated.
  Attempt lease(std::uint32_t index, WorkerId worker, Instant now);
  // Ends every lease of the task.
  void commit(std::uint32_t index, Attempt attempt, std::vector<wire::ArtifactFacts> outputs, Instant now);
  // Charges the loss; true when its budget is used up. If this was its only lease, the task is ready again at once, or after
  // its back-off, or unready where its input is not in the spool.
  bool lose(std::uint32_t index, Attempt attempt, LossKind kind, Instant now);
  // The input is not to be used: the task is unready, whatever it was. Not leased, not committed. True: budget used up.
  bool lose_input(std::uint32_t index);
  // Takes a commit back. True: budget used up.
  bool reopen(std::uint32_t index);
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
  [[nodiscard]] const std::set<std::uint32_t>& leased() const { return leased_; }
  // What a worker must be able to do; nothing where the plan says nothing.
  [[nodiscard]] const wire::Abilities& needs_of(const Task& task) const;
  // It may have another task leased.
  [[nodiscard]] bool below_cap() const { return slots_max == 0 || leases < slots_max; }

  // ---- Rebuilding from facts, which were checked when they were made ----
  void recall_lease(std::uint32_t index, Attempt attempt, WorkerId worker);
  void recall_adoption(std::uint32_t index, Attempt attempt, WorkerId worker);
  void recall_loss(std::uint32_t index, Attempt attempt, LossKind kind);
  void recall_commit(std::uint32_t index, Attempt attempt, std::vector<wire::ArtifactFacts> outputs);
  void recall_reopening(std::uint32_t index);

 private:
  void add_lease(std::uint32_t index, Lease lease);
  void drop_lease(std::uint32_t index, Attempt attempt);
  void count_commit(std::uint32_t index, Attempt attempt, std::vector<wire::ArtifactFacts> outputs);
  void discount_commit(std::uint32_t index);
  // What a task without a lease becomes.
  void make_ready(std::uint32_t index);

  std::vector<Task> tasks_;
  std::vector<wire::Abilities> needs_;  // TaskShape::needs counts in it
  std::set<ReadyKey> ready_;
  std::set<std::pair<Instant, std::uint32_t>> waiting_;
  std::set<std::uint32_t> leased_;
  std::set<std::uint32_t> owed_;   // by the splitter that runs
  std::uint32_t inputs_open_ = 0;  // allowed and not committed
};

// Every job that has not been forgotten, in three orders.
class JobBook {
 public:
  // The order in which jobs are served: each as if it had been submitted kPriorityPoint earlier for every point it has. It does
  // not change while time goes on.
  struct Order {
    Instant place;
    JobId id;
    friend auto operator<=>(const Order&, const Order&) = default;
  };
  [[nodiscard]] static Order order_of(const Job& job);

  Job& add(const facts::JobAccepted& accepted, Instant now);
  [[nodiscard]] Job* find(JobId id);
  [[nodiscard]] const Job* find(JobId id) const;
  // Unless it is final.
  [[nodiscard]] Job* find_live(JobId id);

  // State changes go through the book, which keeps its indexes by them.
  void enter(Job& job, wire::JobState state, Instant now);
  void end(Job& job, wire::JobState state, std::optional<Fault> why, Instant now);
  // The files of a done job are gone; the job itself stays among the ended ones.
  void release_files(Job& job, bool delivered);
  // No upload has been silent until now.
  void forgive_uploads(Instant now);
  // Forgets the oldest ended jobs beyond kEndedKept.
  void trim();

  [[nodiscard]] std::size_t open() const { return jobs_.size() - ended_.size(); }  // counts towards kJobsMax
  [[nodiscard]] Job* next_queued();
  [[nodiscard]] std::vector<Job*> active();  // in order
  [[nodiscard]] std::size_t active_count() const { return active_.size(); }
  [[nodiscard]] std::size_t steps_running(StepKind step) const;
  [[nodiscard]] const std::map<JobId, Job>& all() const { return jobs_; }
  [[nodiscard]] JobId last_id() const { return last_id_; }

  // Why the spool takes nothing more at the moment; it holds up every job alike.
  std::optional<Fault> spool_blocked;

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
