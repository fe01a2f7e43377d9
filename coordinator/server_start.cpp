#include "base/archive.h"
#include "coordinator/server_turn.h"

// How a coordinator that ended is brought back from what it recorded and what its spool holds.

namespace gopmill {

// While it may still be read: until every task is committed.
Result<> Server::source_is_there(JobId job, const Source& source) const {
  const auto found = scheduler_.job(job, now_);
  const bool needed = found && found->state >= wire::JobState::kQueued && found->state <= wire::JobState::kRunning;
  if (!needed || source.is_in(spool_, job)) return {};
  return fail(FaultKind::kNoInput, "its source is not in the spool any more: submit it again");
}

// A spool that is another's or an older one: of a restored backup, of a disk that was lost.
void Server::lose_bytes(JobId job, Fault fault) {
  happened(events::JobBytesLost{job, std::move(fault).within("it cannot go on after a restart")});
}

// A full house takes seconds to plan again: one job a turn, and people and workers are answered in between.
void Server::replan_one() {
  const auto [job, waiting] = *unplanned_.begin();
  unplanned_.erase(unplanned_.begin());
  if (auto planned = works_.at(job)->replan(); !planned) return lose_bytes(job, std::move(planned.error()));
  if (waiting) act(*waiting);
}

// Brings back what a coordinator that ended left behind: jobs go on where their recorded facts say.
Result<> Server::recover(const std::vector<Fact>& facts) {
  std::map<JobId, std::map<std::uint32_t, CommittedTask>> committed;
  std::set<JobId> planned;
  std::set<JobId> living, done;
  for (const Fact& fact : facts) {
    if (const auto* accepted = std::get_if<facts::JobAccepted>(&fact)) living.insert(accepted->job);
    if (const auto* plan = std::get_if<facts::JobPlanned>(&fact)) planned.insert(plan->job);
    if (const auto* ended = std::get_if<facts::JobEnded>(&fact)) {
      if (ended->state == wire::JobState::kDone)
        done.insert(ended->job);
      else
        living.erase(ended->job);
    }
    if (const auto* forgotten = std::get_if<facts::JobForgotten>(&fact)) {
      living.erase(forgotten->job);
      done.erase(forgotten->job);
    }
    if (const auto* task = std::get_if<facts::TaskCommitted>(&fact)) {
      committed[task->task.job][task->task.index] = {task->attempt, TRY(decode<TaskResult>(task->result, "a recorded result")),
                                                     task->outputs, "", 0};
    }
    if (const auto* reopened = std::get_if<facts::TaskReopened>(&fact)) committed[reopened->task.job].erase(reopened->task.index);
  }
  for (const Fact& fact : facts) {
    const auto* accepted = std::get_if<facts::JobAccepted>(&fact);
    if (accepted == nullptr || living.contains(accepted->job)) continue;
    if (const auto over = TRY(store_.submission(accepted->job)))
      cards_.add(accepted->job, over->submit, over->submitted_unix_ms);  // it is listed by its name
  }
  spool_.sweep({living.begin(), living.end()});
  for (const JobId job : living) {
    const auto submission = TRY(store_.submission(job));
    if (!submission) return fail(FaultKind::kConfig, "the store has lost the submission of job " + std::to_string(job.value));
    TRY(spool_.make_job(job));
    auto job_work = std::make_unique<JobWork>(job, submission->submit, submission->submitted_unix_ms, spool_);
    job_work->set_build(build_);
    cards_.add(job, submission->submit, submission->submitted_unix_ms);
    if (done.contains(job)) {
      const auto kept = spool_.load_finished(job);
      auto finished = kept ? decode_finished(*kept) : Result<Finished>(std::unexpected(kept.error()));
      if (finished) cards_.update(job, std::move(*finished));
      if (!finished)
        log_.error("job " + std::to_string(job.value) + " is done, but its files cannot be found: " + finished.error().text);
      continue;
    }
    job_work->recall(std::move(committed[job]));
    const Source& source = works_.emplace(job, std::move(job_work)).first->second->source();
    // Only what is whole, checked and synced has this name.
    if (const auto upload = source.upload(); upload && source.is_in(spool_, job))
      transfers_.recall(source_artifact(job), *upload);
    if (auto there = source_is_there(job, source); !there) {
      lose_bytes(job, std::move(there.error()));
    } else if (planned.contains(job)) {
      unplanned_.try_emplace(job);
    }
  }
  return {};
}

}  // namespace gopmill
