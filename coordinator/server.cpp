// The coordinator's one loop. Everything that happens becomes an event for the scheduler; its facts are recorded, all of
// a turn in one commit; only then are its actions carried out and questions answered.
//
// Long because: it is the one place where sockets, store, spool, scheduler and children meet; each of them is a file of its own.

#include "coordinator/server.h"

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <tuple>
#include <utility>

#include "base/archive.h"
#include "base/footprint.h"
#include "coordinator/backup.h"
#include "coordinator/job_cards.h"
#include "coordinator/job_work.h"
#include "coordinator/scheduler.h"
#include "coordinator/spool.h"
#include "coordinator/store.h"
#include "coordinator/transfers.h"
#include "media/build.h"
#include "proto/channel.h"
#include "proto/codec.h"

namespace gopmill {

namespace {

constexpr int kMessagesPerTurn = 256;
// How soon to try again where a data socket was full: it cannot be waited for.
constexpr Duration kFullSocketPause{5};
// After the end of a connection: the socket learns a moment later than its monitor whose it was.
constexpr Duration kProbeEvery{100};
// While the database takes nothing; a full disk is looked at often enough.
constexpr Duration kRecordAgainEvery{1000};
constexpr std::uint64_t kSourceBytesMax = 1ULL << 42;  // 4 TiB: more than a day of 8K ProRes

std::int64_t unix_ms_now() {
  return std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count();
}

struct Parts {
  Store store;
  Spool spool;
  Listener control;
  Listener data;
  Scheduler scheduler;
};

class Server {
 public:
  Server(const CoordinatorOptions& options, Log& log, Parts parts)
      : options_(options),
        log_(log),
        build_(build_identity()),
        store_(std::move(parts.store)),
        spool_(std::move(parts.spool)),
        scheduler_(std::move(parts.scheduler)),
        control_(std::move(parts.control)),
        transfers_(std::move(parts.data), spool_,
                   {[this](const Peer& peer, const wire::Artifact& artifact) {
                      const bool of_worker =
                          artifact.kind == wire::ArtifactKind::kTaskInput || artifact.kind == wire::ArtifactKind::kTaskOutput;
                      return !of_worker || scheduler_.knows_peer(peer.id());
                    },
                    [this](const Peer& peer, const wire::Artifact& artifact) { return may_fetch(peer, artifact); },
                    [this](const Peer& peer, const wire::Store& store) { return may_store(peer, store); },
                    [this](const wire::Artifact& artifact) { return scheduler_.input_of({artifact.job, artifact.index}); },
                    [this] {
                      watch_spool();
                      return spool_fault_.has_value();
                    }}) {}

  Result<> recover(const std::vector<Fact>& facts);
  Result<> run(int stop_fd);

 private:
  struct Asked {  // a submission whose acceptance is not recorded yet
    Peer peer;
    std::uint64_t request = 0;
  };
  struct LeaseNote {
    std::string worker;
    Instant since;
    TaskResult result;
    std::vector<wire::ArtifactFacts> outputs;
  };

  void wait(int stop_fd);
  void receive_control();
  void receive_data();
  void poll_children();
  void probe_workers();
  void watch_spool();
  void decide();
  Result<> settle(int stop_fd);
  Result<bool> record_decided(int stop_fd);
  void refuse_while_paused(const Fault& why);
  void step_backup();

  void on(const Peer& peer, wire::Submit& message);
  void submit_again(const Peer& peer, const wire::Submit& message, JobId job);
  void on(const Peer& peer, wire::WorkerHello& message) { happened(events::WorkerSaidHello{peer.id(), std::move(message)}); }
  void on(const Peer& peer, wire::Heartbeat& message) { happened(events::WorkerHeard{peer.id(), std::move(message)}); }
  void on(const Peer& peer, wire::TaskDone& message);
  void on(const Peer& peer, wire::TaskFailed& message);
  void on(const Peer& peer, wire::Goodbye&) { happened(events::WorkerLeft{peer.id()}); }
  void on(const Peer& peer, wire::CancelJob& message);
  void on(const Peer& peer, wire::DrainWorker& message);
  void on(const Peer& peer, wire::JobDelivered& message);
  void on(const Peer& peer, wire::JobQuery& message);
  void on(const Peer& peer, wire::JobsQuery& message);
  void on(const Peer& peer, wire::WorkersQuery& message);
  void on(const Peer& peer, wire::MakeBackup& message);
  template <class Other>
  void on(const Peer& peer, Other&) {
    log_.warn("peer " + peer.printable() + " sent what only a coordinator sends");
  }

  void note(const facts::AttemptLost& fact);
  void note(const facts::TaskAdopted& fact);
  void note(const facts::TaskCommitted& fact);
  void note(const facts::TaskReopened& fact);
  template <class Other>
  void note(const Other&) {}

  void act(const actions::AcceptJob& action);
  void act(const actions::RefuseJob& action);
  void act(const actions::StartStep& action);
  void act(const actions::StopStep& action);
  void act(const actions::AllowInputs& action);
  void act(const actions::DropInput& action) {
    spool_.remove({wire::ArtifactKind::kTaskInput, action.task.job, action.task.index, 0, 0});
  }
  void act(const actions::CommitOutputs& action);
  void act(const actions::DiscardOutputs& action);
  void act(const actions::WelcomeWorker& action);
  void act(const actions::RefuseWorker& action) { send(Peer(action.peer), wire::Refused{0, action.fault}); }
  void act(const actions::ForgetWorker& action) { send(Peer(action.peer), wire::UnknownWorker{action.worker}); }
  void act(const actions::Assign& action);
  void act(const actions::SettleAttempt& action) { send(Peer(action.peer), action.settled); }
  void act(const actions::AckHeartbeat& action) { send(Peer(action.peer), action.ack); }
  void act(const actions::DrainWorker& action) { send(Peer(action.peer), wire::Drain{action.worker}); }
  void act(const actions::ReportDifference& action);
  void act(const actions::FinishJob& action);
  void act(const actions::CleanJob& action);

  void happened(Event event) { events_.push_back(std::move(event)); }
  void send(const Peer& peer, const wire::Control& message) { (void)control_.send(peer, wire::encode(message)); }
  void refuse(const Peer& peer, std::uint64_t request, Fault fault) { send(peer, wire::Refused{request, std::move(fault)}); }
  void answer_later(const Peer& peer, wire::Control message) { answers_.emplace_back(peer, std::move(message)); }
  [[nodiscard]] std::string data_endpoint() const { return announced_endpoint(transfers_.endpoint()); }
  [[nodiscard]] bool may_fetch(const Peer& peer, const wire::Artifact& artifact) const;
  [[nodiscard]] Result<> may_store(const Peer& peer, const wire::Store& store) const;
  [[nodiscard]] Result<> check(const wire::Submit& submit) const;
  [[nodiscard]] std::optional<wire::JobStatus> status(JobId job);
  void lose_bytes(JobId job, Fault fault);
  void replan_one();
  [[nodiscard]] Result<> source_is_there(JobId job, const wire::Submit& submit) const;
  JobWork* work(JobId job);
  [[nodiscard]] std::string worker_name(WorkerId id) const;

  const CoordinatorOptions& options_;
  Log& log_;
  const std::string build_;
  Store store_;
  Spool spool_;
  Scheduler scheduler_;
  Listener control_;
  Transfers transfers_;
  Poller poller_;
  Instant now_ = monotonic_now();
  Instant tick_due_{};
  bool data_waits_ = false;
  bool stopped_ = false;
  std::set<std::string> unreachable_;  // workers whose connection is gone, until they are lost or back
  Instant probe_due_{}, probe_end_{};  // after the end of a connection
  std::optional<Fault> spool_fault_;   // why nothing new is begun

  std::optional<Backup> backup_;                                            // after the store, which it reads
  std::optional<std::pair<std::string, Result<std::string>>> last_backup_;  // its name, and its path or what went wrong

  std::map<JobId, std::unique_ptr<JobWork>> works_;
  std::map<JobId, std::optional<actions::StartStep>> unplanned_;  // after a restart, and what is to be started once they are
  JobCards cards_;
  std::multimap<JobId, Asked> asked_;
  std::map<std::pair<TaskId, Attempt>, LeaseNote> leases_;
  // Of one turn: what happened, and what may be said once its facts are recorded.
  std::deque<Event> events_;
  std::vector<Fact> facts_;
  std::vector<Action> actions_;
  std::vector<std::pair<Peer, wire::Control>> answers_;
  std::vector<std::pair<Peer, wire::JobQuery>> questions_;
  std::vector<wire::Artifact> arrivals_;
};

// ---- The loop ----

Result<> Server::run(int stop_fd) {
  for (;;) {
    wait(stop_fd);
    if (poller_.readable(stop_fd)) return {};
    now_ = monotonic_now();
    receive_control();
    receive_data();
    poll_children();
    if (control_.lost_a_connection()) probe_end_ = now_ + kReconnectMax;
    if (now_ >= probe_due_ && (now_ < probe_end_ || !unreachable_.empty())) probe_workers();
    if (now_ >= tick_due_) {
      watch_spool();
      happened(events::Tick{});
      tick_due_ = now_ + kTickEvery;
    }
    if (auto settled = settle(stop_fd); !settled) return settled;
    if (stopped_) return {};
    if (backup_) step_backup();
    if (!unplanned_.empty()) replan_one();
    data_waits_ = transfers_.send();
  }
}

// Which of the workers are gone: to those nothing can be sent. What is sent to the others says nothing new.
void Server::probe_workers() {
  probe_due_ = now_ + kProbeEvery;
  std::set<std::string> gone;
  for (const std::string& peer : scheduler_.peers()) {
    const auto outcome = control_.send(Peer(peer), wire::encode(wire::Control(wire::HeartbeatAck{})));
    if (outcome == SendOutcome::kGone) gone.insert(peer);
  }
  for (const std::string& peer : gone) {
    if (!unreachable_.contains(peer)) happened(events::WorkerDisconnected{peer});
  }
  for (const std::string& peer : unreachable_) {
    if (!gone.contains(peer)) happened(events::WorkerReconnected{peer});
  }
  unreachable_ = std::move(gone);
}

void Server::watch_spool() {
  spool_.remove_left();
  const auto room = spool_.has_room();
  if (!room && !spool_fault_) {
    log_.error(room.error().text + ": nothing new is begun until there is room");
    spool_fault_ = room.error();
    happened(events::SpoolBlocked{room.error()});
  } else if (room && spool_fault_) {
    log_.info("there is room again: going on");
    spool_fault_.reset();
    happened(events::SpoolFreed{});
  }
  transfers_.hold_sources(spool_fault_.has_value());
}

void Server::wait(int stop_fd) {
  poller_.clear();
  poller_.watch(control_);
  poller_.watch(transfers_.listener());
  poller_.watch(stop_fd);
  for (const auto& [job, job_work] : works_) {
    for (const int fd : job_work->event_fds()) poller_.watch(fd);
  }
  const Duration until_tick = std::max(Duration(0), tick_due_ - monotonic_now());
  const bool waits = data_waits_ || backup_;
  const Duration at_most = waits ? kFullSocketPause : now_ < probe_end_ ? kProbeEvery : kTickEvery;
  poller_.wait(unplanned_.empty() ? std::min(until_tick, at_most) : Duration(0));
}

void Server::receive_control() {
  for (int i = 0; i < kMessagesPerTurn; ++i) {
    auto incoming = control_.receive();
    if (!incoming) return;
    auto message = wire::decode_control(incoming->bytes);
    if (!message) {
      log_.warn("peer " + incoming->peer.printable() + " sent nonsense: " + message.error().text);
      continue;
    }
    std::visit([&](auto& m) { on(incoming->peer, m); }, *message);
  }
}

void Server::receive_data() {
  const auto malformed = [this](const Peer& peer, const Fault& fault) {
    log_.warn("peer " + peer.printable() + " sent nonsense on the data socket: " + fault.text);
  };
  for (const Transfers::News& news : transfers_.receive(malformed)) {
    const auto artifact = std::visit([](const auto& n) { return n.artifact; }, news);
    const bool source = artifact.kind == wire::ArtifactKind::kSource;
    if (std::holds_alternative<Transfers::Arrived>(news)) {
      if (source) happened(events::UploadFinished{artifact.job});
      arrivals_.push_back(artifact);
    } else if (const auto* damaged = std::get_if<Transfers::Damaged>(&news)) {
      log_.error(damaged->fault.text);
      if (artifact.kind == wire::ArtifactKind::kTaskInput)
        happened(events::InputDamaged{{artifact.job, artifact.index}, damaged->fault});
    } else if (const auto* broken = std::get_if<Transfers::Broken>(&news)) {
      log_.warn(describe(artifact) + ": " + broken->fault.text);
      if (source) happened(events::UploadFailed{artifact.job, broken->fault});
    } else if (source) {
      happened(events::UploadProgressed{artifact.job});
    }
  }
}

void Server::poll_children() {
  for (const auto& [job, job_work] : works_) {
    for (Event& event : job_work->poll(now_)) {
      // Its reason may be the disk, which is to be known before.
      if (std::holds_alternative<events::StepFailed>(event)) watch_spool();
      happened(std::move(event));
    }
  }
}

void Server::decide() {
  while (!events_.empty()) {
    const Event event = std::move(events_.front());
    events_.pop_front();
    Step step = scheduler_.handle(event, now_);
    for (Fact& fact : step.facts) {
      log_.debug(describe(fact));
      facts_.push_back(std::move(fact));
    }
    for (Action& action : step.actions) actions_.push_back(std::move(action));
  }
}

// What is decided stays decided while the database takes nothing, and nothing is done about it. Whoever asks is told; what
// workers say is dropped, for they say it again. False: told to stop.
Result<bool> Server::record_decided(int stop_fd) {
  auto recorded = store_.record(facts_);
  if (recorded) return true;
  log_.error(recorded.error().text + ": pausing until it can be recorded");
  for (int tries = 0; !recorded; ++tries) {
    poller_.clear();
    poller_.watch(control_);
    poller_.watch(stop_fd);
    poller_.wait(kTickEvery);
    if (poller_.readable(stop_fd)) return false;
    refuse_while_paused(recorded.error());
    // SQLite's own state is sound after a failed transaction: it was rolled back.
    const Instant now = monotonic_now();
    if (now - now_ < kRecordAgainEvery) continue;
    now_ = now;
    recorded = store_.record(facts_);
  }
  log_.info("recorded: going on");
  // Heartbeats were not heard meanwhile. Nobody is silent before they had the time to speak again.
  now_ = monotonic_now();
  tick_due_ = now_ + kWorkerSilenceMax + kTickEvery;
  return true;
}

void Server::refuse_while_paused(const Fault& why) {
  for (int i = 0; i < kMessagesPerTurn; ++i) {
    const auto incoming = control_.receive();
    if (!incoming) return;
    const auto message = wire::decode_control(incoming->bytes);
    if (!message) continue;
    std::visit(
        [&](const auto& m) {
          if constexpr (requires { m.request; }) {
            refuse(incoming->peer, m.request,
                   {FaultKind::kUnavailable, "the coordinator cannot record anything now: " + why.text});
          }
        },
        *message);
  }
}

// Decides, records, acts; what the actions bring about at once is decided in the same turn.
Result<> Server::settle(int stop_fd) {
  while (decide(), !facts_.empty() || !actions_.empty()) {
    if (!TRY(record_decided(stop_fd))) {
      stopped_ = true;
      return {};
    }
    const std::vector<Fact> facts = std::exchange(facts_, {});
    for (const Fact& fact : facts) std::visit([this](const auto& f) { note(f); }, fact);
    for (const Action& action : std::exchange(actions_, {})) std::visit([this](const auto& a) { act(a); }, action);
  }
  for (const wire::Artifact& artifact : std::exchange(arrivals_, {})) transfers_.confirm(artifact);
  for (auto& [peer, message] : std::exchange(answers_, {})) send(peer, message);
  for (const auto& [peer, query] : std::exchange(questions_, {})) {
    if (auto found = status(query.job)) {
      send(peer, wire::JobReply{query.request, std::move(*found), data_endpoint()});
    } else {
      refuse(peer, query.request, {FaultKind::kNoInput, "there is no job " + std::to_string(query.job.value)});
    }
  }
  return {};
}

// ---- Submitters ----

Result<> Server::check(const wire::Submit& submit) const {
  if (submit.protocol != wire::kProtocolVersion) {
    return fail(FaultKind::kConfig, "the coordinator speaks protocol " + std::to_string(wire::kProtocolVersion) + ", you speak " +
                                        std::to_string(submit.protocol) + ": use the same gopmill on both ends");
  }
  if (!submit.local_path.empty() && !options_.trust_local_paths)
    return fail(FaultKind::kUsage, "this coordinator opens no paths that others name");
  if (submit.source_bytes > kSourceBytesMax) return fail(FaultKind::kInput, "the source is larger than 4 TiB");
  TRY(load_profile(submit.profile_yaml, submit.profile_name, {}));
  if (submit.local_path.empty()) {
    if (auto room = spool_.has_room_for(submit.source_bytes); !room)
      return fail(FaultKind::kUnavailable, room.error().text + ": submit again in a minute or two, when jobs have finished");
    std::uint64_t held = submit.source_bytes;
    for (const auto& [job, job_work] : works_) {
      if (job_work->submit().local_path.empty()) held += job_work->submit().source_bytes;
    }
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
  const bool upload_wanted = message.local_path.empty();
  if (added->known) return submit_again(peer, message, added->job);
  if (auto made = spool_.make_job(added->job); !made) {
    store_.forget(added->job);
    return refuse(peer, message.request, made.error());
  }
  asked_.emplace(added->job, Asked{peer, message.request});
  cards_.add(added->job, message, submitted);
  const std::uint32_t priority = message.priority, slots_max = message.slots_max;
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
  const auto source = [](const wire::Submit& s) { return std::tie(s.source_bytes, s.source_hash, s.local_path); };
  const bool over = then.profile_yaml.empty();  // of such a job the store keeps less
  if (source(then) != source(message) || (!over && then.profile_yaml != message.profile_yaml)) {
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

// ---- Facts, on disk by now ----

void Server::note(const facts::AttemptLost& fact) {
  log_.warn(describe(fact));
  if (JobWork* job_work = work(fact.task.job)) job_work->count_lost_attempt();
}

// The worker kept it over a restart, so when it began is not known any more.
void Server::note(const facts::TaskAdopted& fact) {
  leases_[{fact.task, fact.attempt}] = {worker_name(fact.worker), now_, {}, {}};
}

void Server::note(const facts::TaskCommitted& fact) {
  const auto lease = leases_.find({fact.task, fact.attempt});
  auto result = decode<TaskResult>(fact.result, "a result that was found good");
  if (lease == leases_.end() || !result) return;
  lease->second.result = std::move(*result);
  lease->second.outputs = fact.outputs;
}

void Server::note(const facts::TaskReopened& fact) {
  log_.error(describe(fact));
  if (JobWork* job_work = work(fact.task.job)) job_work->reopen(fact.task.index);
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
                  {FaultKind::kUsage,
                   "job " + std::to_string(message.job.value) + " is " + std::string(job_state_word(found->state)) + " already"});
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

// ---- Workers ----

void Server::on(const Peer& peer, wire::TaskDone& message) {
  // What was heard before decides what this worker holds.
  decide();
  const auto result = decode<TaskResult>(message.result, "the task's result");
  Result<> good = result ? Result<>() : Result<>(std::unexpected(result.error()));
  for (std::uint32_t part = 0; good && part < message.outputs.size(); ++part) {
    const wire::Artifact output{wire::ArtifactKind::kTaskOutput, message.task.job, message.task.index, message.attempt, part};
    const auto stored = transfers_.stored(output);
    // A result that was settled long ago is repeated after its outputs were dropped: the scheduler knows it is stale.
    if (scheduler_.may_store(peer.id(), message.task, message.attempt) && stored != message.outputs[part]) {
      good = fail(FaultKind::kMachine, describe(output) + " did not arrive as it was announced");
    }
  }
  if (!good) {
    happened(events::TaskFailed{peer.id(), {message.worker, message.task, message.attempt, good.error()}});
    return;
  }
  happened(events::TaskFinished{peer.id(), std::move(message)});
}

void Server::on(const Peer& peer, wire::TaskFailed& message) {
  log_.warn("task " + std::to_string(message.task.job.value) + "/" + std::to_string(message.task.index) + " attempt " +
            std::to_string(message.attempt) + " failed: " + message.fault.text);
  happened(events::TaskFailed{peer.id(), std::move(message)});
}

void Server::act(const actions::WelcomeWorker& action) {
  send(Peer(action.peer), wire::Welcome{action.worker, build_, data_endpoint(), kHeartbeatEvery, kWorkerSilenceMax});
  log_.info("worker " + std::to_string(action.worker.value) + " joined");
}

void Server::act(const actions::Assign& action) {
  const auto [lease, fresh] = leases_.try_emplace({action.assign.task, action.assign.attempt});
  if (fresh) lease->second = {worker_name(action.assign.worker), now_, {}, {}};
  send(Peer(action.peer), action.assign);
}

std::string Server::worker_name(WorkerId id) const {
  for (const wire::WorkerStatus& worker : scheduler_.workers(now_)) {
    if (worker.worker == id) return worker.name;
  }
  return "a worker that left";
}

void Server::act(const actions::ReportDifference& action) {
  const std::string text = "task " + std::to_string(action.task.index) + " came out differently as attempt " +
                           std::to_string(action.other) + " by " + worker_name(action.worker) + " and as attempt " +
                           std::to_string(action.committed) + ", which is kept: one of the two machines computes wrongly";
  log_.error("job " + std::to_string(action.task.job.value) + ": " + text);
  if (JobWork* job_work = work(action.task.job)) job_work->add_note(text);
}

void Server::act(const actions::CommitOutputs& action) {
  const auto lease = leases_.find({action.task, action.attempt});
  JobWork* job_work = work(action.task.job);
  if (!job_work || lease == leases_.end()) return;
  job_work->commit(action.task.index, {action.attempt, std::move(lease->second.result), std::move(lease->second.outputs),
                                       lease->second.worker, (now_ - lease->second.since).count()});
  leases_.erase(lease);
}

void Server::act(const actions::DiscardOutputs& action) {
  transfers_.discard_outputs(action.task.job, action.task.index, action.attempt);
  leases_.erase({action.task, action.attempt});
}

bool Server::may_fetch(const Peer& peer, const wire::Artifact& artifact) const {
  if (artifact.kind == wire::ArtifactKind::kTaskInput) return scheduler_.may_fetch(peer.id(), {artifact.job, artifact.index});
  return artifact.kind == wire::ArtifactKind::kResult && spool_.has(artifact);
}

Result<> Server::may_store(const Peer& peer, const wire::Store& store) const {
  const wire::Artifact& artifact = store.artifact;
  if (artifact.kind == wire::ArtifactKind::kSource) {
    const auto job_work = works_.find(artifact.job);
    const auto state = scheduler_.job(artifact.job, now_);
    if (job_work == works_.end() || !state || state->state != wire::JobState::kUploading) {
      return fail(FaultKind::kMachine, "job " + std::to_string(artifact.job.value) + " waits for no upload");
    }
    const wire::Submit& submit = job_work->second->submit();
    if (store.facts != wire::ArtifactFacts{submit.source_bytes, submit.source_hash}) {
      return fail(FaultKind::kInput, "the source is not the file that was submitted: it has changed");
    }
    return {};
  }
  if (artifact.kind == wire::ArtifactKind::kTaskOutput &&
      scheduler_.may_store(peer.id(), {artifact.job, artifact.index}, artifact.attempt))
    return {};
  return fail(FaultKind::kMachine, describe(artifact) + " is not wanted, or no longer");
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
  std::string text = "job " + std::to_string(action.job.value) + " " + std::string(job_state_word(action.state));
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

// ---- Start ----

// While it may still be read: until every task is committed.
Result<> Server::source_is_there(JobId job, const wire::Submit& submit) const {
  const auto found = scheduler_.job(job, now_);
  const bool needed = found && found->state >= wire::JobState::kQueued && found->state <= wire::JobState::kRunning;
  if (!needed || !submit.local_path.empty() || spool_.has({wire::ArtifactKind::kSource, job, 0, 0, 0})) return {};
  return fail(FaultKind::kNoInput, "its source is not in the spool any more: submit it again");
}

// A spool that is another's or an older one: of a restored backup, of a disk that was lost.
void Server::lose_bytes(JobId job, Fault fault) {
  happened(events::JobBytesLost{job, std::move(fault).within("it cannot go on after a restart")});
}

// A full house takes seconds to plan again: one job a turn, and people and workers are answered in between.
void Server::replan_one() {
  const auto [job, waiting] = *unplanned_.begin();
  unplanned_.erase(unplanned_.begin());
  if (auto planned = works_.at(job)->replan(); !planned) return lose_bytes(job, std::move(planned.error()));
  if (waiting) act(*waiting);
}

// Brings back what a coordinator that ended left behind: jobs go on where their recorded facts say.
Result<> Server::recover(const std::vector<Fact>& facts) {
  std::map<JobId, std::map<std::uint32_t, CommittedTask>> committed;
  std::set<JobId> planned;
  std::set<JobId> living, done;
  for (const Fact& fact : facts) {
    if (const auto* accepted = std::get_if<facts::JobAccepted>(&fact)) living.insert(accepted->job);
    if (const auto* plan = std::get_if<facts::JobPlanned>(&fact)) planned.insert(plan->job);
    if (const auto* ended = std::get_if<facts::JobEnded>(&fact)) {
      if (ended->state == wire::JobState::kDone)
        done.insert(ended->job);
      else
        living.erase(ended->job);
    }
    if (const auto* forgotten = std::get_if<facts::JobForgotten>(&fact)) {
      living.erase(forgotten->job);
      done.erase(forgotten->job);
    }
    if (const auto* task = std::get_if<facts::TaskCommitted>(&fact)) {
      committed[task->task.job][task->task.index] = {task->attempt, TRY(decode<TaskResult>(task->result, "a recorded result")),
                                                     task->outputs, "", 0};
    }
    if (const auto* reopened = std::get_if<facts::TaskReopened>(&fact)) committed[reopened->task.job].erase(reopened->task.index);
  }
  for (const Fact& fact : facts) {
    const auto* accepted = std::get_if<facts::JobAccepted>(&fact);
    if (accepted == nullptr || living.contains(accepted->job)) continue;
    if (const auto over = TRY(store_.submission(accepted->job)))
      cards_.add(accepted->job, over->submit, over->submitted_unix_ms);  // it is listed by its name
  }
  spool_.sweep({living.begin(), living.end()});
  for (const JobId job : living) {
    const auto submission = TRY(store_.submission(job));
    if (!submission) return fail(FaultKind::kConfig, "the store has lost the submission of job " + std::to_string(job.value));
    TRY(spool_.make_job(job));
    auto job_work = std::make_unique<JobWork>(job, submission->submit, submission->submitted_unix_ms, spool_);
    job_work->set_build(build_);
    cards_.add(job, submission->submit, submission->submitted_unix_ms);
    if (done.contains(job)) {
      const auto kept = spool_.load_finished(job);
      auto finished = kept ? decode_finished(*kept) : Result<Finished>(std::unexpected(kept.error()));
      if (finished) cards_.update(job, std::move(*finished));
      if (!finished)
        log_.error("job " + std::to_string(job.value) + " is done, but its files cannot be found: " + finished.error().text);
      continue;
    }
    job_work->recall(std::move(committed[job]));
    works_.emplace(job, std::move(job_work));
    if (auto there = source_is_there(job, submission->submit); !there) {
      lose_bytes(job, std::move(there.error()));
    } else if (planned.contains(job)) {
      unplanned_.try_emplace(job);
    }
  }
  return {};
}

Result<Parts> open_parts(const CoordinatorOptions& options, Context& context, std::vector<Fact>& facts) {
  if (!options.plain_network && !is_loopback(options.listen)) {
    return fail(FaultKind::kUsage,
                options.listen +
                    " can be reached by others, and nothing is encrypted or authenticated yet: listen on a loopback "
                    "address, or say --plain-network if every machine on that network is trusted");
  }
  // Sockets first: where the port is taken, no folder is made.
  Listener control = TRY(Listener::bind(context, Plane::kControl, options.listen));
  Listener data = TRY(Listener::bind(context, Plane::kData, TRY(data_endpoint_for(control.endpoint()))));
  Spool spool = TRY(Spool::open(options.data / "spool"));
  Store store = TRY(Store::open(options.data / "gopmill.db"));
  facts = TRY(store.living_facts());
  const Scheduler::Config config{build_identity(), TRY(store.next_worker_block())};
  Scheduler scheduler = Scheduler::restore(config, facts, monotonic_now());
  return Parts{std::move(store), std::move(spool), std::move(control), std::move(data), std::move(scheduler)};
}

}  // namespace

Result<> run_coordinator(const CoordinatorOptions& options, Log& log, int stop_fd) {
  Context context;
  std::vector<Fact> facts;
  Parts parts = TRY(open_parts(options, context, facts));
  const std::string endpoint = parts.control.endpoint();
  Server server(options, log, std::move(parts));
  TRY(server.recover(facts));
  release_library_pages();
  if (options.on_ready) options.on_ready(endpoint);
  return server.run(stop_fd);
}

}  // namespace gopmill
