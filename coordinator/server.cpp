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

#include "base/archive.h"
#include "base/footprint.h"
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
                   {[this](const Peer& peer, const wire::Artifact& artifact) { return may_fetch(peer, artifact); },
                    [this](const Peer& peer, const wire::Store& store) { return may_store(peer, store); }}) {}

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
  };

  void wait(int stop_fd);
  void receive_control();
  void receive_data();
  void poll_children();
  Result<> settle();

  void on(const Peer& peer, wire::Submit& message);
  void on(const Peer& peer, wire::WorkerHello& message) { happened(events::WorkerSaidHello{peer.id(), std::move(message)}); }
  void on(const Peer& peer, wire::Heartbeat& message) { happened(events::WorkerHeard{peer.id(), std::move(message)}); }
  void on(const Peer& peer, wire::TaskDone& message);
  void on(const Peer& peer, wire::TaskFailed& message);
  void on(const Peer& peer, wire::Goodbye&) { happened(events::WorkerLeft{peer.id()}); }
  void on(const Peer& peer, wire::CancelJob& message);
  void on(const Peer& peer, wire::JobDelivered& message);
  void on(const Peer& peer, wire::JobQuery& message);
  void on(const Peer& peer, wire::JobsQuery& message);
  void on(const Peer& peer, wire::WorkersQuery& message);
  template <class Other>
  void on(const Peer& peer, Other&) {
    log_.warn("peer " + peer.printable() + " sent what only a coordinator sends");
  }

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
  JobWork* work(JobId job);

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

  std::map<JobId, std::unique_ptr<JobWork>> works_;
  JobCards cards_;
  std::multimap<JobId, Asked> asked_;
  std::map<std::pair<TaskId, Attempt>, LeaseNote> leases_;
  // Of one turn: what happened, and what may be said once its facts are recorded.
  std::deque<Event> events_;
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
    if (now_ >= tick_due_) {
      happened(events::Tick{});
      tick_due_ = now_ + kTickEvery;
    }
    TRY(settle());
    data_waits_ = transfers_.send();
  }
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
  poller_.wait(data_waits_ ? std::min(until_tick, kFullSocketPause) : until_tick);
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
    for (Event& event : job_work->poll(now_)) happened(std::move(event));
  }
}

// Decides, records, acts; what the actions bring about at once is decided in the same turn.
Result<> Server::settle() {
  while (!events_.empty()) {
    std::vector<Fact> facts;
    std::vector<Action> actions;
    while (!events_.empty()) {
      const Event event = std::move(events_.front());
      events_.pop_front();
      Step step = scheduler_.handle(event, now_);
      for (Fact& fact : step.facts) {
        log_.debug(describe(fact));
        facts.push_back(std::move(fact));
      }
      for (Action& action : step.actions) actions.push_back(std::move(action));
    }
    if (auto recorded = store_.record(facts); !recorded) {
      return std::unexpected(std::move(recorded.error()).within("nothing more can be recorded, so nothing more is done"));
    }
    for (const Fact& fact : facts) {
      if (const auto* lost = std::get_if<facts::AttemptLost>(&fact)) {
        log_.warn(describe(fact));
        if (JobWork* job_work = work(lost->task.job)) job_work->count_lost_attempt();
      }
    }
    for (const Action& action : actions) std::visit([this](const auto& a) { act(a); }, action);
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
  return {};
}

void Server::on(const Peer& peer, wire::Submit& message) {
  if (auto good = check(message); !good) return refuse(peer, message.request, good.error());
  const std::int64_t submitted = unix_ms_now();
  auto added = store_.add(message, submitted);
  if (!added) return refuse(peer, message.request, added.error());
  const bool upload_wanted = message.local_path.empty();
  if (added->known) {
    const auto known = scheduler_.job(added->job, now_);
    // Asked again before the first answer could be given: both are answered by AcceptJob.
    if (!known) {
      asked_.emplace(added->job, Asked{peer, message.request});
    } else {
      answer_later(peer,
                   wire::Submitted{message.request, added->job, data_endpoint(), known->state == wire::JobState::kUploading});
    }
    return;
  }
  if (auto made = spool_.make_job(added->job); !made) {
    store_.forget(added->job);
    return refuse(peer, message.request, made.error());
  }
  asked_.emplace(added->job, Asked{peer, message.request});
  cards_.add(added->job, message, submitted);
  const std::uint32_t priority = message.priority;
  auto job_work = std::make_unique<JobWork>(added->job, std::move(message), submitted, spool_);
  job_work->set_build(build_);
  works_.emplace(added->job, std::move(job_work));
  happened(events::JobAdded{added->job, priority, upload_wanted});
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
  if (const JobWork* job_work = work(job)) cards_.update(job, *job_work);
  cards_.fill(*found, scheduler_.frames_done(job));
  return found;
}

// ---- Workers ----

void Server::on(const Peer& peer, wire::TaskDone& message) {
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
  if (const auto lease = leases_.find({message.task, message.attempt}); lease != leases_.end()) lease->second.result = *result;
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
  if (fresh) {
    lease->second.since = now_;
    for (const wire::WorkerStatus& worker : scheduler_.workers(now_)) {
      if (worker.worker == action.assign.worker) lease->second.worker = worker.name;
    }
  }
  send(Peer(action.peer), action.assign);
}

void Server::act(const actions::CommitOutputs& action) {
  const auto lease = leases_.find({action.task, action.attempt});
  JobWork* job_work = work(action.task.job);
  if (!job_work || lease == leases_.end()) return;
  job_work->commit(action.task.index,
                   {action.attempt, std::move(lease->second.result), lease->second.worker, (now_ - lease->second.since).count()});
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
  for (Event& event : job_work->start(action, now_)) happened(std::move(event));
}

void Server::act(const actions::StopStep& action) {
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
  if (const JobWork* job_work = work(action.job)) cards_.update(action.job, *job_work);
  works_.erase(action.job);
  transfers_.forget_job(action.job);
  std::erase_if(leases_, [&](const auto& entry) { return entry.first.first.job == action.job; });
  action.keep_files ? spool_.keep_only_results(action.job) : spool_.remove_job(action.job);
  cards_.trim(works_);
}

// ---- Start ----

// Brings back what a coordinator that ended left behind: jobs go on where their recorded facts say.
Result<> Server::recover(const std::vector<Fact>& facts) {
  std::map<JobId, std::map<std::uint32_t, CommittedTask>> committed;
  std::set<JobId> planned;
  std::set<JobId> living;
  for (const Fact& fact : facts) {
    if (const auto* accepted = std::get_if<facts::JobAccepted>(&fact)) living.insert(accepted->job);
    if (const auto* plan = std::get_if<facts::JobPlanned>(&fact)) planned.insert(plan->job);
    if (const auto* ended = std::get_if<facts::JobEnded>(&fact); ended && ended->state != wire::JobState::kDone)
      living.erase(ended->job);
    if (const auto* forgotten = std::get_if<facts::JobForgotten>(&fact)) living.erase(forgotten->job);
    if (const auto* task = std::get_if<facts::TaskCommitted>(&fact)) {
      committed[task->task.job][task->task.index] = {task->attempt, TRY(decode<TaskResult>(task->result, "a recorded result")),
                                                     "", 0};
    }
  }
  spool_.sweep({living.begin(), living.end()});
  for (const JobId job : living) {
    const auto submission = TRY(store_.submission(job));
    if (!submission) return fail(FaultKind::kConfig, "the store has lost the submission of job " + std::to_string(job.value));
    TRY(spool_.make_job(job));
    auto job_work = std::make_unique<JobWork>(job, submission->submit, submission->submitted_unix_ms, spool_);
    job_work->set_build(build_);
    cards_.add(job, submission->submit, submission->submitted_unix_ms);
    if (planned.contains(job)) {
      // A job that is done has given its analysis back with the rest of its bytes.
      if (auto restored = job_work->restore(committed[job]); !restored)
        log_.debug("job " + std::to_string(job.value) + ": " + restored.error().text);
    }
    works_.emplace(job, std::move(job_work));
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
