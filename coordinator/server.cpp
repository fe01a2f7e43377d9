// The coordinator's one loop. Everything that happens becomes an event for the scheduler; its facts are recorded, all of
// a turn in one commit; only then are its actions carried out and questions answered.

#include "coordinator/server.h"

#include <algorithm>

#include "base/footprint.h"
#include "coordinator/server_turn.h"
#include "media/build.h"

namespace gopmill {

namespace {

constexpr int kMessagesPerTurn = 256;
// How soon to try again where a data socket was full: it cannot be waited for.
constexpr Duration kFullSocketPause{5};
// After the end of a connection: the socket learns a moment later than its monitor whose it was.
constexpr Duration kProbeEvery{100};
// While the database takes nothing; a full disk is looked at often enough.
constexpr Duration kRecordAgainEvery{1000};

}  // namespace

Server::Server(const CoordinatorOptions& options, Log& log, ServerParts parts)
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
                  [this](TaskId task) { return scheduler_.input_of(task); },
                  [this] {
                    watch_spool();
                    return spool_fault_.has_value();
                  }}) {}

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
    if (!settle(stop_fd)) return {};
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
bool Server::record_decided(int stop_fd) {
  auto recorded = store_.record(facts_);
  if (recorded) return true;
  log_.error(recorded.error().text + ": pausing until it can be recorded");
  while (!recorded) {
    poller_.clear();
    poller_.watch(control_);
    poller_.watch(stop_fd);
    poller_.wait(kTickEvery);
    if (poller_.readable(stop_fd)) return false;
    refuse_while_paused(recorded.error());
    // SQLite's own state is whole after a failed transaction: it was rolled back.
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

// Decides, records, acts; what the actions bring about at once is decided in the same turn. False: told to stop.
bool Server::settle(int stop_fd) {
  while (decide(), !facts_.empty() || !actions_.empty()) {
    if (!record_decided(stop_fd)) return false;
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
  return true;
}

namespace {

Result<ServerParts> open_parts(const CoordinatorOptions& options, Context& context, std::vector<Fact>& facts) {
  if (!options.identity.secures() && !options.plain_network && !is_loopback(options.listen)) {
    return fail(FaultKind::kUsage,
                options.listen +
                    " can be reached by others, and nothing is encrypted or authenticated yet: listen on a loopback "
                    "address, or say --plain-network if every machine on that network is trusted");
  }
  // Sockets first: where the port is taken, no folder is made.
  Listener control = TRY(Listener::bind(context, options.identity, Plane::kControl, options.listen));
  Listener data = TRY(Listener::bind(context, options.identity, Plane::kData, TRY(data_endpoint_for(control.endpoint()))));
  Spool spool = TRY(Spool::open(options.data / "spool"));
  Store store = TRY(Store::open(options.data / "gopmill.db"));
  facts = TRY(store.living_facts());
  const Scheduler::Config config{build_identity(), TRY(store.next_worker_block())};
  Scheduler scheduler = Scheduler::restore(config, facts, monotonic_now());
  return ServerParts{std::move(store), std::move(spool), std::move(control), std::move(data), std::move(scheduler)};
}

}  // namespace

Result<> run_coordinator(const CoordinatorOptions& options, Log& log, int stop_fd) {
  Context context;
  std::vector<Fact> facts;
  ServerParts parts = TRY(open_parts(options, context, facts));
  const std::string endpoint = parts.control.endpoint();
  Server server(options, log, std::move(parts));
  TRY(server.recover(facts));
  release_library_pages();
  if (options.on_ready) options.on_ready(endpoint);
  return server.run(stop_fd);
}

}  // namespace gopmill
