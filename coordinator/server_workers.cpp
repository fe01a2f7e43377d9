#include "base/archive.h"
#include "coordinator/server_turn.h"

// What workers say, what is said to them, and what they may fetch and store.

namespace gopmill {

// ---- Workers ----

void Server::on(const Peer& peer, wire::TaskDone& message) {
  // What was heard before decides what this worker holds.
  decide();
  const auto result = decode<TaskResult>(message.result, "the task's result");
  Result<> good = result ? Result<>() : Result<>(std::unexpected(result.error()));
  // A result that was settled long ago is repeated after its outputs were dropped: the scheduler knows it is stale.
  const bool live = scheduler_.may_store(peer.id(), message.task, message.attempt);
  for (std::uint32_t part = 0; good && live && part < message.outputs.size(); ++part) {
    const wire::Artifact output{wire::ArtifactKind::kTaskOutput, message.task.job, message.task.index, message.attempt, part};
    if (transfers_.stored(output) != message.outputs[part]) {
      good = fail(FaultKind::kMachine, describe(output) + " did not arrive as it was announced");
    }
  }
  if (!good) {
    happened(events::TaskFailed{peer.id(), {message.worker, message.task, message.attempt, good.error()}});
    return;
  }
  happened(events::TaskFinished{peer.id(), std::move(message)});
}

void Server::on(const Peer& peer, wire::TaskFailed& message) {
  log_.warn("task " + std::to_string(message.task.job.value) + "/" + std::to_string(message.task.index) + " attempt " +
            std::to_string(message.attempt) + " failed: " + message.fault.text);
  JobWork* job_work = work(message.task.job);
  const bool blames_source =
      message.fault.kind == FaultKind::kInput && scheduler_.may_store(peer.id(), message.task, message.attempt);
  events::TaskFailed failed{peer.id(), std::move(message)};
  if (!blames_source || job_work == nullptr) return happened(std::move(failed));
  for (Event& event : job_work->doubt_source(std::move(failed), now_)) happened(std::move(event));
}

void Server::act(const actions::WelcomeWorker& action) {
  send(Peer(action.peer), wire::Welcome{action.worker, build_, data_endpoint(), kHeartbeatEvery, kWorkerSilenceMax});
  log_.info("worker " + std::to_string(action.worker.value) + " joined");
}

void Server::act(const actions::Assign& action) {
  const auto [lease, fresh] = leases_.try_emplace({action.assign.task, action.assign.attempt});
  if (fresh) lease->second = {worker_name(action.assign.worker), now_, {}, {}};
  send(Peer(action.peer), action.assign);
}

std::string Server::worker_name(WorkerId id) const {
  for (const wire::WorkerStatus& worker : scheduler_.workers(now_)) {
    if (worker.worker == id) return worker.name;
  }
  return "a worker that left";
}

void Server::act(const actions::ReportDifference& action) {
  const std::string text = "task " + std::to_string(action.task.index) + " came out differently as attempt " +
                           std::to_string(action.other) + " by " + worker_name(action.worker) + " and as attempt " +
                           std::to_string(action.committed) + ", which is kept: one of the two machines computes wrongly";
  log_.error("job " + std::to_string(action.task.job.value) + ": " + text);
  if (JobWork* job_work = work(action.task.job)) job_work->add_note(text);
}

void Server::act(const actions::CommitOutputs& action) {
  const auto lease = leases_.find({action.task, action.attempt});
  JobWork* job_work = work(action.task.job);
  if (!job_work || lease == leases_.end()) return;
  job_work->commit(action.task.index, {action.attempt, std::move(lease->second.result), std::move(lease->second.outputs),
                                       lease->second.worker, (now_ - lease->second.since).count()});
  leases_.erase(lease);
}

void Server::act(const actions::DiscardOutputs& action) {
  transfers_.discard_outputs(action.task.job, action.task.index, action.attempt);
  leases_.erase({action.task, action.attempt});
}

bool Server::may_fetch(const Peer& peer, const wire::Artifact& artifact) const {
  if (artifact.kind == wire::ArtifactKind::kTaskInput) return scheduler_.may_fetch(peer.id(), {artifact.job, artifact.index});
  return artifact.kind == wire::ArtifactKind::kResult && spool_.has(artifact);
}

Result<> Server::may_store(const Peer& peer, const wire::Store& store) const {
  const wire::Artifact& artifact = store.artifact;
  if (artifact.kind == wire::ArtifactKind::kSource) {
    const auto job_work = works_.find(artifact.job);
    const auto state = scheduler_.job(artifact.job, now_);
    if (job_work == works_.end() || !state || state->state != wire::JobState::kUploading) {
      return fail(FaultKind::kMachine, "job " + std::to_string(artifact.job.value) + " waits for no upload");
    }
    if (store.facts != job_work->second->source().upload()) {
      return fail(FaultKind::kInput, "the source is not the file that was submitted: it has changed");
    }
    return {};
  }
  if (artifact.kind == wire::ArtifactKind::kTaskOutput &&
      scheduler_.may_store(peer.id(), {artifact.job, artifact.index}, artifact.attempt))
    return {};
  return fail(FaultKind::kMachine, describe(artifact) + " is not wanted, or no longer");
}

// ---- Facts, on disk by now ----

void Server::note(const facts::AttemptLost& fact) {
  log_.warn(describe(fact));
  if (JobWork* job_work = work(fact.task.job)) job_work->count_lost_attempt();
}

// The worker kept it over a restart, so when it began is not known any more.
void Server::note(const facts::TaskAdopted& fact) {
  leases_[{fact.task, fact.attempt}] = {worker_name(fact.worker), now_, {}, {}};
}

void Server::note(const facts::TaskCommitted& fact) {
  const auto lease = leases_.find({fact.task, fact.attempt});
  auto result = decode<TaskResult>(fact.result, "a result that was found good");
  if (lease == leases_.end() || !result) return;
  lease->second.result = std::move(*result);
  lease->second.outputs = fact.outputs;
}

void Server::note(const facts::TaskReopened& fact) {
  log_.error(describe(fact));
  if (JobWork* job_work = work(fact.task.job)) job_work->reopen(fact.task.index);
}

}  // namespace gopmill
