#include <algorithm>
#include <set>
#include <string>

#include "base/check.h"
#include "coordinator/scheduler/scheduler_turn.h"

// What happens to workers and to the attempts they hold. The messages of either side may be lost, late or doubled; what
// makes that harmless is that an attempt has one entry in one worker's book from its lease to its end, and that everything
// said about an attempt that is not there is answered with "settled" and changes nothing.

namespace gopmill {

namespace {

constexpr std::size_t kFaultTextMax = 4'096;  // a worker's words are recorded and shown

std::string called(const Worker& worker) { return "worker " + std::to_string(worker.id.value) + " (" + worker.name + ")"; }

// "12:03.5"
std::string clock_text(Duration at) {
  const std::int64_t tenths = at.count() / 100, minutes = tenths / 600;
  const std::int64_t seconds = tenths / 10 % 60;
  return std::to_string(minutes) + (seconds < 10 ? ":0" : ":") + std::to_string(seconds) + "." + std::to_string(tenths % 10);
}

std::string called(const Task& task, std::uint32_t index) {
  std::string text = "task " + std::to_string(index) + (task.shape.kind == TaskKind::kAudio ? " (audio" : " (video");
  if (task.shape.to > task.shape.from) text += ", " + clock_text(task.shape.from) + " to " + clock_text(task.shape.to);
  return text + ")";
}

}  // namespace

// ---- Coming and going ----

void Scheduler::Turn::apply(const events::WorkerSaidHello& event) {
  const wire::WorkerHello& hello = event.hello;
  const auto refuse = [&](FaultKind kind, std::string why) { act(actions::RefuseWorker{event.peer, {kind, std::move(why)}}); };
  if (Worker* known = workers_.find(event.peer)) {  // the welcome was lost, or we were silent for too long
    known->heard = now_;
    known->disconnected.reset();
    act(actions::WelcomeWorker{event.peer, known->id});
    return;
  }
  if (hello.protocol != wire::kProtocolVersion) {
    return refuse(FaultKind::kConfig, "the worker speaks protocol " + std::to_string(hello.protocol) + ", this coordinator " +
                                          std::to_string(wire::kProtocolVersion) + ": install the same gopmill on both");
  }
  if (hello.build != config_.build) {
    return refuse(FaultKind::kConfig, "the worker is build \"" + hello.build.substr(0, 200) + "\", this coordinator \"" +
                                          config_.build + "\": one job never mixes builds; install the same gopmill on both");
  }
  if (hello.slots == 0 || hello.slots > kSlotsMax) {
    return refuse(FaultKind::kConfig, std::to_string(hello.slots) + " slots: a worker has 1 to " + std::to_string(kSlotsMax));
  }
  if (workers_.size() >= kWorkersMax) {
    return refuse(FaultKind::kUnavailable, "this coordinator has its " + std::to_string(kWorkersMax) + " workers already");
  }
  Worker& worker = workers_.admit(event.peer, hello, now_);
  wire::HeartbeatAck ack{worker.id, {}};
  for (const wire::RunningTask& said : hello.running) {
    if (!adopt(worker, said.task, said.attempt)) ack.drop.push_back(said);
  }
  act(actions::WelcomeWorker{event.peer, worker.id});
  // Before anything is assigned: it would find its slots taken.
  if (!ack.drop.empty()) act(actions::AckHeartbeat{event.peer, std::move(ack)});
}

// Nobody but the worker that was given it can name an attempt, so naming it is proof enough.
bool Scheduler::Turn::adopt(Worker& worker, TaskId task, Attempt attempt) {
  if (worker.held.size() >= worker.slots || !workers_.forget_orphan(task, attempt)) return false;
  Lease* lease = jobs_.find(task.job)->task(task.index)->lease_of(attempt);
  lease->worker = worker.id;
  worker.held[{task, attempt}].counted = now_;
  record(facts::TaskAdopted{task, attempt, worker.id});
  return true;
}

void Scheduler::Turn::apply(const events::WorkerLeft& event) {
  const Worker* worker = workers_.find(event.peer);
  if (worker != nullptr) lose_worker(worker->id, LossKind::kHandedBack, "left");
}

void Scheduler::Turn::apply(const events::WorkerDisconnected& event) {
  Worker* worker = workers_.find(event.peer);
  if (worker != nullptr && !worker->disconnected) worker->disconnected = now_;
}

void Scheduler::Turn::apply(const events::WorkerReconnected& event) {
  if (Worker* worker = workers_.find(event.peer)) worker->disconnected.reset();
}

void Scheduler::Turn::apply(const events::DrainRequested& event) {
  Worker* worker = workers_.find(event.worker);
  if (worker == nullptr) return;
  worker->closed = worker->draining = true;
  act(actions::DrainWorker{worker->peer, worker->id});
}

// The worker a message came from, now heard; none if its id has expired, which it is told.
Worker* Scheduler::Turn::heard_from(const std::string& peer, WorkerId claimed) {
  Worker* worker = workers_.find(peer);
  if (worker == nullptr || worker->id != claimed) {
    act(actions::ForgetWorker{peer, claimed});
    return nullptr;
  }
  worker->heard = now_;
  worker->disconnected.reset();
  return worker;
}

void Scheduler::Turn::lose_worker(WorkerId id, LossKind kind, const std::string& why) {
  const Worker gone = workers_.dismiss(id);
  act(actions::ForgetWorker{gone.peer, id});
  for (const auto& [key, holding] : gone.held) {
    // An earlier loss of this loop may have failed the job and with it this attempt.
    if (leased(key.first, key.second)) {
      lose_attempt(key.first, key.second, kind, {FaultKind::kMachine, called(gone) + " " + why});
    }
  }
}

// ---- Heartbeats ----

void Scheduler::Turn::apply(const events::WorkerHeard& event) {
  Worker* worker = heard_from(event.peer, event.heartbeat.worker);
  if (worker == nullptr) return;
  worker->closed = worker->closed || event.heartbeat.leaving;

  std::set<AttemptKey> listed;
  wire::HeartbeatAck ack{worker->id, {}};
  for (const wire::RunningTask& said : event.heartbeat.running) {
    const AttemptKey key{said.task, said.attempt};
    if (!listed.insert(key).second) continue;
    const auto held = worker->held.find(key);
    if (held == worker->held.end() || held->second.dropping) {
      ack.drop.push_back(said);
      continue;
    }
    held->second.unseen = 0;
    Task& task = *jobs_.find(said.task.job)->task(said.task.index);
    task.lease_of(said.attempt)->done = task.shape.units == 0 ? said.done : std::min(said.done, task.shape.units);
  }
  act(actions::AckHeartbeat{event.peer, std::move(ack)});
  if (worker->draining) act(actions::DrainWorker{event.peer, worker->id});

  std::vector<AttemptKey> missing;
  for (const auto& [key, holding] : worker->held) {
    if (!listed.contains(key)) missing.push_back(key);
  }
  for (const AttemptKey& key : missing) miss_attempt(*worker, key);
}

// A heartbeat did not list an attempt. It may have been sent before Assign arrived, so the first is passed over; then
// Assign was probably lost and is said again; then the worker is believed.
void Scheduler::Turn::miss_attempt(Worker& worker, const AttemptKey& key) {
  const auto held = worker.held.find(key);
  if (held == worker.held.end()) return;  // its job failed with an earlier one
  Holding& holding = held->second;
  if (holding.dropping) {
    worker.held.erase(held);
    return;
  }
  // Doubled heartbeats, and those a worker sends between beats to report a drop, count once.
  if (now_ - holding.counted < kHeartbeatEvery / 2) return;
  holding.counted = now_;
  ++holding.unseen;
  const bool known_input = jobs_.find(key.first.job)->task(key.first.index)->input.has_value();
  if (holding.unseen == kUnseenResend && known_input) {
    send_assign(*jobs_.find(key.first.job), key.first.index, key.second, worker);
  } else if (holding.unseen >= kUnseenMax) {
    worker.held.erase(held);
    lose_attempt(key.first, key.second, LossKind::kWorkerLost, {FaultKind::kMachine, called(worker) + " does not hold it"});
  }
}

void Scheduler::Turn::call_off(TaskId task, const Lease& lease, std::set<WorkerId>& to_ask) {
  // A worker that is being dismissed is off the books already, and an orphan's has not come back.
  if (workers_.forget_orphan(task, lease.attempt)) return;
  Worker* worker = workers_.find(lease.worker);
  if (worker == nullptr || !worker->held.contains({task, lease.attempt})) return;
  drop_attempt(*worker, task, lease.attempt);
  to_ask.insert(worker->id);
}

void Scheduler::Turn::ask_to_drop(const std::set<WorkerId>& workers) {
  for (const WorkerId id : workers) ask_to_drop(*workers_.find(id));
}

void Scheduler::Turn::ask_to_drop(const Worker& worker) {
  wire::HeartbeatAck ack{worker.id, {}};
  for (const auto& [key, holding] : worker.held) {
    if (holding.dropping) ack.drop.push_back({key.first, key.second, 0});
  }
  act(actions::AckHeartbeat{worker.peer, std::move(ack)});
}

// ---- The end of an attempt ----

bool Scheduler::Turn::leased(TaskId id, Attempt attempt) {
  Job* job = jobs_.find_live(id.job);
  const Task* task = job == nullptr ? nullptr : job->task(id.index);
  return task != nullptr && task->lease_of(attempt) != nullptr;
}

void Scheduler::Turn::settle(const Worker& worker, TaskId task, Attempt attempt) {
  act(actions::SettleAttempt{worker.peer, {worker.id, task, attempt}});
}

bool Scheduler::Turn::give_up_slot(Worker& worker, TaskId task, Attempt attempt) {
  const auto held = worker.held.find({task, attempt});
  if (held == worker.held.end()) return false;
  const bool live = !held->second.dropping;
  worker.held.erase(held);
  return live;
}

void Scheduler::Turn::apply(const events::TaskFinished& event) {
  const wire::TaskDone& done = event.done;
  Worker* worker = heard_from(event.peer, done.worker);
  if (worker == nullptr) return;
  if (!give_up_slot(*worker, done.task, done.attempt)) {
    weigh_late_result(*worker, done);
    settle(*worker, done.task, done.attempt);
    return;
  }
  Job& job = *jobs_.find(done.task.job);
  const Task& task = *job.task(done.task.index);
  const std::uint32_t promised = task.shape.outputs;
  if (done.outputs.size() != promised) {
    workers_.strike(*worker, job.needs_of(task), now_);
    lose_attempt(done.task, done.attempt, LossKind::kMachine,
                 {FaultKind::kMachine, called(*worker) + " reports " + std::to_string(done.outputs.size()) + " outputs of " +
                                           std::to_string(promised)});
  } else {
    workers_.praise(*worker, task.shape.cost, now_ - task.lease_of(done.attempt)->since);
    commit(job, done);
  }
  settle(*worker, done.task, done.attempt);
}

void Scheduler::Turn::commit(Job& job, const wire::TaskDone& done) {
  const std::vector<Lease> leases = job.task(done.task.index)->leases;
  job.commit(done.task.index, done.attempt, done.outputs, now_);
  record(facts::TaskCommitted{done.task, done.attempt, done.result, done.outputs});
  act(actions::CommitOutputs{done.task, done.attempt});
  act(actions::DropInput{done.task});
  std::set<WorkerId> to_ask;
  for (const Lease& lease : leases) {
    if (lease.attempt == done.attempt) continue;
    act(actions::DiscardOutputs{done.task, lease.attempt});
    call_off(done.task, lease, to_ask);
  }
  ask_to_drop(to_ask);
  finish_tasks(job);
}

// Late or doubled. The outputs of the attempt that was committed stay, whoever speaks of them again.
void Scheduler::Turn::weigh_late_result(const Worker& worker, const wire::TaskDone& done) {
  const Job* job = jobs_.find_live(done.task.job);
  const Task* task = job == nullptr ? nullptr : job->task(done.task.index);
  const bool given = task != nullptr && done.attempt >= 1 && done.attempt <= task->attempt;
  if (!given || task->committed == done.attempt || task->lease_of(done.attempt) != nullptr) return;
  if (task->stage == Task::Stage::kCommitted && task->outputs != done.outputs) {
    act(actions::ReportDifference{done.task, task->committed, done.attempt, worker.id});
  }
  act(actions::DiscardOutputs{done.task, done.attempt});
}

void Scheduler::Turn::apply(const events::TaskFailed& event) {
  const wire::TaskFailed& failed = event.failed;
  Worker* worker = heard_from(event.peer, failed.worker);
  if (worker == nullptr) return;
  if (give_up_slot(*worker, failed.task, failed.attempt)) {
    const LossKind kind = loss_kind(failed.fault.kind);
    // A worker that is leaving hands back what crossed its path.
    if (kind == LossKind::kHandedBack) worker->closed = true;
    if (kind == LossKind::kMachine || kind == LossKind::kPoison) {
      const Job& job = *jobs_.find(failed.task.job);
      workers_.strike(*worker, job.needs_of(*job.task(failed.task.index)), now_);
    }
    Fault fault = failed.fault;
    fault.text.resize(std::min(fault.text.size(), kFaultTextMax));
    lose_attempt(failed.task, failed.attempt, kind, std::move(fault).within(called(*worker)));
  }
  settle(*worker, failed.task, failed.attempt);
}

void Scheduler::Turn::lose_attempt(TaskId id, Attempt attempt, LossKind kind, const Fault& fault) {
  GOPMILL_CHECK(leased(id, attempt));
  Job& job = *jobs_.find(id.job);
  record(facts::AttemptLost{id, attempt, kind, fault});
  act(actions::DiscardOutputs{id, attempt});
  const bool used_up = job.lose(id.index, attempt, kind, now_);
  if (!used_up) return;

  const Task& task = *job.task(id.index);
  std::string where = called(task, id.index);
  if (kind == LossKind::kPoison) where += " killed " + std::to_string(task.losses.poison) + " children";
  if (kind == LossKind::kMachine) where += " was lost " + std::to_string(task.losses.machine) + " times, at last";
  if (kind == LossKind::kWorkerLost) where += " lost its worker " + std::to_string(task.losses.worker_lost) + " times, at last";
  if (kind == LossKind::kHandedBack) where += " was handed back " + std::to_string(task.losses.handed_back) + " times";
  fail_job(job, Fault(fault).within(where));
}

// ---- Time ----

void Scheduler::Turn::apply(const events::Tick& /*event*/) {
  expire_workers();
  lose_orphans();
  expire_leases();
  expire_jobs();
  if (!blocked()) repeat_stragglers();
}

// Whoever held them has not come back.
void Scheduler::Turn::lose_orphans() {
  if (now_ < workers_.adoption_end()) return;
  while (!workers_.orphans().empty()) {
    const auto [task, attempt] = *workers_.orphans().begin();
    workers_.forget_orphan(task, attempt);
    lose_attempt(task, attempt, LossKind::kRecovered,
                 {FaultKind::kMachine, "its worker did not come back after the coordinator was restarted"});
  }
}

void Scheduler::Turn::expire_workers() {
  std::vector<std::pair<WorkerId, Duration>> silent;
  for (const auto& [id, worker] : workers_.all()) {
    const bool cut_off = worker.disconnected && now_ - *worker.disconnected >= kReconnectMax;
    if (cut_off || now_ - worker.heard > kWorkerSilenceMax) silent.emplace_back(id, now_ - worker.heard);
  }
  for (const auto& [id, silence] : silent) {
    const bool cut_off = workers_.find(id)->disconnected.has_value();
    lose_worker(id, LossKind::kWorkerLost,
                cut_off ? "lost its connection" : "was silent for " + std::to_string(silence.count()) + " ms");
  }
}

// The worker kills a child that outlives time_max; this catches a worker that does not, and transfers that never end.
void Scheduler::Turn::expire_leases() {
  std::vector<std::pair<WorkerId, AttemptKey>> overdue;
  for (const auto& [id, worker] : workers_.all()) {
    for (const auto& [key, holding] : worker.held) {
      if (holding.dropping) continue;
      const Task& task = *jobs_.find(key.first.job)->task(key.first.index);
      if (now_ - task.lease_of(key.second)->since > task.shape.time_max + kTransferTimeMax) overdue.emplace_back(id, key);
    }
  }
  for (const auto& [id, key] : overdue) {
    if (!leased(key.first, key.second)) continue;
    Worker& worker = *workers_.find(id);
    drop_attempt(worker, key.first, key.second);
    lose_attempt(key.first, key.second, LossKind::kMachine, {FaultKind::kMachine, called(worker) + " held it for too long"});
    ask_to_drop(worker);
  }
}

}  // namespace gopmill
