#include "worker/session.h"

#include <algorithm>
#include <string_view>

#include "base/overloaded.h"

namespace gopmill {

namespace {

// FNV-1a over a name and a count: 0..40, the same on every machine.
Duration::rep spread(std::string_view name, std::uint32_t count) {
  std::uint64_t hash = 0xcbf29ce484222325U ^ count;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return static_cast<Duration::rep>((hash ^ (hash >> 32U)) % 41);
}

}  // namespace

Session::Session(Config config, Instant now) : config_(std::move(config)), now_(now), heard_(now), hello_due_(now) {}

std::vector<Order> Session::handle(const Seen& seen, Instant now) {
  Orders out;
  if (state_ == State::kGone) return out;
  now_ = now;
  std::visit(Overloaded{
                 [&](const seen::Received& s) { receive(s.message, out); },
                 [&](const seen::InputFetched& s) {
                   Held* held = find(s.task, s.attempt, Stage::kFetching);
                   if (held == nullptr) return;
                   held->stage = Stage::kRunning;
                   out.emplace_back(orders::StartChild{s.task, s.attempt, held->outputs, held->time_max});
                 },
                 [&](const seen::ChildProgressed& s) {
                   Held* held = find(s.task, s.attempt, Stage::kRunning);
                   if (held != nullptr) held->done = std::max(held->done, s.done);
                 },
                 [&](const seen::ChildDone& s) { finish_child(s, out); },
                 [&](const seen::ChildFailed& s) {
                   if (find(s.task, s.attempt, Stage::kRunning) != nullptr) fail_attempt({s.task, s.attempt}, s.fault, out);
                 },
                 [&](const seen::OutputsStored& s) {
                   if (Held* held = find(s.task, s.attempt, Stage::kStoring)) report({s.task, s.attempt}, *held, out);
                 },
                 [&](const seen::TransferFailed& s) {
                   const bool fetching = find(s.task, s.attempt, Stage::kFetching) != nullptr;
                   const bool storing = find(s.task, s.attempt, Stage::kStoring) != nullptr;
                   if (fetching || storing) fail_attempt({s.task, s.attempt}, s.fault, out);
                 },
                 [&](const seen::Drain&) { drain(out); },
                 [&](const seen::Tick&) { tick(out); },
             },
             seen);
  // Whatever ended the last attempt of a worker that is leaving, ended its stay.
  if (leaving_ && attempts_.empty() && state_ != State::kGone) leave(std::nullopt, out);
  return out;
}

std::vector<wire::RunningTask> Session::running() const {
  std::vector<wire::RunningTask> list;
  list.reserve(attempts_.size());
  for (const auto& [key, held] : attempts_) list.push_back({key.first, key.second, held.done});
  return list;
}

Session::Held* Session::find(TaskId task, Attempt attempt, Stage stage) {
  const auto at = attempts_.find({task, attempt});
  return at != attempts_.end() && at->second.stage == stage ? &at->second : nullptr;
}

// ---- Messages ----

// What names another worker was meant for an earlier life of this connection and is ignored.
void Session::receive(const wire::Control& message, Orders& out) {
  std::visit(Overloaded{
                 [&](const wire::Welcome& m) { welcome(m, out); },
                 [&](const wire::Refused& m) { refuse(m, out); },
                 [&](const wire::Assign& m) {
                   if (!worker_ || m.worker != worker_) return;
                   heard_ = now_;
                   take(m, out);
                 },
                 [&](const wire::HeartbeatAck& m) {
                   if (!worker_ || m.worker != worker_) return;
                   heard_ = now_;
                   const std::size_t before = attempts_.size();
                   for (const wire::RunningTask& drop : m.drop) release({drop.task, drop.attempt}, out);
                   // Said at once: the coordinator keeps a slot taken until it hears that it is free.
                   if (attempts_.size() != before) beat(out);
                 },
                 [&](const wire::TaskSettled& m) {
                   if (!worker_ || m.worker != worker_) return;
                   heard_ = now_;
                   release({m.task, m.attempt}, out);
                 },
                 [&](const wire::Drain& m) {
                   // Said again with every heartbeat, so it is never the second word that ends work at once.
                   if (worker_ && m.worker == worker_) leaving_ = true;
                 },
                 [&](const wire::UnknownWorker& m) {
                   if (!worker_ || m.worker != worker_) return;
                   // A coordinator that was restarted does not know us, but what we hold is still wanted: the hello lists it.
                   worker_ = {};
                   rejoin(out);
                 },
                 [](const auto&) {},
             },
             message);
}

void Session::welcome(const wire::Welcome& message, Orders& out) {
  // A doubled welcome, perhaps to an id that has expired since, must not displace the id in use.
  if (state_ == State::kMember || !message.worker) return;
  state_ = State::kMember;
  worker_ = message.worker;
  heard_ = now_;
  hello_wait_ = kHelloMin;
  // A coordinator that asks for no pause between heartbeats is not obeyed in that.
  heartbeat_every_ = std::max(message.heartbeat_every, kSessionTickEvery);
  silence_max_ = std::max(message.silence_max, 2 * heartbeat_every_);
  out.emplace_back(orders::Join{message.data_endpoint});
  // Under a new id, the coordinator answers with what must be dropped of what was kept.
  beat(out);
}

void Session::refuse(const wire::Refused& message, Orders& out) {
  if (state_ != State::kJoining || message.request != 0) return;
  if (message.fault.kind == FaultKind::kUnavailable) return;  // full for now: the next hello is due already
  release_all(out);
  leave(message.fault, out);
}

// ---- Attempts ----

void Session::take(const wire::Assign& message, Orders& out) {
  const Key key{message.task, message.attempt};
  if (attempts_.contains(key)) return;  // said again: the heartbeats answer
  if (std::find(settled_.begin(), settled_.end(), key) != settled_.end()) return;
  if (leaving_) return hand_back(message, out);
  // Of one task only the newest attempt can still be committed.
  const auto newest = attempts_.lower_bound({message.task, message.attempt});
  if (newest != attempts_.end() && newest->first.first == message.task) return;
  for (auto older = attempts_.lower_bound({message.task, 0}); older != attempts_.end() && older->first.first == message.task;
       older = attempts_.lower_bound({message.task, 0})) {
    release(older->first, out);
  }
  // The coordinator counts slots too, but its TaskSettled may have been lost; it will say Assign again.
  if (attempts_.size() >= config_.slots) return;
  Held& held = attempts_[key];
  held.time_max = message.time_max;
  held.outputs = message.outputs;
  out.emplace_back(orders::FetchInput{message.task, message.attempt, message.input});
}

void Session::hand_back(const wire::Assign& message, Orders& out) {
  out.emplace_back(orders::Send{wire::TaskFailed{
      worker_, message.task, message.attempt, {FaultKind::kCancelled, "the worker is leaving and takes nothing new"}}});
}

void Session::finish_child(const seen::ChildDone& seen, Orders& out) {
  Held* held = find(seen.task, seen.attempt, Stage::kRunning);
  if (held == nullptr) return;
  if (seen.outputs.size() != held->outputs) {
    fail_attempt({seen.task, seen.attempt},
                 {FaultKind::kInternal,
                  "the child made " + std::to_string(seen.outputs.size()) + " outputs of " + std::to_string(held->outputs)},
                 out);
    return;
  }
  held->stage = Stage::kStoring;
  held->result = seen.result;
  held->stored = seen.outputs;
  out.emplace_back(orders::StoreOutputs{seen.task, seen.attempt, seen.outputs});
}

void Session::fail_attempt(Key key, const Fault& fault, Orders& out) {
  Held& held = attempts_.at(key);
  held.fault = fault;
  report(key, held, out);
}

// Until it is settled, the attempt keeps its slot and its words: the coordinator may not have heard them.
void Session::report(Key key, Held& held, Orders& out) {
  held.stage = Stage::kReporting;
  held.report_due = now_;
  if (state_ != State::kMember) return;  // said after the welcome
  held.report_due = now_ + kReportEvery;
  if (held.fault) {
    out.emplace_back(orders::Send{wire::TaskFailed{worker_, key.first, key.second, *held.fault}});
  } else {
    out.emplace_back(orders::Send{wire::TaskDone{worker_, key.first, key.second, held.result, held.stored}});
  }
}

void Session::release(Key key, Orders& out) {
  if (attempts_.erase(key) == 0) return;
  settled_.push_back(key);
  if (settled_.size() > kSettledKept) settled_.pop_front();
  out.emplace_back(orders::Release{key.first, key.second});
}

void Session::release_all(Orders& out) {
  while (!attempts_.empty()) release(attempts_.begin()->first, out);
}

// ---- Leaving ----

void Session::drain(Orders& out) {
  if (leaving_) release_all(out);
  leaving_ = true;
  // Said at once: the slot that is free next must not be given away.
  if (state_ == State::kMember && !attempts_.empty()) beat(out);
}

void Session::leave(std::optional<Fault> fault, Orders& out) {
  if (worker_) out.emplace_back(orders::Send{wire::Goodbye{worker_}});
  out.emplace_back(orders::Leave{std::move(fault)});
  state_ = State::kGone;
}

// ---- Time ----

void Session::tick(Orders& out) {
  if (state_ == State::kJoining) {
    if (leaving_ && now_ - heard_ > kLeaveAloneMax) return release_all(out);
    if (now_ >= hello_due_) say_hello(out);
    return;
  }
  if (now_ - heard_ > silence_max_) {
    rejoin(out);
    return;
  }
  if (now_ >= heartbeat_due_) beat(out);
  for (auto& [key, held] : attempts_) {
    if (held.stage == Stage::kReporting && now_ >= held.report_due) report(key, held, out);
  }
}

void Session::rejoin(Orders& out) {
  state_ = State::kJoining;
  hello_wait_ = kHelloMin;
  say_hello(out);
}

void Session::say_hello(Orders& out) {
  out.emplace_back(orders::Send{
      wire::WorkerHello{wire::kProtocolVersion, config_.build, config_.name, config_.slots, running(), config_.abilities}});
  hello_due_ = now_ + hello_wait_ * (80 + spread(config_.name, hellos_++)) / 100;
  hello_wait_ = std::min(2 * hello_wait_, kHelloMax);
}

void Session::beat(Orders& out) {
  out.emplace_back(orders::Send{wire::Heartbeat{worker_, running(), leaving_}});
  heartbeat_due_ = now_ + heartbeat_every_;
}

}  // namespace gopmill
