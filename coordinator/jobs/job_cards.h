#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/jobs/job_work.h"
#include "coordinator/scheduler/scheduler.h"
#include "proto/messages.h"

namespace gopmill {

// What people may still ask of a job when its work is gone: names, notes, files. Small, and kept for as many jobs as are
// ever listed.
class JobCards {
 public:
  // What the submission alone tells.
  void add(JobId job, const wire::Submission& submission, std::int64_t submitted_unix_ms);
  // What the work has found out by now.
  void update(JobId job, Finished so_far) { cards_[job].finished = std::move(so_far); }
  // Fills the fields of `status` that the scheduler does not know. `frames_done`: as Scheduler::frames_done.
  void fill(wire::JobStatus& status, std::uint64_t frames_done) const;
  void forget(JobId job) { cards_.erase(job); }
  [[nodiscard]] bool has(JobId job) const { return cards_.contains(job); }
  // Forgets the oldest beyond the limit, but for those in `keep`.
  void trim(const std::map<JobId, std::unique_ptr<JobWork>>& keep);

 private:
  struct Card {
    std::string source_name, profile_name, output_base, output_folder;
    std::int64_t submitted_unix_ms = 0;
    Finished finished;
  };
  std::map<JobId, Card> cards_;
};

}  // namespace gopmill
