#include "coordinator/service/service.h"

#include <utility>

#include "coordinator/spool/finished.h"
#include "profiles/profile.h"
#include "proto/job_state.h"

namespace gopmill {

namespace {

constexpr std::uint64_t kSourceBytesMax = 1ULL << 42;  // 4 TiB: more than a day of 8K ProRes

Fault no_answer_of_store(const Fault& why) { return {FaultKind::kUnavailable, why.text + ": ask again later"}; }

}  // namespace

Service::Service(Store& store, Spool& spool, const Scheduler& scheduler, Jobs& jobs, Rules rules,
                 std::function<void(Event)> happened, Log& log)
    : store_(store),
      spool_(spool),
      scheduler_(scheduler),
      jobs_(jobs),
      rules_(std::move(rules)),
      happened_(std::move(happened)),
      log_(log),
      backups_(store, rules_.backups, log) {}

// ---- Submissions ----

Result<> Service::check(const wire::Submission& submission) const {
  if (Source::of(submission).needs_trust() && !rules_.trust_local_paths)
    return fail(FaultKind::kUsage, "this coordinator opens no paths that others name");
  if (submission.source_bytes > kSourceBytesMax) return fail(FaultKind::kInput, "the source is larger than 4 TiB");
  TRY(load_profile(submission.profile_yaml, submission.profile_name, {}));
  return {};
}

Result<> Service::has_room_for(const Source& source) const {
  if (!source.upload()) return {};
  if (auto room = spool_.has_room_for(source.spool_bytes()); !room)
    return fail(FaultKind::kUnavailable, room.error().text + ": submit again in a minute or two, when jobs have finished");
  const std::uint64_t held = source.spool_bytes() + jobs_.source_bytes();
  if (rules_.source_bytes_max > 0 && held > rules_.source_bytes_max) {
    return fail(FaultKind::kUnavailable, "with this one the sources of unfinished jobs would take " + std::to_string(held) +
                                             " bytes, more than the coordinator's --spool-max of " +
                                             std::to_string(rules_.source_bytes_max) +
                                             ": submit again in a minute or two, when jobs have finished");
  }
  return {};
}

void Service::submit(wire::Submission submission, Instant now, Reply<Accepted> reply) {
  if (auto good = check(submission); !good) return reply(std::unexpected(good.error()));
  const std::int64_t submitted = unix_ms_now();
  auto added = store_.add(submission, submitted);
  if (!added) return reply(fail(FaultKind::kUnavailable, added.error().text + ": submit again later"));
  if (added->known) return submit_again(submission, added->job, now, std::move(reply));
  // Only now: one that is here already, and asked for again, takes no more room.
  const Source source = Source::of(submission);
  auto taken = has_room_for(source);
  if (taken) taken = spool_.make_job(added->job);
  if (!taken) {
    store_.forget(added->job);
    return reply(std::unexpected(taken.error()));
  }
  submitters_.emplace(added->job, std::move(reply));
  const std::uint32_t priority = submission.priority, slots_max = submission.slots_max;
  jobs_.add(added->job, std::move(submission), submitted);
  happened_(events::JobAdded{added->job, priority, source.upload().has_value(), slots_max});
}

// The same key with another source or profile is a mistake.
void Service::submit_again(const wire::Submission& submission, JobId job, Instant now, Reply<Accepted> reply) {
  const auto before = store_.submission(job);
  if (!before) return reply(std::unexpected(no_answer_of_store(before.error())));
  if (!*before) return reply(fail(FaultKind::kInternal, "the store has the key and not the job"));
  const wire::Submission& then = (*before)->submission;
  const bool over = then.profile_yaml.empty();  // of such a job the store keeps less
  if (Source::of(then) != Source::of(submission) || (!over && then.profile_yaml != submission.profile_yaml)) {
    return reply(fail(FaultKind::kUsage, "the key \"" + submission.key + "\" is that of job " + std::to_string(job.value) +
                                             ", which has another source or profile: use another key"));
  }
  const auto known = scheduler_.job(job, now);
  const auto ending = known ? Result<std::optional<facts::JobEnded>>() : store_.ending(job);
  if (!ending) return reply(std::unexpected(no_answer_of_store(ending.error())));
  if (!known && !*ending) {  // the first answer could not be given yet: both are, by accept()
    submitters_.emplace(job, std::move(reply));
    return;
  }
  const Accepted accepted{job, known && known->state == wire::JobState::kUploading};
  answer_once_settled([reply = std::move(reply), accepted](Instant) { reply(accepted); });
}

void Service::accept(const actions::AcceptJob& action, Instant now) {
  const auto state = scheduler_.job(action.job, now);
  const bool upload_wanted = state && state->state == wire::JobState::kUploading;
  const auto [first, last] = submitters_.equal_range(action.job);
  for (auto it = first; it != last; ++it) it->second(Accepted{action.job, upload_wanted});
  submitters_.erase(action.job);
  if (const JobWork* work = jobs_.find(action.job)) {
    log_.info("job " + std::to_string(action.job.value) + " accepted: " + work->submission().source_name + " for " +
              work->submission().profile_name);
  }
}

void Service::refuse(const actions::RefuseJob& action) {
  const auto [first, last] = submitters_.equal_range(action.job);
  for (auto it = first; it != last; ++it) it->second(std::unexpected(action.fault));
  submitters_.erase(action.job);
  store_.forget(action.job);
  jobs_.drop(action.job);
}

// ---- Jobs and workers ----

void Service::cancel(JobId job, Instant now, Reply<> reply) {
  const auto found = status(job, now);
  if (!found) return reply(std::unexpected(found.error()));
  if (is_final(found->state)) {
    return reply(fail(FaultKind::kUsage, "job " + std::to_string(job.value) + " is " +
                                             std::string(wire::job_state_word(found->state)) + " already"));
  }
  happened_(events::CancelRequested{job});
  answer_once_settled([reply = std::move(reply)](Instant) { reply({}); });
}

void Service::delivered(JobId job, Reply<> reply) {
  happened_(events::Delivered{job});
  answer_once_settled([reply = std::move(reply)](Instant) { reply({}); });
}

void Service::drain(WorkerId worker, Reply<> reply) {
  if (!scheduler_.knows_worker(worker)) {
    return reply(
        fail(FaultKind::kNoInput, "there is no worker " + std::to_string(worker.value) + ": gopmill workers lists them"));
  }
  happened_(events::DrainRequested{worker});
  answer_once_settled([reply = std::move(reply)](Instant) { reply({}); });
}

// ---- Views ----

void Service::job(JobId job, Reply<wire::JobStatus> reply) {
  answer_once_settled([this, job, reply = std::move(reply)](Instant now) { reply(status(job, now)); });
}

// Lists are read before this turn's events are decided, when every earlier fact is on disk.
void Service::jobs(Instant now, Reply<std::vector<wire::JobStatus>> reply) {
  std::vector<wire::JobStatus> jobs = scheduler_.jobs(now);
  for (wire::JobStatus& job : jobs) jobs_.cards().fill(job, scheduler_.frames_done(job.job));
  answer_once_settled([reply = std::move(reply), jobs = std::move(jobs)](Instant) { reply(jobs); });
}

void Service::workers(Instant now, Reply<std::vector<wire::WorkerStatus>> reply) {
  answer_once_settled([reply = std::move(reply), workers = scheduler_.workers(now)](Instant) { reply(workers); });
}

Result<wire::JobStatus> Service::status(JobId job, Instant now) {
  auto found = scheduler_.job(job, now);
  if (!found) {
    const auto ending = store_.ending(job);
    if (!ending) return std::unexpected(no_answer_of_store(ending.error()));
    if (!*ending) return fail(FaultKind::kNoInput, "there is no job " + std::to_string(job.value));
    found.emplace();
    found->job = job;
    found->state = (*ending)->state;
    found->fault = (*ending)->fault;
    found->delivered = true;
  }
  jobs_.update_card(job);
  const std::uint64_t frames_done = scheduler_.frames_done(job);
  if (jobs_.cards().has(job)) {
    jobs_.cards().fill(*found, frames_done);
  } else {
    recalled_card(job).fill(*found, frames_done);
  }
  return std::move(*found);
}

// Of a job whose card is kept no longer, since many have come after it: its files may still be.
JobCards Service::recalled_card(JobId job) {
  JobCards card;
  if (const auto recorded = store_.submission(job); recorded && *recorded)
    card.add(job, (*recorded)->submission, (*recorded)->submitted_unix_ms);
  if (auto finished = recall_finished(spool_, job)) card.update(job, std::move(*finished));
  return card;
}

void Service::settled(Instant now) {
  for (const auto& answer : std::exchange(answers_, {})) answer(now);
}

}  // namespace gopmill
