#include "coordinator/transfer_rights.h"

#include <string>
#include <utility>

namespace gopmill {

namespace {

bool is_of_worker(const wire::Artifact& artifact) {
  return artifact.kind == wire::ArtifactKind::kTaskInput || artifact.kind == wire::ArtifactKind::kTaskOutput;
}

Result<> may_upload(const Scheduler& scheduler, const Jobs& jobs, const wire::Store& store, Instant now) {
  const JobId job = store.artifact.job;
  const JobWork* work = jobs.find(job);
  const auto status = scheduler.job(job, now);
  if (work == nullptr || !status || status->state != wire::JobState::kUploading)
    return fail(FaultKind::kMachine, "job " + std::to_string(job.value) + " waits for no upload");
  if (store.facts != work->source().upload())
    return fail(FaultKind::kInput, "the source is not the file that was submitted: it has changed");
  return {};
}

}  // namespace

Transfers::Rights transfer_rights(const Scheduler& scheduler, const Jobs& jobs, const Spool& spool, const Instant& now,
                                  std::function<bool()> blocked) {
  Transfers::Rights rights;
  rights.known = [&scheduler](const Peer& peer, const wire::Artifact& artifact) {
    return !is_of_worker(artifact) || scheduler.knows_peer(peer.id());
  };
  rights.may_fetch = [&scheduler, &spool](const Peer& peer, const wire::Artifact& artifact) {
    if (artifact.kind == wire::ArtifactKind::kTaskInput) return scheduler.may_fetch(peer.id(), {artifact.job, artifact.index});
    return artifact.kind == wire::ArtifactKind::kResult && spool.has(artifact);
  };
  rights.may_store = [&scheduler, &jobs, &now](const Peer& peer, const wire::Store& store) -> Result<> {
    const wire::Artifact& artifact = store.artifact;
    if (artifact.kind == wire::ArtifactKind::kSource) return may_upload(scheduler, jobs, store, now);
    if (artifact.kind == wire::ArtifactKind::kTaskOutput &&
        scheduler.may_store(peer.id(), {artifact.job, artifact.index}, artifact.attempt))
      return {};
    return fail(FaultKind::kMachine, describe(artifact) + " is not wanted, or no longer");
  };
  rights.facts_of_input = [&scheduler](TaskId task) { return scheduler.input_of(task); };
  rights.blocked = std::move(blocked);
  return rights;
}

}  // namespace gopmill
