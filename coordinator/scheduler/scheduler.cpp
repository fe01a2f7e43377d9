#include "coordinator/scheduler/scheduler.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "coordinator/scheduler/job_book.h"
#include "coordinator/scheduler/scheduler_turn.h"
#include "coordinator/scheduler/worker_book.h"

namespace gopmill {

Scheduler::Scheduler(Config config)
    : config_(std::move(config)),
      jobs_(std::make_unique<JobBook>()),
      workers_(std::make_unique<WorkerBook>(config_.first_worker)) {}

Scheduler::Scheduler(Scheduler&&) noexcept = default;
Scheduler& Scheduler::operator=(Scheduler&&) noexcept = default;
Scheduler::~Scheduler() = default;

Step Scheduler::handle(const Event& event, Instant now) {
  Step step{{}, std::exchange(owed_actions_, {})};
  Turn turn(config_, *jobs_, *workers_, now, step);
  std::visit([&](const auto& happened) { turn.apply(happened); }, event);
  turn.advance();
  return step;
}

// ---- Rebuilding from facts ----

namespace {

// Applies recorded facts to an empty book. They were true when they were recorded, so a misfit is a broken store and
// ends the process rather than schedule from a wrong book; facts of jobs the store has pruned are passed over.
class Recall {
 public:
  Recall(JobBook& jobs, Instant now) : jobs_(jobs), now_(now) {}

  void apply(const facts::JobAccepted& fact) { jobs_.add(fact, now_); }
  void apply(const facts::JobEntered& fact) {
    if (Job* job = jobs_.find_live(fact.job)) jobs_.enter(*job, fact.state, now_);
  }
  void apply(const facts::JobPlanned& fact) {
    if (Job* job = jobs_.find_live(fact.job)) job->plan(fact.tasks, fact.needs);
  }
  void apply(const facts::TaskLeased& fact) {
    if (Job* job = jobs_.find_live(fact.task.job)) job->recall_lease(fact.task.index, fact.attempt, fact.worker);
  }
  void apply(const facts::TaskAdopted& fact) {
    if (Job* job = jobs_.find_live(fact.task.job)) job->recall_adoption(fact.task.index, fact.attempt, fact.worker);
  }
  void apply(const facts::TaskCommitted& fact) {
    if (Job* job = jobs_.find_live(fact.task.job)) job->recall_commit(fact.task.index, fact.attempt, fact.outputs);
  }
  void apply(const facts::TaskReopened& fact) {
    if (Job* job = jobs_.find_live(fact.task.job)) job->recall_reopening(fact.task.index);
  }
  void apply(const facts::AttemptLost& fact) {
    if (Job* job = jobs_.find_live(fact.task.job)) job->recall_loss(fact.task.index, fact.attempt, fact.kind);
  }
  void apply(const facts::StepLost& fact) {
    if (Job* job = jobs_.find_live(fact.job)) job->step_losses.charge(fact.kind);
  }
  void apply(const facts::JobEnded& fact) {
    if (Job* job = jobs_.find_live(fact.job)) jobs_.end(*job, fact.state, fact.fault, now_);
  }
  void apply(const facts::JobForgotten& fact) {
    Job* job = jobs_.find(fact.job);
    if (job != nullptr && job->files_kept) jobs_.release_files(*job, fact.delivered);
  }

 private:
  JobBook& jobs_;
  const Instant now_;
};

}  // namespace

Scheduler Scheduler::restore(Config config, std::span<const Fact> facts, Instant now) {
  Scheduler scheduler(std::move(config));
  JobBook& book = *scheduler.jobs_;
  Recall recall(book, now);
  for (const Fact& fact : facts) {
    std::visit([&](const auto& recorded) { recall.apply(recorded); }, fact);
  }
  book.trim();

  for (const auto& [id, known] : book.all()) {
    if (is_final(known.state)) scheduler.owed_actions_.emplace_back(actions::CleanJob{id, known.files_kept});
    for (std::uint32_t index = 0; index < known.tasks().size(); ++index) {
      const Task& task = known.tasks()[index];
      const TaskId name{id, index};
      for (Attempt attempt = 1; attempt <= task.attempt; ++attempt) {
        if (task.lease_of(attempt) != nullptr) {
          scheduler.workers_->remember_orphan(name, attempt);
        } else if (attempt != task.committed) {
          scheduler.owed_actions_.emplace_back(actions::DiscardOutputs{name, attempt});
        }
      }
      if (task.stage == Task::Stage::kCommitted) {
        scheduler.owed_actions_.emplace_back(actions::CommitOutputs{name, task.committed});
        scheduler.owed_actions_.emplace_back(actions::DropInput{name});
      }
    }
  }
  scheduler.workers_->adopt_until(now + kAdoptionMax);
  return scheduler;
}

}  // namespace gopmill
