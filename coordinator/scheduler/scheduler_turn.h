#pragma once

#include <set>
#include <string>
#include <utility>

#include "coordinator/scheduler/job_book.h"
#include "coordinator/scheduler/scheduler.h"
#include "coordinator/scheduler/worker_book.h"

namespace gopmill {

// One call of Scheduler::handle: an event is applied to the books, then everything that can go on goes on. Private to the
// scheduler; scheduler_jobs.cpp has what happens to jobs and steps, scheduler_workers.cpp workers, leases and time.
class Scheduler::Turn {
 public:
  Turn(const Config& config, JobBook& jobs, WorkerBook& workers, Instant now, Step& step)
      : config_(config), jobs_(jobs), workers_(workers), now_(now), step_(step) {}

  // ---- Events ----
  void apply(const events::JobAdded& event);
  void apply(const events::UploadProgressed& event);
  void apply(const events::UploadFinished& event);
  void apply(const events::UploadFailed& event);
  void apply(const events::StepDone& event);
  void apply(const events::StepFailed& event);
  void apply(const events::InputReady& event);
  void apply(const events::InputDamaged& event);
  void apply(const events::OutputsDamaged& event);
  void apply(const events::SpoolBlocked& event);
  void apply(const events::SpoolFreed& event);
  void apply(const events::JobBytesLost& event);
  void apply(const events::WorkerSaidHello& event);
  void apply(const events::WorkerHeard& event);
  void apply(const events::WorkerLeft& event);
  void apply(const events::WorkerDisconnected& event);
  void apply(const events::WorkerReconnected& event);
  void apply(const events::DrainRequested& event);
  void apply(const events::TaskFinished& event);
  void apply(const events::TaskFailed& event);
  void apply(const events::CancelRequested& event);
  void apply(const events::Delivered& event);
  void apply(const events::Tick& event);

  // What can go on, goes on: decided from the books alone, whatever the event was, so that no event can be the one that
  // forgot to start something.
  void advance();

 private:
  // ---- Jobs and steps ----
  void accept_plan(Job& job, const events::StepDone& event);
  void lose_step(Job& job, StepKind step, LossKind kind, const Fault& fault);
  void finish_tasks(Job& job);
  void fail_job(Job& job, Fault fault) { end_job(job, wire::JobState::kFailed, std::move(fault)); }
  void end_job(Job& job, wire::JobState state, std::optional<Fault> fault);
  void release_files(Job& job, bool delivered);
  void enter(Job& job, wire::JobState state);
  void skip_idle_splits();
  void start_due_steps();
  void start_queued_jobs();
  [[nodiscard]] std::size_t busy_before(const Job& job);
  void start_step(Job& job, StepKind step);
  void allow_inputs();
  void expire_jobs();

  // ---- Workers and leases ----
  Worker* heard_from(const std::string& peer, WorkerId claimed);
  // From before a restart; false where it is not wanted any more.
  bool adopt(Worker& worker, TaskId task, Attempt attempt);
  void lose_orphans();
  void lease_ready_tasks();
  void repeat_stragglers();
  // Whether this worker would be done with the task clearly before the one that holds its only lease.
  [[nodiscard]] bool lags(const Job& job, const Task& task, const Worker& fresh) const;
  void lease(Job& job, std::uint32_t index, Worker& worker);
  void send_assign(const Job& job, std::uint32_t index, Attempt attempt, const Worker& worker);
  void settle(const Worker& worker, TaskId task, Attempt attempt);
  // Takes the attempt off the worker's books; true when it was the task's lease until now.
  bool give_up_slot(Worker& worker, TaskId task, Attempt attempt);
  void commit(Job& job, const wire::TaskDone& done);
  // A result that comes after the end of its attempt: dropped, but for being compared with the one that was committed.
  void weigh_late_result(const Worker& worker, const wire::TaskDone& done);
  // Of a lease that nobody needs any more: its worker is to drop it.
  void call_off(TaskId task, const Lease& lease, std::set<WorkerId>& to_ask);
  void ask_to_drop(const std::set<WorkerId>& workers);
  void lose_attempt(TaskId task, Attempt attempt, LossKind kind, const Fault& fault);
  void lose_worker(WorkerId id, LossKind kind, const std::string& why);
  void drop_attempt(Worker& worker, TaskId task, Attempt attempt) { worker.held.at({task, attempt}).dropping = true; }
  void ask_to_drop(const Worker& worker);
  void expire_workers();
  void expire_leases();
  void miss_attempt(Worker& worker, const AttemptKey& key);
  [[nodiscard]] bool leased(TaskId task, Attempt attempt);

  template <class F>
  void record(F fact) {
    step_.facts.emplace_back(std::move(fact));
  }
  template <class A>
  void act(A action) {
    step_.actions.emplace_back(std::move(action));
  }

  [[nodiscard]] bool blocked() const { return jobs_.spool_blocked.has_value(); }

  const Config& config_;
  JobBook& jobs_;
  WorkerBook& workers_;
  const Instant now_;
  Step& step_;
};

// What a reported fault means for who is charged and whether to try again.
LossKind loss_kind(FaultKind kind);

}  // namespace gopmill
