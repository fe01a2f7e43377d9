#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/log.h"
#include "base/time.h"
#include "coordinator/jobs/jobs.h"
#include "coordinator/scheduler/scheduler.h"
#include "coordinator/spool/transfers.h"
#include "media/task/task.h"
#include "proto/messages.h"

namespace gopmill {

// Checks what workers say they finished, remembers who holds each attempt since when, and hands committed results to the job. The
// scheduler has leases of its own, to decide with; those here carry what a commit takes to the report. Owned by the
// coordinator's loop; what the constructor names outlives it.
class Attempts {
 public:
  Attempts(const Scheduler& scheduler, Jobs& jobs, Transfers& transfers, Log& log)
      : scheduler_(scheduler), jobs_(jobs), transfers_(transfers), log_(log) {}

  // ---- what workers say, as events ----

  // A finished task is one only if its outputs are here as announced and its result can be read. To be asked just before the
  // scheduler handles it (Loop::decide): what was heard before decides what this worker holds.
  Event checked(events::TaskFinished finished);
  // To be asked when it is heard (Loop::hear). Where the source is blamed, it is read once more before the scheduler is told.
  std::vector<Event> failed(events::TaskFailed failed, Instant now);

  // ---- facts, once they are recorded ----
  void note(const facts::AttemptLost& fact);
  void note(const facts::TaskAdopted& fact, Instant now);
  void note(const facts::TaskCommitted& fact);
  void note(const facts::TaskReopened& fact);

  // ---- as the scheduler's actions ask ----
  void begin(const wire::Assign& assign, Instant now);
  void commit(const actions::CommitOutputs& action, Instant now);
  void discard(const actions::DiscardOutputs& action);
  void report_difference(const actions::ReportDifference& action);
  void forget_job(JobId job);

 private:
  struct Lease {
    std::string worker;  // its name
    Instant since;
    TaskResult result;
    std::vector<wire::ArtifactFacts> outputs;
  };

  [[nodiscard]] Result<> is_as_announced(const events::TaskFinished& finished);
  [[nodiscard]] std::string worker_name(WorkerId id) const;

  const Scheduler& scheduler_;
  Jobs& jobs_;
  Transfers& transfers_;
  Log& log_;
  std::map<std::pair<TaskId, Attempt>, Lease> leases_;
};

}  // namespace gopmill
