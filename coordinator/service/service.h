#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/log.h"
#include "base/time.h"
#include "coordinator/jobs/jobs.h"
#include "coordinator/scheduler/scheduler.h"
#include "coordinator/service/backups.h"
#include "coordinator/service/reply.h"
#include "coordinator/spool/spool.h"
#include "coordinator/store/store.h"
#include "proto/messages.h"

namespace gopmill {

// What a submission became, recorded and synced.
struct Accepted {
  JobId job;
  bool upload_wanted = false;
};

// What people ask of the coordinator, whatever door they come through: typed requests in, typed answers out, no socket, no peer, no
// bytes (docs/decisions/38-requests.md). A refusal is a Fault, in words for whoever asked, and may be given before the call
// returns. An answer that promises something is given by settled() or accept(), after what it promises is on disk.
// One thread: the coordinator's loop, which owns it; what the constructor names outlives it.
class Service {
 public:
  struct Rules {
    std::uint64_t source_bytes_max = 0;  // as CoordinatorOptions
    bool trust_local_paths = false;
    std::filesystem::path backups;  // their folder
  };
  // `happened`: takes what is to be decided by the scheduler in this turn.
  Service(Store& store, Spool& spool, const Scheduler& scheduler, Jobs& jobs, Rules rules, std::function<void(Event)> happened,
          Log& log);

  // ---- requests ----

  // The same key is the same job, be it over by now. kConfig: its profile; kInput: its source; kUsage: the key is another
  // job's, or it names a path that is not trusted; kUnavailable: there is no room now, or too many jobs.
  void submit(wire::Submission submission, Instant now, Reply<Accepted> reply);
  // kNoInput: there is no such job; kUsage: it is over; kUnavailable: the store does not answer.
  void cancel(JobId job, Instant now, Reply<> reply);
  // The submitter says that it has every file: they may be removed. An unknown job is no error.
  void delivered(JobId job, Reply<> reply);
  // kNoInput: there is no such job; kUnavailable: the store does not answer. The state at the end of the turn, so that what was asked before is in it.
  void job(JobId job, Reply<wire::JobStatus> reply);
  // Newest first, at most wire::kJobsListed.
  void jobs(Instant now, Reply<std::vector<wire::JobStatus>> reply);
  void workers(Instant now, Reply<std::vector<wire::WorkerStatus>> reply);
  // Finishes what it holds and leaves. kNoInput: there is no such worker.
  void drain(WorkerId worker, Reply<> reply);
  // As Backups::make.
  void back_up(const std::string& name, Instant now, Reply<BackupProgress> reply) { reply(backups_.make(name, now)); }

  // ---- for the loop ----

  void accept(const actions::AcceptJob& action, Instant now);
  void refuse(const actions::RefuseJob& action);
  // All facts of the turn are recorded: whoever waited for that is answered.
  void settled(Instant now);
  [[nodiscard]] Backups& backups() { return backups_; }

 private:
  [[nodiscard]] Result<> check(const wire::Submission& submission) const;
  [[nodiscard]] Result<> has_room_for(const Source& source) const;
  void submit_again(const wire::Submission& submission, JobId job, Instant now, Reply<Accepted> reply);
  [[nodiscard]] Result<wire::JobStatus> status(JobId job, Instant now);
  [[nodiscard]] JobCards recalled_card(JobId job);
  void answer_once_settled(std::function<void(Instant)> answer) { answers_.push_back(std::move(answer)); }

  Store& store_;
  Spool& spool_;
  const Scheduler& scheduler_;
  Jobs& jobs_;
  const Rules rules_;
  const std::function<void(Event)> happened_;
  Log& log_;
  Backups backups_;
  std::multimap<JobId, Reply<Accepted>> submitters_;   // whose job's acceptance is not recorded yet
  std::vector<std::function<void(Instant)>> answers_;  // of this turn
};

}  // namespace gopmill
