#include "coordinator/jobs/jobs.h"

#include <utility>

namespace gopmill {

Event lost_over_restart(JobId job, Fault fault) {
  return events::JobBytesLost{job, std::move(fault).within("it cannot go on after a restart")};
}

JobWork& Jobs::add(JobId job, wire::Submission submission, std::int64_t submitted_unix_ms) {
  cards_.add(job, submission, submitted_unix_ms);
  auto work = std::make_unique<JobWork>(job, std::move(submission), submitted_unix_ms, spool_, build_);
  return *works_.insert_or_assign(job, std::move(work)).first->second;
}

void Jobs::drop(JobId job) {
  works_.erase(job);
  cards_.forget(job);
  spool_.remove_job(job);
}

JobWork* Jobs::find(JobId job) {
  const auto found = works_.find(job);
  return found == works_.end() ? nullptr : found->second.get();
}

const JobWork* Jobs::find(JobId job) const {
  const auto found = works_.find(job);
  return found == works_.end() ? nullptr : found->second.get();
}

std::vector<Event> Jobs::start(const actions::StartStep& action, Instant now) {
  JobWork* work = find(action.job);
  if (work == nullptr) return {};
  if (const auto unplanned = unplanned_.find(action.job); unplanned != unplanned_.end()) {
    unplanned->second = action;
    return {};
  }
  return work->start(action, now);
}

void Jobs::stop(const actions::StopStep& action) {
  if (const auto unplanned = unplanned_.find(action.job); unplanned != unplanned_.end()) unplanned->second.reset();
  if (JobWork* work = find(action.job)) work->stop(action.step);
}

void Jobs::allow_inputs(const actions::AllowInputs& action) {
  if (JobWork* work = find(action.job)) work->allow_inputs(action.end);
}

void Jobs::clean(const actions::CleanJob& action) {
  update_card(action.job);
  works_.erase(action.job);
  unplanned_.erase(action.job);
  action.keep_files ? spool_.keep_only_results(action.job) : spool_.remove_job(action.job);
  cards_.trim(works_);
}

std::vector<int> Jobs::event_fds() const {
  std::vector<int> fds;
  for (const auto& [job, work] : works_) {
    for (const int fd : work->event_fds()) fds.push_back(fd);
  }
  return fds;
}

std::vector<Event> Jobs::poll(Instant now) {
  std::vector<Event> events;
  for (const auto& [job, work] : works_) {
    for (Event& event : work->poll(now)) events.push_back(std::move(event));
  }
  return events;
}

std::vector<Event> Jobs::plan_one_again(Instant now) {
  const auto [job, waiting] = *unplanned_.begin();
  unplanned_.erase(unplanned_.begin());
  if (auto planned = works_.at(job)->replan(); !planned) return {lost_over_restart(job, std::move(planned.error()))};
  return waiting ? start(*waiting, now) : std::vector<Event>();
}

void Jobs::update_card(JobId job) {
  if (const JobWork* work = find(job)) cards_.update(job, work->finished());
}

std::uint64_t Jobs::source_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [job, work] : works_) bytes += work->source().spool_bytes();
  return bytes;
}

}  // namespace gopmill
