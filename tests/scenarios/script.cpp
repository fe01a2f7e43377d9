#include "tests/scenarios/script.h"

#include <algorithm>
#include <sstream>

namespace gopmill::test {

namespace {

constexpr char kBuild[] = "this";

Duration duration_of(const std::string& word) {
  std::size_t used = 0;
  const std::int64_t number = std::stoll(word, &used);
  const std::string unit = word.substr(used);
  if (unit == "h") return Duration{number * 3'600'000};
  if (unit == "m") return Duration{number * 60'000};
  if (unit == "s") return Duration{number * 1'000};
  return Duration{number};
}

Fault fault_of(const std::string& word) {
  for (int kind = 1; kind <= 10; ++kind) {
    const auto fault = static_cast<FaultKind>(kind);
    if (fault_word(fault) == word) return {fault, "as told"};
  }
  return {FaultKind::kInternal, "no such fault: " + word};
}

StepKind step_of(const std::string& word) {
  if (word == "analyse") return StepKind::kAnalyse;
  if (word == "split") return StepKind::kSplit;
  if (word == "stitch") return StepKind::kStitch;
  if (word == "package") return StepKind::kPackage;
  return StepKind::kVerify;
}

std::string state_text(const wire::WorkerStatus& worker) {
  switch (worker.state) {
    case wire::WorkerState::kWorking: return {};
    case wire::WorkerState::kDraining: return ", draining";
    case wire::WorkerState::kSetAside: return ", set aside for " + std::to_string(worker.aside_for.count()) + " ms";
    case wire::WorkerState::kProbation: return ", on probation";
    case wire::WorkerState::kUnreachable: return ", unreachable";
  }
  return ", of no known state";
}

std::vector<std::string> names_of(const std::string& word) {
  std::vector<std::string> names;
  std::istringstream stream(word);
  for (std::string name; std::getline(stream, name, ',');) names.push_back(name);
  return names;
}

JobId job_of(const std::string& word) { return JobId{std::stoull(word)}; }

wire::RunningTask task_of(const std::string& word) {
  const std::size_t slash = word.find('/'), hash = word.find('#');
  wire::RunningTask task;
  task.task = {job_of(word.substr(0, slash)), static_cast<std::uint32_t>(std::stoul(word.substr(slash + 1)))};
  if (hash != std::string::npos) task.attempt = static_cast<Attempt>(std::stoul(word.substr(hash + 1)));
  return task;
}

}  // namespace

struct Script::Words {
  std::string verb;
  std::vector<std::string> rest;

  explicit Words(const std::string& line) {
    std::istringstream stream(line);
    stream >> verb;
    for (std::string word; stream >> word;) rest.push_back(word);
  }
  [[nodiscard]] std::string at(std::size_t index) const { return index < rest.size() ? rest[index] : std::string(); }
  [[nodiscard]] bool has(const std::string& word) const { return std::find(rest.begin(), rest.end(), word) != rest.end(); }
  [[nodiscard]] std::string option(const std::string& name, const std::string& otherwise) const {
    for (const std::string& word : rest) {
      if (word.starts_with(name + "=")) return word.substr(name.size() + 1);
    }
    return otherwise;
  }
  [[nodiscard]] std::uint32_t number(const std::string& name, std::uint32_t otherwise) const {
    return static_cast<std::uint32_t>(std::stoul(option(name, std::to_string(otherwise))));
  }
};

std::vector<wire::RunningTask> Script::Peer::running() const {
  std::vector<wire::RunningTask> list;
  for (const auto& [task, attempt] : holds) {
    const auto so_far = done.find(task);
    list.push_back({task, attempt, so_far == done.end() ? 0 : so_far->second});
  }
  return list;
}

Scheduler::Config Script::config(std::uint64_t first_worker) { return {kBuild, WorkerId{first_worker}}; }

Script::Script() : scheduler_(config(1)) {}

void Script::print(const std::string& line) {
  if (stamped_) out_.append("@").append(std::to_string(now_.since_zero.count())).append("ms ");
  out_ += line + "\n";
}

void Script::happen(const Event& event) {
  std::uint64_t slots = 0;
  invariants_.happened(event);
  const Step step = scheduler_.handle(event, now_);
  for (const auto& worker : scheduler_.workers(now_)) slots += worker.slots;
  invariants_.decided(step, slots);
  for (const Fact& fact : step.facts) {
    print("fact " + describe(fact));
    recorded_.push_back(fact);
    invariants_.recorded(fact);
  }
  for (const Action& action : step.actions) {
    const auto* ack = std::get_if<actions::AckHeartbeat>(&action);
    if (ack == nullptr || !ack->ack.drop.empty()) print("act  " + describe(action));
    invariants_.carried_out(action);
    learn(action);
  }
  invariants_.listed(scheduler_, now_);
  if (!invariants_.broken().empty()) print("BROKEN " + invariants_.broken());
}

// What the actions tell the other side.
void Script::learn(const Action& action) {
  const auto peer_called = [&](const std::string& name) -> Peer* {
    const auto at = peers_.find(name);
    return at == peers_.end() || !at->second.beating || at->second.deaf ? nullptr : &at->second;
  };
  if (const auto* allow = std::get_if<actions::AllowInputs>(&action)) {
    allowed_[allow->job] = allow->end;
  } else if (const auto* welcome = std::get_if<actions::WelcomeWorker>(&action)) {
    peers_.at(welcome->peer).id = welcome->worker;
  } else if (const auto* assign = std::get_if<actions::Assign>(&action)) {
    if (Peer* peer = peer_called(assign->peer)) peer->holds[assign->assign.task] = assign->assign.attempt;
  } else if (const auto* settle = std::get_if<actions::SettleAttempt>(&action)) {
    if (Peer* peer = peer_called(settle->peer)) {
      std::erase_if(peer->holds, [&](const auto& held) {
        return held.first == settle->settled.task && held.second == settle->settled.attempt;
      });
    }
  } else if (const auto* ack = std::get_if<actions::AckHeartbeat>(&action)) {
    if (Peer* peer = peer_called(ack->peer)) {
      for (const wire::RunningTask& drop : ack->ack.drop) {
        std::erase_if(peer->holds, [&](const auto& held) { return held.first == drop.task && held.second == drop.attempt; });
      }
    }
  }
}

void Script::beat(Peer& peer, const std::vector<wire::RunningTask>& running) {
  peer.beat_due = now_ + kHeartbeatEvery;
  happen(events::WorkerHeard{peer.peer, {peer.id, running}});
}

void Script::advance(Duration by) {
  stamped_ = true;
  const Instant end = now_ + by;
  while (now_ < end) {
    now_ = std::min(end, now_ + kTickEvery);
    for (auto& [name, peer] : peers_) {
      if (!peer.beating || !peer.id || now_ < peer.beat_due) continue;
      beat(peer, peer.running());
    }
    happen(events::Tick{});
  }
  stamped_ = false;
}

void Script::step(JobId job, StepKind kind) {
  if (kind != StepKind::kAnalyse) return happen(events::StepDone{job, kind, {}, {}});
  happen(events::StepDone{job, kind, plans_[job], needs_[job]});
}

void Script::inputs(JobId job) {
  for (std::uint32_t index = 0; index < allowed_[job]; ++index) {
    if (written_[job].insert(index).second) happen(events::InputReady{{job, index}, {1000, index}});
  }
}

void Script::restart() {
  scheduler_ = Scheduler::restore(config(1'000 * ++restarts_), recorded_, now_);
  invariants_.coordinator_died();
  allowed_.clear();
  for (auto& [job, written] : written_) {
    std::erase_if(written, [&, id = job](std::uint32_t index) {
      const auto* task = invariants_.durable().task({id, index});
      return task == nullptr || !task->committed;
    });
  }
  happen(events::Tick{});
}

void Script::show(JobId id) {
  const auto status = scheduler_.job(id, now_);
  if (!status) return print("unknown");
  std::ostringstream line;
  line << wire::job_state_word(status->state) << ", tasks " << status->tasks_done << "/" << status->tasks_total << ", running "
       << status->tasks_running << ", attempts lost " << status->attempts_lost << ", work "
       << static_cast<int>(status->work_done * 100) << " %, eta " << status->eta.count() << " ms, workers "
       << status->workers_busy;
  print(line.str());
  if (status->fault) print("fault " + std::string(fault_word(status->fault->kind)) + ": " + status->fault->text);
  for (const std::string& text : status->notes) print("note " + text);
}

void Script::show_workers() {
  for (const wire::WorkerStatus& worker : scheduler_.workers(now_)) {
    std::ostringstream line;
    line << "worker " << worker.worker.value << " (" << worker.name << ") busy " << worker.busy << "/" << worker.slots
         << ", done " << worker.tasks_done << ", failed " << worker.tasks_failed << ", silent " << worker.silent.count() << " ms"
         << state_text(worker);
    print(line.str());
  }
}

bool Script::run_job(const Words& words) {
  const std::string& verb = words.verb;
  if (verb == "restart") {
    restart();
    return true;
  }
  if (verb == "advance") {
    advance(duration_of(words.at(0)));
    return true;
  }
  static const std::set<std::string> kVerbs = {
      "submit",   "upload-progress", "uploaded", "upload-failed", "analysed",     "split",  "stitched",
      "packaged", "verified",        "break",    "inputs",        "prepare",      "cancel", "delivered",
      "status",   "block",           "free",     "damage-input",  "damage-output"};
  if (!kVerbs.contains(verb)) return false;
  const JobId job = words.at(0).empty() ? JobId{} : job_of(words.at(0));
  if (verb == "submit") {
    const std::uint32_t audio = words.number("audio", 0), all = words.number("tasks", 3);
    const wire::Abilities video{names_of(words.option("needs", "")), names_of(words.option("reads", ""))};
    const bool choosy = !video.encoders.empty() || !video.decoders.empty();
    if (choosy) needs_[job] = {video, {{"aac"}, {}}};
    for (std::uint32_t index = 0; index < all; ++index) {
      const Duration from{index < audio ? 0 : (index - audio) * 10'000}, to{index < audio ? 0 : from.count() + 10'000};
      plans_[job].push_back({index < audio ? TaskKind::kAudio : TaskKind::kVideo, 10, 250, 2, Duration{60'000}, from, to,
                             choosy && index < audio ? 1U : 0U});
    }
    happen(events::JobAdded{job, words.number("priority", 50), words.has("upload"), words.number("slots", 0)});
  }
  if (verb == "upload-progress") happen(events::UploadProgressed{job});
  if (verb == "uploaded") happen(events::UploadFinished{job});
  if (verb == "upload-failed")
    happen(events::UploadFailed{job, {FaultKind::kInput, "the source's hash is not the announced one"}});
  if (verb == "analysed" || verb == "prepare") step(job, StepKind::kAnalyse);
  if (verb == "inputs" || verb == "prepare") inputs(job);
  if (verb == "split") step(job, StepKind::kSplit);
  if (verb == "stitched") step(job, StepKind::kStitch);
  if (verb == "packaged") step(job, StepKind::kPackage);
  if (verb == "verified") step(job, StepKind::kVerify);
  if (verb == "break") happen(events::StepFailed{job, step_of(words.at(1)), fault_of(words.at(2))});
  if (verb == "block") happen(events::SpoolBlocked{{FaultKind::kMachine, "the disk is full"}});
  if (verb == "free") happen(events::SpoolFreed{});
  if (verb == "damage-input") happen(events::InputDamaged{task_of(words.at(0)).task, {FaultKind::kMachine, "a bit has flipped"}});
  if (verb == "damage-output") {
    const wire::RunningTask task = task_of(words.at(0));
    happen(events::OutputsDamaged{task.task, task.attempt, {FaultKind::kMachine, "a bit has flipped"}});
  }
  if (verb.starts_with("damage-")) written_[job].erase(task_of(words.at(0)).task.index);
  if (verb == "cancel") happen(events::CancelRequested{job});
  if (verb == "delivered") happen(events::Delivered{job});
  if (verb == "status") show(job);
  return true;
}

bool Script::run_worker(const Words& words) {
  const std::string& verb = words.verb;
  if (verb == "workers") {
    show_workers();
    return true;
  }
  const std::string name = words.at(0);
  if (verb == "join") {
    Peer& peer = peers_[name];
    peer.name = peer.peer = name;
    peer.slots = words.number("slots", peer.slots);
    happen(events::WorkerSaidHello{name,
                                   {words.number("protocol", wire::kProtocolVersion),
                                    words.option("build", kBuild),
                                    "host/" + name,
                                    peer.slots,
                                    peer.running(),
                                    {names_of(words.option("encoders", "")), names_of(words.option("decoders", ""))}}});
    peer.beat_due = now_ + kHeartbeatEvery;
    return true;
  }
  const auto at = peers_.find(name);
  if (at == peers_.end()) return false;
  Peer& peer = at->second;
  if (verb == "lose" || verb == "find") peer.beating = verb == "find";
  if (verb == "deafen") peer.deaf = true;
  if (verb == "progress") peer.done[task_of(words.at(1)).task] = static_cast<std::uint64_t>(std::stoul(words.at(2)));
  if (verb == "disconnect") happen(events::WorkerDisconnected{name});
  if (verb == "reconnect") happen(events::WorkerReconnected{name});
  if (verb == "drain") happen(events::DrainRequested{peer.id});
  if (verb == "leave") {
    peer.beating = false;
    happen(events::WorkerLeft{name});
  }
  if (verb == "beat") {
    std::vector<wire::RunningTask> running;
    for (std::size_t index = 1; index < words.rest.size(); ++index) {
      if (words.at(index) != "all") running.push_back(task_of(words.at(index)));
    }
    beat(peer, words.has("all") ? peer.running() : running);
  }
  if (verb == "done" || verb == "fail" || verb == "differ") {
    wire::RunningTask task = task_of(words.at(1));
    if (task.attempt == 0) task.attempt = peer.holds[task.task];
    if (verb == "done") {
      happen(events::TaskFinished{name, {peer.id, task.task, task.attempt, "result", {{500, 1}, {600, 2}}}});
    } else if (verb == "differ") {
      happen(events::TaskFinished{name, {peer.id, task.task, task.attempt, "result", {{500, 1}, {600, 3}}}});
    } else {
      happen(events::TaskFailed{name, {peer.id, task.task, task.attempt, fault_of(words.at(2))}});
    }
  }
  static const std::set<std::string> kVerbs = {"lose", "find",   "deafen",   "leave",      "beat",      "done",
                                               "fail", "differ", "progress", "disconnect", "reconnect", "drain"};
  return kVerbs.contains(verb);
}

std::string Script::run(const std::string& command) {
  out_.clear();
  const Words words(command);
  if (!run_job(words) && !run_worker(words)) print("no such command: " + command);
  return out_;
}

}  // namespace gopmill::test
