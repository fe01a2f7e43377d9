#include "coordinator/recovery.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/archive.h"
#include "coordinator/spool/finished.h"
#include "coordinator/spool/source_files.h"
#include "proto/job_state.h"

namespace gopmill {

namespace {

// What the facts say of the jobs that are not forgotten.
struct Recorded {
  std::set<JobId> living;   // of the spool and the store nothing may be missing
  std::set<JobId> done;     // of those: only their files are kept
  std::set<JobId> planned;  // of those: have a plan
  std::map<JobId, std::map<std::uint32_t, CommittedTask>> committed;
};

Result<Recorded> read(const std::vector<Fact>& facts) {
  Recorded recorded;
  for (const Fact& fact : facts) {
    if (const auto* accepted = std::get_if<facts::JobAccepted>(&fact)) recorded.living.insert(accepted->job);
    if (const auto* plan = std::get_if<facts::JobPlanned>(&fact)) recorded.planned.insert(plan->job);
    if (const auto* ended = std::get_if<facts::JobEnded>(&fact)) {
      if (ended->state == wire::JobState::kDone)
        recorded.done.insert(ended->job);
      else
        recorded.living.erase(ended->job);
    }
    if (const auto* forgotten = std::get_if<facts::JobForgotten>(&fact)) {
      recorded.living.erase(forgotten->job);
      recorded.done.erase(forgotten->job);
    }
    if (const auto* task = std::get_if<facts::TaskCommitted>(&fact)) {
      recorded.committed[task->task.job][task->task.index] = {
          task->attempt, TRY(decode<TaskResult>(task->result, "a recorded result")), task->outputs, "", 0};
    }
    if (const auto* reopened = std::get_if<facts::TaskReopened>(&fact))
      recorded.committed[reopened->task.job].erase(reopened->task.index);
  }
  return recorded;
}

// While it may still be read: until every task is committed.
Result<> source_is_there(const Memory& memory, JobId job, const Source& source, Instant now) {
  const auto found = memory.scheduler.job(job, now);
  const bool needed =
      found && found->state != wire::JobState::kUploading && life_place(found->state) <= life_place(wire::JobState::kRunning);
  if (!needed || is_in(memory.spool, job, source)) return {};
  return fail(FaultKind::kNoInput, "its source is not in the spool any more: submit it again");
}

void recall_files(const Memory& memory, JobId job, Log& log) {
  auto finished = recall_finished(memory.spool, job);
  if (finished)
    memory.jobs.cards().update(job, std::move(*finished));
  else
    log.error("job " + std::to_string(job.value) + " is done, but its files cannot be found: " + finished.error().text);
}

}  // namespace

Result<std::vector<Event>> recover(const std::vector<Fact>& facts, const Memory& memory, Instant now, Log& log) {
  Recorded recorded = TRY(read(facts));
  for (const Fact& fact : facts) {
    const auto* accepted = std::get_if<facts::JobAccepted>(&fact);
    if (accepted == nullptr || recorded.living.contains(accepted->job)) continue;
    if (const auto over = TRY(memory.store.submission(accepted->job)))
      memory.jobs.cards().add(accepted->job, over->submission, over->submitted_unix_ms);  // it is listed by its name
  }
  memory.spool.sweep({recorded.living.begin(), recorded.living.end()});
  std::vector<Event> events;
  for (const JobId job : recorded.living) {
    const auto accepted = TRY(memory.store.submission(job));
    if (!accepted) return fail(FaultKind::kConfig, "the store has lost the submission of job " + std::to_string(job.value));
    TRY(memory.spool.make_job(job));
    if (recorded.done.contains(job)) {
      memory.jobs.cards().add(job, accepted->submission, accepted->submitted_unix_ms);
      recall_files(memory, job, log);
      continue;
    }
    JobWork& work = memory.jobs.add(job, accepted->submission, accepted->submitted_unix_ms);
    work.recall(std::move(recorded.committed[job]));
    // Only what is whole, checked and synced has this name.
    if (const auto upload = work.source().upload(); upload && is_in(memory.spool, job, work.source()))
      memory.transfers.recall(source_artifact(job), *upload);
    if (auto there = source_is_there(memory, job, work.source(), now); !there) {
      events.push_back(lost_over_restart(job, std::move(there.error())));
    } else if (recorded.planned.contains(job)) {
      memory.jobs.plan_again_later(job);
    }
  }
  return events;
}

}  // namespace gopmill
