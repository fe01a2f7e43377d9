#include <set>

#include "coordinator/scheduler/scheduler_turn.h"

// Which worker is given which task, and which is done twice.

namespace gopmill {

void Scheduler::Turn::lease_ready_tasks() {
  for (Job* job : jobs_.active()) {
    if (job->state != wire::JobState::kRunning) continue;
    job->wake_due(now_);
    std::set<std::uint32_t> unmet;  // by any free slot now
    for (auto next = job->ready().begin(); next != job->ready().end() && job->below_cap();) {
      const std::uint32_t index = next->second;
      ++next;  // lease() takes the task out of the set
      const Task& task = *job->task(index);
      if (unmet.contains(task.shape.needs)) continue;
      const wire::Abilities& needs = job->needs_of(task);
      if (Worker* worker = workers_.choose(needs, task.failed_on, task.due, now_)) {
        lease(*job, index, *worker);
      } else if (workers_.free_slots(now_) == 0) {
        return;
      } else if (!workers_.has_free_slot(needs, now_)) {
        unmet.insert(task.shape.needs);
      }
    }
  }
}

// At the end of a job the slowest worker decides when it is done. Slots that would be idle repeat what lags, the job that is
// served first before the others; the first result is committed, and both have the same bytes.
void Scheduler::Turn::repeat_stragglers() {
  for (Job* job : jobs_.active()) {
    if (job->state != wire::JobState::kRunning || !job->ready().empty()) continue;
    const std::set<std::uint32_t> leased = job->leased();
    for (const std::uint32_t index : leased) {
      if (workers_.free_slots(now_) == 0) return;
      if (!job->below_cap()) break;
      const Task& task = *job->task(index);
      if (task.leases.size() >= kLeasesMax || !task.input) continue;
      std::vector<WorkerId> others = task.failed_on;
      others.push_back(task.leases.front().worker);
      Worker* fresh = workers_.choose_fastest(job->needs_of(task), others, now_);
      if (fresh != nullptr && lags(*job, task, *fresh)) lease(*job, index, *fresh);
    }
  }
}

bool Scheduler::Turn::lags(const Job& job, const Task& task, const Worker& fresh) const {
  const Lease& lease = task.leases.front();
  const Duration elapsed = now_ - lease.since;
  if (elapsed < kRepeatAfter) return false;
  auto anew_ms = fresh.pace.expected_ms(task.shape.cost);
  if (const auto seen = job.pace.find(task.shape.kind); seen != job.pace.end() && !anew_ms) {
    anew_ms = seen->second.expected_ms(task.shape.cost);
  }
  if (!anew_ms) return false;
  // While it says nothing of its progress, it is believed to be half done.
  const bool told = lease.done > 0 && task.shape.units > 0;
  const double share = told ? static_cast<double>(lease.done) / static_cast<double>(task.shape.units) : 0.5;
  const double left_ms = static_cast<double>(elapsed.count()) * (1 - share) / share;
  return left_ms > kRepeatGain * *anew_ms;
}

void Scheduler::Turn::lease(Job& job, std::uint32_t index, Worker& worker) {
  const Attempt attempt = job.lease(index, worker.id, now_);
  worker.held[{{job.id, index}, attempt}].counted = now_;
  record(facts::TaskLeased{{job.id, index}, attempt, worker.id});
  send_assign(job, index, attempt, worker);
}

void Scheduler::Turn::send_assign(const Job& job, std::uint32_t index, Attempt attempt, const Worker& worker) {
  const Task& task = *job.task(index);
  act(actions::Assign{worker.peer, {worker.id, {job.id, index}, attempt, *task.input, task.shape.outputs, task.shape.time_max}});
}

}  // namespace gopmill
