#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "coordinator/jobs/job_record.h"
#include "coordinator/jobs/job_step.h"
#include "coordinator/scheduler/scheduler.h"
#include "media/child/child.h"

namespace gopmill {

// The work of one job on the coordinator's own machine: its record, and the steps that run (coordinator/jobs/job_step.h). It
// decides nothing about when; the scheduler's actions call it, and what it has to tell the scheduler it returns as events. Owned
// by Jobs.
class JobWork {
 public:
  // `build`: of this process, for the report.
  JobWork(JobId job, wire::Submission submission, std::int64_t submitted_unix_ms, Spool& spool, std::string build);
  JobWork(const JobWork&) = delete;
  JobWork& operator=(const JobWork&) = delete;

  // ---- as the scheduler's actions ask ----
  std::vector<Event> start(const actions::StartStep& action, Instant now);
  void stop(StepKind step) { steps_.erase(step); }
  void allow_inputs(std::uint32_t end);
  void commit(std::uint32_t task, CommittedTask committed);
  // A commit is taken back.
  void reopen(std::uint32_t task) { record_.committed.erase(task); }

  // ---- for the loop ----
  [[nodiscard]] std::vector<int> event_fds() const;
  std::vector<Event> poll(Instant now);
  // An event that is true only if the spool still holds the source as it was submitted: that the source is damaged, or that the
  // job is done. It is held back until the source has been read once more; where it has changed, that is told instead. What
  // there is to tell at once.
  std::vector<Event> doubt_source(Event event, Instant now);

  // ---- for queries and transfers ----
  [[nodiscard]] const wire::Submission& submission() const { return record_.submission; }
  [[nodiscard]] const Source& source() const { return record_.from; }
  // As far as it has come.
  [[nodiscard]] Finished finished() const { return record_.finished(); }
  // After a restart: what was committed is known again at once; the plan, which takes a moment, when replan() makes it from
  // what the spool kept. Not to be started before.
  void recall(std::map<std::uint32_t, CommittedTask> committed) { record_.committed = std::move(committed); }
  Result<> replan() { return record_.recall_plan(); }
  void count_lost_attempt() { ++record_.attempts_lost; }
  void add_note(std::string note) { record_.notes.push_back(std::move(note)); }

 private:
  Result<std::unique_ptr<JobStep>> begin(const actions::StartStep& action, Instant now);
  void poll_step(StepKind step, Instant now, std::vector<Event>& out);
  void poll_hasher(Instant now, std::vector<Event>& out);
  void tell(Event event, Instant now, std::vector<Event>& out);

  JobRecord record_;
  std::map<StepKind, std::unique_ptr<JobStep>> steps_;  // those that run
  std::optional<MediaChild> hasher_;                    // of the source
  std::vector<Event> doubted_;                          // waits for it
};

}  // namespace gopmill
