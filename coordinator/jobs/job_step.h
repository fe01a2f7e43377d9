#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "coordinator/jobs/job_record.h"
#include "coordinator/scheduler/scheduler.h"

namespace gopmill {

// One step of one job while it runs, with its media children. Destruction kills them. Belongs to one event loop.
class JobStep {
 public:
  JobStep() = default;
  JobStep(const JobStep&) = delete;
  JobStep& operator=(const JobStep&) = delete;
  virtual ~JobStep() = default;

  // Adds what is readable when poll() has something to do.
  virtual void watch(std::vector<int>& fds) const = 0;
  // Goes on as far as it can without waiting, and tells the scheduler through `out`. True: the step is over, and `out` says how.
  // A fault is that of the step, which is over too.
  virtual Result<bool> poll(Instant now, std::vector<Event>& out) = 0;
  // More inputs may be written, or the rates are known.
  virtual void resume() {}
};

// The steps begin here; each has a file of its own. The record outlives them.
// source → facts, plan, task shapes
Result<std::unique_ptr<JobStep>> start_analysis(JobRecord& record, Instant now);
// source → inputs of `tasks`, in that order, as far as record.inputs_allowed and record.rates allow
Result<std::unique_ptr<JobStep>> start_split(JobRecord& record, const std::vector<std::uint32_t>& tasks, Instant now);
// committed outputs → renditions
Result<std::unique_ptr<JobStep>> start_stitch(JobRecord& record, Instant now);
// the plan → the files that go with the renditions
Result<std::unique_ptr<JobStep>> start_packaging(JobRecord& record, Instant now);
// every file → record.verified, the report, record.files
Result<std::unique_ptr<JobStep>> start_verification(JobRecord& record, Instant now);

}  // namespace gopmill
