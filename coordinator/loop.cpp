#include "coordinator/loop.h"

#include <algorithm>
#include <string>
#include <utility>

#include "coordinator/recovery.h"
#include "coordinator/transfer_rights.h"
#include "media/build.h"
#include "proto/job_state.h"

namespace gopmill {

namespace {

// How soon to try again where a data socket was full: it cannot be waited for.
constexpr Duration kFullSocketPause{5};
// While the database takes nothing; a full disk is looked at often enough.
constexpr Duration kRecordAgainEvery{1000};

}  // namespace

Loop::Loop(const CoordinatorOptions& options, Log& log, LoopParts parts)
    : log_(log),
      store_(std::move(parts.store)),
      spool_(std::move(parts.spool)),
      scheduler_(std::move(parts.scheduler)),
      jobs_(spool_, build_identity()),
      transfers_(std::move(parts.data), spool_,
                 transfer_rights(scheduler_, jobs_, spool_, now_,
                                 [this] {
                                   watch_spool();
                                   return spool_fault_.has_value();
                                 })),
      attempts_(scheduler_, jobs_, transfers_, log),
      service_(
          store_, spool_, scheduler_, jobs_, {options.source_bytes_max, options.trust_local_paths, options.data / "backups"},
          [this](Event event) { happened(std::move(event)); }, log),
      door_(
          std::move(parts.control), announced_endpoint(transfers_.endpoint()), build_identity(), service_,
          [this](Event said) { hear(std::move(said)); }, log) {}

Result<> Loop::recover(const std::vector<Fact>& facts) {
  happened(TRY(gopmill::recover(facts, {store_, spool_, scheduler_, jobs_, transfers_}, now_, log_)));
  return {};
}

void Loop::run(int stop_fd) {
  for (;;) {
    wait(stop_fd);
    if (poller_.readable(stop_fd)) return;
    now_ = monotonic_now();
    door_.receive(now_);
    receive_data();
    poll_children();
    happened(door_.watch_connections(scheduler_, now_));
    if (now_ >= tick_due_) {
      watch_spool();
      happened(events::Tick{});
      tick_due_ = now_ + kTickEvery;
    }
    if (!settle(stop_fd)) return;
    service_.backups().step(now_);
    if (jobs_.plans_wait()) happened(jobs_.plan_one_again(now_));
    data_waits_ = transfers_.send();
  }
}

void Loop::wait(int stop_fd) {
  poller_.clear();
  poller_.watch(door_.listener());
  poller_.watch(transfers_.listener());
  poller_.watch(stop_fd);
  for (const int fd : jobs_.event_fds()) poller_.watch(fd);
  const Duration until_tick = std::max(Duration(0), tick_due_ - monotonic_now());
  const bool waits = data_waits_ || service_.backups().busy();
  const Duration at_most = waits ? kFullSocketPause : door_.watches(now_) ? ControlDoor::kWatchEvery : kTickEvery;
  poller_.wait(jobs_.plans_wait() ? Duration(0) : std::min(until_tick, at_most));
}

// ---- What happens ----

void Loop::hear(Event said) {
  if (auto* failed = std::get_if<events::TaskFailed>(&said)) return happened(attempts_.failed(std::move(*failed), now_));
  happened(std::move(said));
}

void Loop::receive_data() {
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

void Loop::poll_children() {
  for (Event& event : jobs_.poll(now_)) {
    // Its reason may be the disk, which is to be known before.
    if (std::holds_alternative<events::StepFailed>(event)) watch_spool();
    happened(std::move(event));
  }
}

void Loop::watch_spool() {
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

// ---- What is done about it ----

void Loop::decide() {
  while (!events_.empty()) {
    Event event = std::move(events_.front());
    events_.pop_front();
    if (auto* finished = std::get_if<events::TaskFinished>(&event)) event = attempts_.checked(std::move(*finished));
    Step step = scheduler_.handle(event, now_);
    for (Fact& fact : step.facts) {
      log_.debug(describe(fact));
      facts_.push_back(std::move(fact));
    }
    for (Action& action : step.actions) actions_.push_back(std::move(action));
  }
}

bool Loop::settle(int stop_fd) {
  while (decide(), !facts_.empty() || !actions_.empty()) {
    if (!record_decided(stop_fd)) return false;
    const std::vector<Fact> facts = std::exchange(facts_, {});
    for (const Fact& fact : facts) std::visit([this](const auto& f) { note(f); }, fact);
    for (const Action& action : std::exchange(actions_, {})) std::visit([this](const auto& a) { act(a); }, action);
  }
  for (const wire::Artifact& artifact : std::exchange(arrivals_, {})) transfers_.confirm(artifact);
  service_.settled(now_);
  return true;
}

// What is decided stays decided while the database takes nothing, and nothing is done about it.
bool Loop::record_decided(int stop_fd) {
  auto recorded = store_.record(facts_);
  if (recorded) return true;
  log_.error(recorded.error().text + ": pausing until it can be recorded");
  while (!recorded) {
    poller_.clear();
    poller_.watch(door_.listener());
    poller_.watch(stop_fd);
    poller_.wait(kTickEvery);
    if (poller_.readable(stop_fd)) return false;
    door_.refuse_waiting({FaultKind::kUnavailable, "the coordinator cannot record anything now: " + recorded.error().text});
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

// ---- Actions that are for several parts, or for none ----

void Loop::act(const actions::DropInput& action) {
  spool_.remove({wire::ArtifactKind::kTaskInput, action.task.job, action.task.index, 0, 0});
}

void Loop::act(const actions::Assign& action) {
  attempts_.begin(action.assign, now_);
  door_.act(action);
}

void Loop::act(const actions::FinishJob& action) {
  std::string text = "job " + std::to_string(action.job.value) + " " + std::string(wire::job_state_word(action.state));
  if (action.fault) text += ": " + action.fault->text;
  action.fault ? log_.warn(text) : log_.info(text);
}

void Loop::act(const actions::CleanJob& action) {
  transfers_.forget_job(action.job);
  attempts_.forget_job(action.job);
  jobs_.clean(action);
}

}  // namespace gopmill
