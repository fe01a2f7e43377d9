#include "coordinator/jobs/attempts.h"

#include <cstdint>

#include "base/archive.h"

namespace gopmill {

// ---- What workers say ----

Result<> Attempts::is_as_announced(const events::TaskFinished& finished) {
  const wire::TaskDone& done = finished.done;
  // Nonsense is the worker's fault, never the source's.
  if (const auto result = decode<TaskResult>(done.result, "the task's result"); !result)
    return fail(FaultKind::kMachine, result.error().text);
  // A result that was settled long ago is repeated after its outputs were dropped: the scheduler knows it is stale.
  if (!scheduler_.may_store(finished.peer, done.task, done.attempt)) return {};
  for (std::uint32_t part = 0; part < done.outputs.size(); ++part) {
    const wire::Artifact output{wire::ArtifactKind::kTaskOutput, done.task.job, done.task.index, done.attempt, part};
    if (transfers_.stored(output) != done.outputs[part])
      return fail(FaultKind::kMachine, describe(output) + " did not arrive as it was announced");
  }
  return {};
}

Event Attempts::checked(events::TaskFinished finished) {
  const auto good = is_as_announced(finished);
  if (good) return finished;
  const wire::TaskDone& done = finished.done;
  return events::TaskFailed{finished.peer, {done.worker, done.task, done.attempt, good.error()}};
}

std::vector<Event> Attempts::failed(events::TaskFailed failed, Instant now) {
  const wire::TaskFailed& said = failed.failed;
  log_.warn(attempt_text(said.task, said.attempt) + " failed: " + said.fault.text);
  JobWork* work = jobs_.find(said.task.job);
  const bool blames_source = said.fault.kind == FaultKind::kInput && scheduler_.may_store(failed.peer, said.task, said.attempt);
  if (!blames_source || work == nullptr) return {std::move(failed)};
  return work->doubt_source(std::move(failed), now);
}

// ---- Facts, on disk by now ----

void Attempts::note(const facts::AttemptLost& fact) {
  log_.warn(describe(fact));
  if (JobWork* work = jobs_.find(fact.task.job)) work->count_lost_attempt();
}

// The worker kept it over a restart, so when it began is not known any more.
void Attempts::note(const facts::TaskAdopted& fact, Instant now) {
  leases_[{fact.task, fact.attempt}] = {worker_name(fact.worker), now, {}, {}};
}

void Attempts::note(const facts::TaskCommitted& fact) {
  const auto lease = leases_.find({fact.task, fact.attempt});
  auto result = decode<TaskResult>(fact.result, "a result that was found good");
  if (lease == leases_.end() || !result) return;
  lease->second.result = std::move(*result);
  lease->second.outputs = fact.outputs;
}

void Attempts::note(const facts::TaskReopened& fact) {
  log_.error(describe(fact));
  if (JobWork* work = jobs_.find(fact.task.job)) work->reopen(fact.task.index);
}

// ---- Actions ----

void Attempts::begin(const wire::Assign& assign, Instant now) {
  const auto [lease, fresh] = leases_.try_emplace({assign.task, assign.attempt});
  if (fresh) lease->second = {worker_name(assign.worker), now, {}, {}};
}

void Attempts::commit(const actions::CommitOutputs& action, Instant now) {
  const auto lease = leases_.find({action.task, action.attempt});
  JobWork* work = jobs_.find(action.task.job);
  if (work == nullptr || lease == leases_.end()) return;
  work->commit(action.task.index, {action.attempt, std::move(lease->second.result), std::move(lease->second.outputs),
                                   lease->second.worker, (now - lease->second.since).count()});
  leases_.erase(lease);
}

void Attempts::discard(const actions::DiscardOutputs& action) {
  transfers_.discard_outputs(action.task.job, action.task.index, action.attempt);
  leases_.erase({action.task, action.attempt});
}

void Attempts::report_difference(const actions::ReportDifference& action) {
  const std::string text = "task " + std::to_string(action.task.index) + " came out differently as attempt " +
                           std::to_string(action.other) + " by " + worker_name(action.worker) + " and as attempt " +
                           std::to_string(action.committed) + ", which is kept: one of the two machines computes wrongly";
  log_.error("job " + std::to_string(action.task.job.value) + ": " + text);
  if (JobWork* work = jobs_.find(action.task.job)) work->add_note(text);
}

void Attempts::forget_job(JobId job) {
  std::erase_if(leases_, [&](const auto& entry) { return entry.first.first.job == job; });
}

std::string Attempts::worker_name(WorkerId id) const { return scheduler_.worker_name(id).value_or("a worker that left"); }

}  // namespace gopmill
