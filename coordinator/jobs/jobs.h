#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "coordinator/jobs/job_cards.h"
#include "coordinator/jobs/job_work.h"
#include "coordinator/scheduler/scheduler.h"
#include "coordinator/spool/spool.h"
#include "proto/messages.h"

namespace gopmill {

// The work of every job that is not over, and the cards of those that people may still ask for. It decides nothing about when;
// the scheduler's actions call it, and what it has to tell the scheduler it returns as events. Owned by the coordinator's loop,
// which hands on what happens in it; the spool outlives it.
class Jobs {
 public:
  // `build`: of this process, for the reports.
  Jobs(Spool& spool, std::string build) : spool_(spool), build_(std::move(build)) {}

  // The spool has its folder already.
  JobWork& add(JobId job, wire::Submission submission, std::int64_t submitted_unix_ms);
  // Of one that was refused: nothing of it stays.
  void drop(JobId job);
  // nullptr where the job is over, or there never was one.
  [[nodiscard]] JobWork* find(JobId job);
  [[nodiscard]] const JobWork* find(JobId job) const;

  // ---- as the scheduler's actions ask ----
  std::vector<Event> start(const actions::StartStep& action, Instant now);
  void stop(const actions::StopStep& action);
  void allow_inputs(const actions::AllowInputs& action);
  void clean(const actions::CleanJob& action);

  // ---- for the loop ----
  [[nodiscard]] std::vector<int> event_fds() const;
  std::vector<Event> poll(Instant now);

  // ---- after a restart: a job that was planned is not started before its plan is made again ----
  void plan_again_later(JobId job) { unplanned_.try_emplace(job); }
  [[nodiscard]] bool plans_wait() const { return !unplanned_.empty(); }
  // All of them together can take seconds: one job a turn, and people and workers are answered in between.
  std::vector<Event> plan_one_again(Instant now);

  // ---- for people ----
  [[nodiscard]] JobCards& cards() { return cards_; }
  // What the job's work has found out by now.
  void update_card(JobId job);
  // Of the uploaded sources of all jobs here.
  [[nodiscard]] std::uint64_t source_bytes() const;

 private:
  Spool& spool_;
  const std::string build_;
  std::map<JobId, std::unique_ptr<JobWork>> works_;
  std::map<JobId, std::optional<actions::StartStep>> unplanned_;  // what is to be started once they are planned
  JobCards cards_;
};

// Told when the spool lacks, after a restart, what the job needs: it is another one, an older one, or its disk was lost.
Event lost_over_restart(JobId job, Fault fault);

}  // namespace gopmill
