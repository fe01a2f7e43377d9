#include "coordinator/server_turn.h"
#include "profiles/profile.h"

// What submitters ask for and what becomes of jobs.

namespace gopmill {

namespace {

constexpr std::uint64_t kSourceBytesMax = 1ULL << 42;  // 4 TiB: more than a day of 8K ProRes

}  // namespace

// ---- Submitters ----

Result<> Server::check(const wire::Submit& submit) const {
  if (submit.protocol != wire::kProtocolVersion) {
    return fail(FaultKind::kConfig, "the coordinator speaks protocol " + std::to_string(wire::kProtocolVersion) + ", you speak " +
                                        std::to_string(submit.protocol) + ": use the same gopmill on both ends");
  }
  const Source source = Source::of(submit);
  if (source.needs_trust() && !options_.trust_local_paths)
    return fail(FaultKind::kUsage, "this coordinator opens no paths that others name");
  if (submit.source_bytes > kSourceBytesMax) return fail(FaultKind::kInput, "the source is larger than 4 TiB");
  TRY(load_profile(submit.profile_yaml, submit.profile_name, {}));
  if (source.upload()) {
    if (auto room = spool_.has_room_for(source.spool_bytes()); !room)
      return fail(FaultKind::kUnavailable, room.error().text + ": submit again in a minute or two, when jobs have finished");
    std::uint64_t held = source.spool_bytes();
    for (const auto& [job, job_work] : works_) held += job_work->source().spool_bytes();
    if (options_.source_bytes_max > 0 && held > options_.source_bytes_max) {
      return fail(FaultKind::kUnavailable, "with this one the sources of unfinished jobs would take " + std::to_string(held) +
                                               " bytes, more than the coordinator's --spool-max of " +
                                               std::to_string(options_.source_bytes_max) +
                                               ": submit again in a minute or two, when jobs have finished");
    }
  }
  return {};
}

void Server::on(const Peer& peer, wire::Submit& message) {
  if (auto good = check(message); !good) return refuse(peer, message.request, good.error());
  const std::int64_t submitted = unix_ms_now();
  auto added = store_.add(message, submitted);
  if (!added) return refuse(peer, message.request, {FaultKind::kUnavailable, added.error().text + ": submit again later"});
  if (added->known) return submit_again(peer, message, added->job);
  if (auto made = spool_.make_job(added->job); !made) {
    store_.forget(added->job);
    return refuse(peer, message.request, made.error());
  }
  asked_.emplace(added->job, Asked{peer, message.request});
  cards_.add(added->job, message, submitted);
  const std::uint32_t priority = message.priority, slots_max = message.slots_max;
  const bool upload_wanted = Source::of(message).upload().has_value();
  auto job_work = std::make_unique<JobWork>(added->job, std::move(message), submitted, spool_);
  job_work->set_build(build_);
  works_.emplace(added->job, std::move(job_work));
  happened(events::JobAdded{added->job, priority, upload_wanted, slots_max});
}

// The same key is the same job, be it over by now; with another source or profile it is a mistake.
void Server::submit_again(const Peer& peer, const wire::Submit& message, JobId job) {
  const auto before = store_.submission(job);
  if (!before || !*before) return refuse(peer, message.request, {FaultKind::kUnavailable, "the store fails: submit again later"});
  const wire::Submit& then = (*before)->submit;
  const bool over = then.profile_yaml.empty();  // of such a job the store keeps less
  if (Source::of(then) != Source::of(message) || (!over && then.profile_yaml != message.profile_yaml)) {
    return refuse(peer, message.request,
                  {FaultKind::kUsage, "the key \"" + message.key + "\" is that of job " + std::to_string(job.value) +
                                          ", which has another source or profile: use another key"});
  }
  const auto known = scheduler_.job(job, now_);
  const auto ending = known ? Result<std::optional<facts::JobEnded>>() : store_.ending(job);
  if (!known && ending && !*ending) {  // the first answer could not be given yet: both are, by AcceptJob
    asked_.emplace(job, Asked{peer, message.request});
    return;
  }
  const bool upload_wanted = known && known->state == wire::JobState::kUploading;
  answer_later(peer, wire::Submitted{message.request, job, data_endpoint(), upload_wanted});
}

void Server::act(const actions::AcceptJob& action) {
  const JobWork* job_work = work(action.job);
  const auto state = scheduler_.job(action.job, now_);
  const bool wanted = state && state->state == wire::JobState::kUploading;
  const auto [first, last] = asked_.equal_range(action.job);
  for (auto it = first; it != last; ++it)
    send(it->second.peer, wire::Submitted{it->second.request, action.job, data_endpoint(), wanted});
  asked_.erase(action.job);
  if (job_work)
    log_.info("job " + std::to_string(action.job.value) + " accepted: " + job_work->submit().source_name + " for " +
              job_work->submit().profile_name);
}

void Server::act(const actions::RefuseJob& action) {
  const auto [first, last] = asked_.equal_range(action.job);
  for (auto it = first; it != last; ++it) refuse(it->second.peer, it->second.request, action.fault);
  asked_.erase(action.job);
  store_.forget(action.job);
  works_.erase(action.job);
  spool_.remove_job(action.job);
}

void Server::on(const Peer& peer, wire::CancelJob& message) {
  const auto found = status(message.job);
  if (!found) return refuse(peer, message.request, {FaultKind::kNoInput, "there is no job " + std::to_string(message.job.value)});
  if (is_final(found->state)) {
    return refuse(peer, message.request,
                  {FaultKind::kUsage, "job " + std::to_string(message.job.value) + " is " +
                                          std::string(wire::job_state_word(found->state)) + " already"});
  }
  happened(events::CancelRequested{message.job});
  answer_later(peer, wire::Done{message.request});
}

void Server::on(const Peer& peer, wire::DrainWorker& message) {
  if (!scheduler_.knows_worker(message.worker)) {
    return refuse(
        peer, message.request,
        {FaultKind::kNoInput, "there is no worker " + std::to_string(message.worker.value) + ": gopmill workers lists them"});
  }
  happened(events::DrainRequested{message.worker});
  answer_later(peer, wire::Done{message.request});
}

void Server::on(const Peer& peer, wire::JobDelivered& message) {
  happened(events::Delivered{message.job});
  answer_later(peer, wire::Done{message.request});
}

void Server::on(const Peer& peer, wire::JobQuery& message) { questions_.emplace_back(peer, message); }

void Server::on(const Peer& peer, wire::JobsQuery& message) {
  // Views are read before this turn's events are decided, when every earlier fact is on disk.
  wire::JobsReply reply{message.request, scheduler_.jobs(now_)};
  for (wire::JobStatus& job : reply.jobs) cards_.fill(job, scheduler_.frames_done(job.job));
  answer_later(peer, std::move(reply));
}

void Server::on(const Peer& peer, wire::WorkersQuery& message) {
  answer_later(peer, wire::WorkersReply{message.request, scheduler_.workers(now_)});
}

std::optional<wire::JobStatus> Server::status(JobId job) {
  auto found = scheduler_.job(job, now_);
  if (!found) {
    const auto ending = store_.ending(job);
    if (!ending || !*ending) return std::nullopt;
    found.emplace();
    found->job = job;
    found->state = (*ending)->state;
    found->fault = (*ending)->fault;
    found->delivered = true;
  }
  if (!cards_.has(job)) {
    if (const auto submission = store_.submission(job); submission && *submission) {
      cards_.add(job, (*submission)->submit, (*submission)->submitted_unix_ms);
    }
  }
  if (const JobWork* job_work = work(job)) cards_.update(job, job_work->finished());
  cards_.fill(*found, scheduler_.frames_done(job));
  return found;
}

// ---- Backups ----

void Server::on(const Peer& peer, wire::MakeBackup& message) {
  if (last_backup_ && last_backup_->first == message.name) {
    if (!last_backup_->second) return refuse(peer, message.request, std::exchange(last_backup_, {})->second.error());
    return send(peer, wire::BackupReply{message.request, *last_backup_->second, true});
  }
  if (backup_ && backup_->name() != message.name)
    return refuse(peer, message.request, {FaultKind::kUnavailable, "backup " + backup_->name() + " is being made: ask again"});
  if (!backup_) {
    auto begun = Backup::begin(store_, options_.data / "backups", message.name);
    if (!begun) return refuse(peer, message.request, begun.error());
    backup_.emplace(std::move(*begun));
  }
  send(peer, wire::BackupReply{message.request, backup_->path().string(), false});
}

void Server::step_backup() {
  const auto made = backup_->step();
  if (made && !*made) return;
  if (made) {
    log_.info("backup " + backup_->path().string() + " made");
    last_backup_.emplace(backup_->name(), backup_->path().string());
  } else {
    log_.warn(made.error().text);
    last_backup_.emplace(backup_->name(), std::unexpected(made.error()));
  }
  backup_.reset();
}

// ---- Jobs ----

JobWork* Server::work(JobId job) {
  const auto found = works_.find(job);
  return found == works_.end() ? nullptr : found->second.get();
}

void Server::act(const actions::StartStep& action) {
  JobWork* job_work = work(action.job);
  if (!job_work) return;
  if (const auto unplanned = unplanned_.find(action.job); unplanned != unplanned_.end()) {
    unplanned->second = action;
    return;
  }
  for (Event& event : job_work->start(action, now_)) happened(std::move(event));
}

void Server::act(const actions::StopStep& action) {
  if (const auto unplanned = unplanned_.find(action.job); unplanned != unplanned_.end()) unplanned->second.reset();
  if (JobWork* job_work = work(action.job)) job_work->stop(action.step);
}

void Server::act(const actions::AllowInputs& action) {
  if (JobWork* job_work = work(action.job)) job_work->allow_inputs(action.end);
}

void Server::act(const actions::FinishJob& action) {
  std::string text = "job " + std::to_string(action.job.value) + " " + std::string(wire::job_state_word(action.state));
  if (action.fault) text += ": " + action.fault->text;
  action.fault ? log_.warn(text) : log_.info(text);
}

void Server::act(const actions::CleanJob& action) {
  if (const JobWork* job_work = work(action.job)) cards_.update(action.job, job_work->finished());
  works_.erase(action.job);
  unplanned_.erase(action.job);
  transfers_.forget_job(action.job);
  std::erase_if(leases_, [&](const auto& entry) { return entry.first.first.job == action.job; });
  action.keep_files ? spool_.keep_only_results(action.job) : spool_.remove_job(action.job);
  cards_.trim(works_);
}

}  // namespace gopmill
