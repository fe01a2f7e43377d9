// Long because: a farm is one thing. Its parts know each other, and apart each would need stand-ins of the others.

#include "tests/support/simulator.h"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "coordinator/scheduler/scheduler.h"
#include "coordinator/store/fact_codec.h"
#include "coordinator/store/store.h"
#include "tests/support/agenda.h"
#include "tests/support/crash_disk.h"
#include "tests/support/invariants.h"
#include "worker/session.h"

namespace gopmill::test {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kTraceTail = 150;
constexpr Duration kStormMax = 4h;    // beyond its time, until there were faults enough
constexpr Duration kCalmMax = 4h;     // after the storm
constexpr Duration kQuietMax = 3min;  // in calm: longer than any back-off, any upload's patience and any task
constexpr Duration kSettle = 30s;     // after the last job, for the last words and clean-ups
constexpr char kBuild[] = "simulated";
const std::vector<std::string> kEncoders = {"aac", "libx264", "libx265", "libsvtav1"};

using AttemptName = std::pair<TaskId, Attempt>;

// What the coordinator's disk holds besides facts.
struct Spool {
  std::set<TaskId> inputs;
  std::set<AttemptName> outputs;
  std::map<TaskId, Attempt> committed;
  std::set<TaskId> damaged;  // of those committed
  std::set<JobId> sources, files;

  void clean(JobId job, bool keep_files) {
    std::erase_if(inputs, [&](const TaskId& task) { return task.job == job; });
    std::erase_if(outputs, [&](const AttemptName& name) { return name.first.job == job; });
    std::erase_if(committed, [&](const auto& entry) { return entry.first.job == job; });
    std::erase_if(damaged, [&](const TaskId& task) { return task.job == job; });
    sources.erase(job);
    if (!keep_files) files.erase(job);
  }
  [[nodiscard]] bool empty() const {
    return inputs.empty() && outputs.empty() && committed.empty() && sources.empty() && files.empty();
  }
};

// What the store owes whoever opens it: the facts of the jobs that are not over, in order, and two ends of those that are.
class OwedFacts {
 public:
  void record(const std::vector<Fact>& facts) {
    for (const Fact& fact : facts) {
      const FactRow row = to_row(fact);
      rows_[row.job].push_back({++count_, row.kind, row.body});
      const auto* ended = std::get_if<facts::JobEnded>(&fact);
      const bool over =
          std::holds_alternative<facts::JobForgotten>(fact) || (ended != nullptr && ended->state != wire::JobState::kDone);
      if (over) std::erase_if(rows_[row.job], [](const Row& r) { return !ends_a_life(r); });
    }
  }
  [[nodiscard]] bool equals(const std::vector<Fact>& found) const {
    std::map<JobId, std::vector<Row>> rows;
    std::size_t count = 0;
    for (const Fact& fact : found) {
      const FactRow row = to_row(fact);
      rows[row.job].push_back({0, row.kind, row.body});
    }
    for (const auto& [job, own] : rows_) count += own.empty() ? 0 : 1;
    return count == rows.size() && std::all_of(rows.begin(), rows.end(), [&](const auto& entry) {
             const auto own = rows_.find(entry.first);
             return own != rows_.end() &&
                    std::equal(entry.second.begin(), entry.second.end(), own->second.begin(), own->second.end(),
                               [](const Row& a, const Row& b) { return a.kind == b.kind && a.body == b.body; });
           });
  }

 private:
  struct Row {
    std::uint64_t seq = 0;
    int kind = 0;
    std::string body;
  };
  static bool ends_a_life(const Row& row) {
    return (", " + std::string(kFactKindsKept) + ",").find(" " + std::to_string(row.kind) + ",") != std::string::npos;
  }
  std::map<JobId, std::vector<Row>> rows_;
  std::uint64_t count_ = 0;
};

struct FakeStep {
  std::uint64_t token = 0;
  std::vector<std::uint32_t> inputs;  // of a splitter
  std::size_t written = 0;
  std::uint32_t end = 0;
  bool writing = false;
};

struct FakeWorker {
  int number = 0;
  std::string peer;
  std::uint32_t slots = 1;
  std::optional<wire::Abilities> abilities;
  std::unique_ptr<Session> session;
  bool alive = false, stopped = false;
  std::deque<Seen> frozen;                    // what waits for a stopped process
  std::map<AttemptName, std::uint64_t> work;  // not released yet
  std::set<AttemptName> children;
};

struct FakeJob {
  JobId id;
  std::uint32_t priority = 50;
  bool upload = true, stalls = false, cancel = false;
  int upload_left = 0;
  Instant cancel_at;
  std::vector<TaskShape> tasks;
  std::vector<wire::Abilities> needs;
  std::optional<std::uint32_t> poison;
  bool over = false;
};

class Farm {
 public:
  Farm(std::uint64_t seed, const Weather& weather) : weather_(weather), dice_(seed) { voyage_.seed = seed; }
  Voyage sail();

 private:
  // ---- The coordinator's shell ----
  void boot_coordinator();
  void open_store();
  void kill_coordinator();
  void die();
  void happen(const Event& event);
  void write(Step step);
  void recorded(const Fact& fact);
  void carry_out(const Action& action);
  void coordinator_ticks(std::uint64_t epoch);
  void start_step(const actions::StartStep& action);
  void end_step(JobId job, StepKind step, std::uint64_t token);
  void split_on(JobId job, std::uint64_t token);
  void hear(const std::string& peer, const wire::Control& message);

  // ---- The network ----
  void tell_worker(const std::string& peer, const wire::Control& message);
  void tell_coordinator(const std::string& peer, const wire::Control& message);
  void deliver(const Agenda::Deed& deed);

  // ---- Workers ----
  void boot_worker(int number);
  static bool can(const FakeWorker& worker, const wire::Abilities& needs) {
    return std::all_of(needs.encoders.begin(), needs.encoders.end(), [&](const std::string& name) {
      const auto& has = worker.abilities->encoders;
      return std::find(has.begin(), has.end(), name) != has.end();
    });
  }
  void kill_worker(FakeWorker& worker);
  void feed(FakeWorker& worker, const Seen& seen);
  void worker_ticks(int number, const std::string& peer);
  void obey(FakeWorker& worker, const Order& order);
  void fetch(int number, const AttemptName& name, std::uint64_t token);
  void run_child(FakeWorker& worker, const AttemptName& name, std::uint64_t token);
  void end_child(int number, const AttemptName& name, std::uint64_t token);
  void store(int number, const AttemptName& name, std::uint64_t token);
  bool working(int number, const AttemptName& name, std::uint64_t token);

  // ---- People ----
  FakeJob invent_job();
  void submit(std::size_t which);
  void look_after(std::size_t which);

  // ---- Trouble ----
  void plan_trouble();
  void every(Duration mean, void (Farm::*trouble)());
  void kill_someone();
  void stop_someone();
  void drain_someone();
  void disconnect(const std::string& peer, Duration back_after);
  void fill_disk();
  FakeWorker* someone();
  bool strikes(std::int64_t permille) { return !calm_ && permille > 0 && dice_.permille(permille); }
  Fault child_fault();

  void check();
  void complain(const std::string& what) {
    if (voyage_.broken.empty()) voyage_.broken = what;
  }
  void note(std::string line);
  [[nodiscard]] Instant now() const { return agenda_.now(); }
  bool go_on(Instant end);
  [[nodiscard]] bool all_over() const {
    return std::all_of(jobs_.begin(), jobs_.end(), [](const FakeJob& job) { return job.over; });
  }

  const Weather weather_;
  Dice dice_;
  Agenda agenda_;
  Voyage voyage_;
  std::deque<std::string> tail_;
  bool calm_ = false;

  std::optional<Scheduler> scheduler_;
  std::uint64_t epoch_ = 0;  // rises with every start and death of the coordinator
  std::uint64_t starts_ = 0;
  Instant disk_free_;
  bool blocked_ = false;
  Instant last_fact_;
  CrashDisk disk_;
  std::optional<Store> store_;  // after its disk: it is closed before
  OwedFacts owed_;
  std::vector<Fact> in_doubt_;  // of a commit that was cut short: they are on disk all, or none is
  Spool spool_;
  std::map<std::pair<JobId, StepKind>, FakeStep> steps_;
  Invariants invariants_;

  std::map<int, FakeWorker> workers_;
  std::map<std::string, int> by_peer_;
  std::uint64_t tokens_ = 0, lives_ = 0;
  std::vector<FakeJob> jobs_;
};

// ---- The coordinator's shell: facts to disk with a delay, then actions; it may die between any two of them ----

void Farm::boot_coordinator() {
  if (scheduler_) return;
  ++epoch_;
  open_store();
  if (!store_) return;
  const auto facts = store_->living_facts();
  const auto workers = store_->next_worker_block();
  if (!facts || !workers) return die();
  OwedFacts with_doubt = owed_;
  with_doubt.record(in_doubt_);
  if (!in_doubt_.empty() && with_doubt.equals(*facts)) {
    owed_ = std::move(with_doubt);
    for (const Fact& fact : in_doubt_) recorded(fact);
    invariants_.coordinator_died();  // what was in doubt has been decided
  } else if (!owed_.equals(*facts)) {
    complain("the store has not what was recorded");
  }
  in_doubt_.clear();
  scheduler_ = Scheduler::restore({kBuild, *workers}, *facts, now());
  disk_free_ = now();
  // What was submitted and never recorded was never accepted: its source is removed, and its id may be another's.
  std::erase_if(spool_.sources, [&](const JobId& job) { return invariants_.durable().job(job) == nullptr; });
  for (FakeJob& job : jobs_) {
    if (invariants_.durable().job(job.id) == nullptr) job.id = {};
  }
  note("-- coordinator starts with " + std::to_string(facts->size()) + " facts");
  coordinator_ticks(epoch_);
  if (blocked_) happen(events::SpoolBlocked{{FaultKind::kMachine, "the disk is full"}});
}

// A store whose opening is cut short is opened again, as by a person who starts the coordinator again.
void Farm::open_store() {
  auto store = Store::open("gopmill.db", disk_.vfs());
  if (store) {
    store_.emplace(std::move(*store));
  } else if (disk_.stopped()) {
    die();
  } else {
    complain("the store does not open: " + store.error().text);
  }
}

// Between two commits, or within the next: before any one of its operations.
void Farm::kill_coordinator() {
  if (!scheduler_) return;
  if (dice_.permille(400)) return die();
  disk_.stop_at(disk_.operations() + static_cast<std::uint64_t>(dice_.between(1, 12)));
}

void Farm::die() {
  const bool writing = disk_.stopped();
  note(writing ? "-- coordinator dies writing" : "-- coordinator dies");
  ++voyage_.coordinator_deaths;
  voyage_.deaths_writing += writing ? 1 : 0;
  ++epoch_;
  disk_.stop();
  store_.reset();
  scheduler_.reset();
  dice_.permille(700) ? disk_.lose_power(dice_) : disk_.kill_process();
  steps_.clear();
  invariants_.coordinator_died();
  agenda_.after(dice_.between(200ms, 8s), [this] { boot_coordinator(); });
}

void Farm::coordinator_ticks(std::uint64_t epoch) {
  if (epoch != epoch_) return;
  happen(events::Tick{});
  agenda_.after(kTickEvery, [this, epoch] { coordinator_ticks(epoch); });
}

void Farm::happen(const Event& event) {
  if (!scheduler_) return;
  std::uint64_t slots = 0;
  invariants_.happened(event);
  Step step = scheduler_->handle(event, now());
  for (const auto& worker : scheduler_->workers(now())) slots += worker.slots;
  const bool routine = std::holds_alternative<events::Tick>(event) || std::holds_alternative<events::WorkerHeard>(event);
  if (!routine) note(describe(event));
  if (!step.facts.empty()) last_fact_ = now();
  for (const Fact& fact : step.facts) {
    note("  fact " + describe(fact));
    if (std::holds_alternative<facts::TaskCommitted>(fact)) ++voyage_.commits;
    if (std::holds_alternative<facts::AttemptLost>(fact)) ++voyage_.attempts_lost;
    if (std::holds_alternative<facts::TaskAdopted>(fact)) ++voyage_.adoptions;
    if (const auto* lease = std::get_if<facts::TaskLeased>(&fact)) {
      const auto* before = invariants_.durable().task(lease->task);
      if (before != nullptr && before->leases.size() == 1) ++voyage_.repetitions;
      const bool unable = std::any_of(workers_.begin(), workers_.end(), [&](const auto& w) {
        return before != nullptr && w.second.alive && !can(w.second, before->needs);
      });
      if (unable) ++voyage_.passed_over;
    }
  }
  invariants_.decided(step, slots);
  invariants_.listed(*scheduler_, now());
  if (const auto* finished = std::get_if<events::TaskFinished>(&event)) {
    const bool committed = std::any_of(step.facts.begin(), step.facts.end(),
                                       [](const Fact& fact) { return std::holds_alternative<facts::TaskCommitted>(fact); });
    if (!committed && finished->done.attempt != 0) ++voyage_.stale_results;
  }
  write(std::move(step));
}

void Farm::write(Step step) {
  if (step.facts.empty() && step.actions.empty()) return;
  const Duration sync = step.facts.empty() ? 0ms : dice_.between(1ms, 15ms);
  const Instant synced = std::max(disk_free_, now() + sync);
  disk_free_ = synced + dice_.between(0ms, 2ms);
  auto shared = std::make_shared<const Step>(std::move(step));
  agenda_.at(synced, [this, shared, epoch = epoch_] {
    if (epoch != epoch_) return;
    if (!store_->record(shared->facts)) {
      in_doubt_ = shared->facts;
      return die();
    }
    owed_.record(shared->facts);
    for (const Fact& fact : shared->facts) recorded(fact);
  });
  agenda_.at(disk_free_, [this, shared, epoch = epoch_] {
    for (const Action& action : shared->actions) {
      if (epoch != epoch_) return;
      carry_out(action);
    }
  });
}

void Farm::recorded(const Fact& fact) {
  invariants_.recorded(fact);
  // Damaged bytes stay until it is on disk that they are nobody's outputs: a coordinator that dies before finds them again.
  if (const auto* reopened = std::get_if<facts::TaskReopened>(&fact)) {
    spool_.committed.erase(reopened->task);
    spool_.damaged.erase(reopened->task);
  }
}

void Farm::carry_out(const Action& action) {
  invariants_.carried_out(action);
  const auto* ack = std::get_if<actions::AckHeartbeat>(&action);
  if (ack == nullptr || !ack->ack.drop.empty()) note("  act  " + describe(action));
  if (ack != nullptr) return tell_worker(ack->peer, ack->ack);
  if (const auto* a = std::get_if<actions::WelcomeWorker>(&action)) {
    tell_worker(a->peer, wire::Welcome{a->worker, kBuild, "data", kHeartbeatEvery, kWorkerSilenceMax});
  } else if (const auto* refuse = std::get_if<actions::RefuseWorker>(&action)) {
    tell_worker(refuse->peer, wire::Refused{0, refuse->fault});
  } else if (const auto* forget = std::get_if<actions::ForgetWorker>(&action)) {
    tell_worker(forget->peer, wire::UnknownWorker{forget->worker});
  } else if (const auto* assign = std::get_if<actions::Assign>(&action)) {
    tell_worker(assign->peer, assign->assign);
  } else if (const auto* settle = std::get_if<actions::SettleAttempt>(&action)) {
    tell_worker(settle->peer, settle->settled);
  } else if (std::holds_alternative<actions::ReportDifference>(action)) {
    complain("two attempts of one task differ: " + describe(action));
  } else if (const auto* drain = std::get_if<actions::DrainWorker>(&action)) {
    tell_worker(drain->peer, wire::Drain{drain->worker});
  } else if (const auto* start = std::get_if<actions::StartStep>(&action)) {
    start_step(*start);
  } else if (const auto* stop = std::get_if<actions::StopStep>(&action)) {
    steps_.erase({stop->job, stop->step});
  } else if (const auto* allow = std::get_if<actions::AllowInputs>(&action)) {
    const auto split = steps_.find({allow->job, StepKind::kSplit});
    if (split == steps_.end()) return;
    split->second.end = allow->end;
    split_on(allow->job, split->second.token);
  } else if (const auto* drop = std::get_if<actions::DropInput>(&action)) {
    spool_.inputs.erase(drop->task);
  } else if (const auto* commit = std::get_if<actions::CommitOutputs>(&action)) {
    if (spool_.outputs.erase({commit->task, commit->attempt}) > 0) spool_.committed[commit->task] = commit->attempt;
    const auto kept = spool_.committed.find(commit->task);
    if (kept == spool_.committed.end() || kept->second != commit->attempt) complain("no outputs to commit: " + describe(action));
  } else if (const auto* discard = std::get_if<actions::DiscardOutputs>(&action)) {
    spool_.outputs.erase({discard->task, discard->attempt});
  } else if (const auto* clean = std::get_if<actions::CleanJob>(&action)) {
    spool_.clean(clean->job, clean->keep_files);
  } else if (const auto* no = std::get_if<actions::RefuseJob>(&action)) {
    spool_.clean(no->job, false);
  }
}

void Farm::start_step(const actions::StartStep& action) {
  static constexpr std::size_t kMost[] = {kAnalysingMax, kActiveTotalMax, kStitchingMax, kVerifyingMax, kPackagingMax};
  const auto [at, fresh] = steps_.try_emplace({action.job, action.step});
  if (!fresh) complain("a step was started twice: " + describe(Action(action)));
  const auto same = std::count_if(steps_.begin(), steps_.end(), [&](const auto& s) { return s.first.second == action.step; });
  if (static_cast<std::size_t>(same) > kMost[static_cast<int>(action.step) - 1]) complain("too many steps of a kind at once");
  if (action.step == StepKind::kStitch) {
    const bool litter = std::any_of(spool_.outputs.begin(), spool_.outputs.end(),
                                    [&](const AttemptName& name) { return name.first.job == action.job; });
    if (litter) complain("outputs of lost attempts are still in the spool: " + describe(Action(action)));
    const auto parts = std::count_if(spool_.committed.begin(), spool_.committed.end(),
                                     [&](const auto& entry) { return entry.first.job == action.job; });
    const auto* job = invariants_.durable().job(action.job);
    if (job == nullptr || static_cast<std::size_t>(parts) != job->tasks.size())
      complain("stitching without every task's outputs");
  }
  at->second.token = ++tokens_;
  at->second.inputs = action.inputs;
  const std::uint64_t token = tokens_;
  if (action.step == StepKind::kStitch && strikes(weather_.damage)) {
    const auto part = std::find_if(spool_.committed.begin(), spool_.committed.end(),
                                   [&](const auto& entry) { return entry.first.job == action.job; });
    spool_.damaged.insert(part->first);
  }
  const auto damaged =
      std::find_if(spool_.damaged.begin(), spool_.damaged.end(), [&](const TaskId& task) { return task.job == action.job; });
  if (action.step == StepKind::kStitch && damaged != spool_.damaged.end()) {
    const events::OutputsDamaged found{*damaged, spool_.committed.at(*damaged), {FaultKind::kMachine, "a bit has flipped"}};
    agenda_.after(dice_.between(10ms, 1s), [this, found, token] {
      const auto step = steps_.find({found.task.job, StepKind::kStitch});
      if (step == steps_.end() || step->second.token != token) return;
      steps_.erase(step);
      ++voyage_.damages;
      happen(found);
    });
    return;
  }
  if (strikes(weather_.step_fails)) {
    static constexpr FaultKind kKinds[] = {FaultKind::kMachine, FaultKind::kMachine, FaultKind::kPoison, FaultKind::kInput};
    const FaultKind kind = kKinds[dice_.between(0, 3)];
    agenda_.after(dice_.between(10ms, 3s), [this, action, kind, token] {
      const auto step = steps_.find({action.job, action.step});
      if (step == steps_.end() || step->second.token != token) return;
      steps_.erase(step);
      ++voyage_.step_faults;
      happen(events::StepFailed{action.job, action.step, {kind, "simulated"}});
    });
  } else if (action.step != StepKind::kSplit) {
    agenda_.after(dice_.between(50ms, 4s), [this, action, token] { end_step(action.job, action.step, token); });
  }
}

void Farm::end_step(JobId id, StepKind kind, std::uint64_t token) {
  const auto step = steps_.find({id, kind});
  if (step == steps_.end() || step->second.token != token) return;
  steps_.erase(step);
  events::StepDone done{id, kind, {}, {}};
  if (kind == StepKind::kVerify) spool_.files.insert(id);
  if (kind == StepKind::kAnalyse) {
    for (const FakeJob& job : jobs_) {
      if (job.id != id) continue;
      done.tasks = job.tasks;
      done.needs = job.needs;
    }
  }
  happen(done);
}

void Farm::split_on(JobId job, std::uint64_t token) {
  const auto at = steps_.find({job, StepKind::kSplit});
  if (at == steps_.end() || at->second.token != token || at->second.writing) return;
  FakeStep& step = at->second;
  if (step.written == step.inputs.size()) {
    step.writing = true;
    agenda_.after(dice_.between(5ms, 300ms), [this, job, token] { end_step(job, StepKind::kSplit, token); });
    return;
  }
  const std::uint32_t index = step.inputs[step.written];
  if (index >= step.end) return;
  step.writing = true;
  agenda_.after(dice_.between(5ms, 400ms), [this, job, token, index] {
    const auto split = steps_.find({job, StepKind::kSplit});
    if (split == steps_.end() || split->second.token != token) return;
    split->second.writing = false;
    ++split->second.written;
    spool_.inputs.insert({job, index});
    happen(events::InputReady{{job, index}, {100 + index, index}});
    split_on(job, token);
  });
}

void Farm::hear(const std::string& peer, const wire::Control& message) {
  if (!scheduler_) return;
  if (const auto* hello = std::get_if<wire::WorkerHello>(&message)) {
    happen(events::WorkerSaidHello{peer, *hello});
  } else if (const auto* heartbeat = std::get_if<wire::Heartbeat>(&message)) {
    happen(events::WorkerHeard{peer, *heartbeat});
  } else if (std::holds_alternative<wire::Goodbye>(message)) {
    happen(events::WorkerLeft{peer});
  } else if (const auto* failed = std::get_if<wire::TaskFailed>(&message)) {
    happen(events::TaskFailed{peer, *failed});
  } else if (const auto* done = std::get_if<wire::TaskDone>(&message)) {
    if (spool_.outputs.contains({done->task, done->attempt})) {
      happen(events::TaskFinished{peer, *done});
    } else {
      const Fault gone{FaultKind::kMachine, "its outputs are not in the spool"};
      happen(events::TaskFailed{peer, {done->worker, done->task, done->attempt, gone}});
    }
  }
}

// ---- The network ----

void Farm::deliver(const Agenda::Deed& deed) {
  ++voyage_.messages;
  const int copies = strikes(weather_.duplicate) ? 2 : 1;
  voyage_.doubled += static_cast<std::uint64_t>(copies - 1);
  for (int copy = 0; copy < copies; ++copy) {
    if (strikes(weather_.lose)) {
      ++voyage_.lost;
      continue;
    }
    const bool slow = strikes(weather_.delay_long);
    voyage_.delayed += slow ? 1 : 0;
    agenda_.after(slow ? dice_.between(100ms, 8s) : dice_.between(1ms, 30ms), deed);
  }
}

void Farm::tell_worker(const std::string& peer, const wire::Control& message) {
  deliver([this, peer, message] {
    const auto at = by_peer_.find(peer);
    if (at != by_peer_.end()) feed(workers_.at(at->second), seen::Received{message});
  });
}

void Farm::tell_coordinator(const std::string& peer, const wire::Control& message) {
  deliver([this, peer, message] { hear(peer, message); });
}

// ---- Workers ----

void Farm::boot_worker(int number) {
  FakeWorker& worker = workers_[number];
  if (worker.alive) return;
  worker.number = number;
  if (worker.slots == 1 && lives_ < static_cast<std::uint64_t>(weather_.workers)) {
    worker.slots = static_cast<std::uint32_t>(dice_.between(1, 4));
  }
  worker.peer = std::string("w").append(std::to_string(number)).append(".").append(std::to_string(++lives_));
  if (!worker.abilities) {
    worker.abilities.emplace();
    for (const std::string& name : kEncoders) {
      if (number == weather_.workers || !dice_.permille(weather_.lacks)) worker.abilities->encoders.push_back(name);
    }
  }
  worker.session = std::make_unique<Session>(Session::Config{kBuild, worker.peer, worker.slots, *worker.abilities}, now());
  worker.alive = true;
  worker.stopped = false;
  by_peer_[worker.peer] = number;
  note("-- " + worker.peer + " starts with " + std::to_string(worker.slots) + " slots");
  worker_ticks(number, worker.peer);
}

void Farm::kill_worker(FakeWorker& worker) {
  worker.alive = false;
  by_peer_.erase(worker.peer);
  worker.work.clear();
  worker.children.clear();
  worker.frozen.clear();
  worker.session.reset();
  agenda_.after(dice_.between(500ms, 10s), [this, number = worker.number] { boot_worker(number); });
}

void Farm::worker_ticks(int number, const std::string& peer) {
  FakeWorker& worker = workers_.at(number);
  if (!worker.alive || worker.peer != peer) return;
  if (!worker.stopped) feed(worker, seen::Tick{});
  agenda_.after(kSessionTickEvery, [this, number, peer] { worker_ticks(number, peer); });
}

void Farm::feed(FakeWorker& worker, const Seen& seen) {
  if (!worker.alive) return;
  if (worker.stopped) {
    worker.frozen.push_back(seen);
    return;
  }
  const std::string peer = worker.peer;
  for (const Order& order : worker.session->handle(seen, now())) {
    if (!worker.alive || worker.peer != peer) return;
    obey(worker, order);
  }
  if (worker.alive && worker.session->held() > worker.slots) complain(peer + " holds more than its slots");
}

void Farm::obey(FakeWorker& worker, const Order& order) {
  const int number = worker.number;
  if (const auto* send = std::get_if<orders::Send>(&order)) {
    tell_coordinator(worker.peer, send->message);
  } else if (const auto* get = std::get_if<orders::FetchInput>(&order)) {
    const AttemptName name{get->task, get->attempt};
    worker.work[name] = ++tokens_;
    agenda_.after(dice_.between(5ms, 800ms), [this, number, name, token = tokens_] { fetch(number, name, token); });
  } else if (const auto* start = std::get_if<orders::StartChild>(&order)) {
    const AttemptName name{start->task, start->attempt};
    run_child(worker, name, worker.work.at(name));
  } else if (const auto* put = std::get_if<orders::StoreOutputs>(&order)) {
    const AttemptName name{put->task, put->attempt};
    agenda_.after(dice_.between(5ms, 800ms), [this, number, name, token = worker.work.at(name)] { store(number, name, token); });
  } else if (const auto* release = std::get_if<orders::Release>(&order)) {
    worker.work.erase({release->task, release->attempt});
    worker.children.erase({release->task, release->attempt});
  } else if (const auto* leave = std::get_if<orders::Leave>(&order)) {
    note("-- " + worker.peer + " leaves");
    if (leave->fault) complain(worker.peer + " was refused: " + leave->fault->text);
    kill_worker(worker);
  }
}

bool Farm::working(int number, const AttemptName& name, std::uint64_t token) {
  const FakeWorker& worker = workers_.at(number);
  const auto work = worker.work.find(name);
  return worker.alive && work != worker.work.end() && work->second == token;
}

// Transfers outlive the coordinator's absence: they resume. What the coordinator denies is over.
void Farm::fetch(int number, const AttemptName& name, std::uint64_t token) {
  if (!working(number, name, token)) return;
  FakeWorker& worker = workers_.at(number);
  if (!scheduler_ || worker.stopped || !scheduler_->knows_peer(worker.peer)) {
    agenda_.after(500ms, [this, number, name, token] { fetch(number, name, token); });
    return;
  }
  if (spool_.inputs.contains(name.first) && strikes(weather_.damage)) {
    ++voyage_.damages;
    spool_.inputs.erase(name.first);
    happen(events::InputDamaged{name.first, {FaultKind::kMachine, "a bit has flipped"}});
    agenda_.after(500ms, [this, number, name, token] { fetch(number, name, token); });
    return;
  }
  const bool there = scheduler_->may_fetch(worker.peer, name.first) && spool_.inputs.contains(name.first);
  if (there && !strikes(weather_.transfer_fails)) return feed(worker, seen::InputFetched{name.first, name.second});
  ++voyage_.transfer_faults;
  feed(worker, seen::TransferFailed{name.first, name.second, {FaultKind::kMachine, "the input cannot be fetched"}});
}

void Farm::run_child(FakeWorker& worker, const AttemptName& name, std::uint64_t token) {
  worker.children.insert(name);
  if (worker.children.size() > worker.slots) complain(worker.peer + " runs more children than slots");
  const Duration time = dice_.between(200ms, 15s);
  const int number = worker.number;
  agenda_.after(time / 2, [this, number, name, token] {
    if (working(number, name, token)) feed(workers_.at(number), seen::ChildProgressed{name.first, name.second, 120});
  });
  agenda_.after(time, [this, number, name, token] { end_child(number, name, token); });
}

Fault Farm::child_fault() {
  const std::int64_t roll = dice_.between(0, 999);
  const auto within = [&](std::int64_t from, std::int64_t width) { return roll >= from && roll < from + width; };
  if (calm_) return {};
  if (within(0, weather_.child_machine)) return {FaultKind::kMachine, "no memory"};
  if (within(300, weather_.child_poison)) return {FaultKind::kPoison, "killed by signal 11"};
  if (within(600, weather_.child_input)) return {FaultKind::kInput, "the source is damaged"};
  return {};
}

void Farm::end_child(int number, const AttemptName& name, std::uint64_t token) {
  if (!working(number, name, token)) return;
  FakeWorker& worker = workers_.at(number);
  worker.children.erase(name);
  const auto job = std::find_if(jobs_.begin(), jobs_.end(), [&](const FakeJob& j) { return j.id == name.first.job; });
  Fault fault = child_fault();
  if (!calm_ && number == weather_.bad_worker) fault = {FaultKind::kMachine, "the disk is broken"};
  if (job->poison == name.first.index) fault = {FaultKind::kPoison, "killed by signal 11"};
  if (!fault.text.empty()) {
    ++voyage_.child_faults;
    return feed(worker, seen::ChildFailed{name.first, name.second, fault});
  }
  std::vector<wire::ArtifactFacts> outputs(job->tasks.at(name.first.index).outputs, {1000, 7});
  feed(worker, seen::ChildDone{name.first, name.second, "result", outputs});
}

void Farm::store(int number, const AttemptName& name, std::uint64_t token) {
  if (!working(number, name, token)) return;
  FakeWorker& worker = workers_.at(number);
  if (!scheduler_ || worker.stopped || !scheduler_->knows_peer(worker.peer)) {
    agenda_.after(500ms, [this, number, name, token] { store(number, name, token); });
    return;
  }
  if (scheduler_->may_store(worker.peer, name.first, name.second) && !strikes(weather_.transfer_fails)) {
    spool_.outputs.insert(name);
    return feed(worker, seen::OutputsStored{name.first, name.second});
  }
  ++voyage_.transfer_faults;
  feed(worker, seen::TransferFailed{name.first, name.second, {FaultKind::kMachine, "the outputs cannot be stored"}});
}

// ---- People ----

FakeJob Farm::invent_job() {
  FakeJob job;
  job.priority = static_cast<std::uint32_t>(dice_.between(0, 3) * 25);
  job.upload = dice_.permille(600);
  job.upload_left = static_cast<int>(dice_.between(0, 6));
  job.stalls = job.upload && dice_.permille(weather_.upload_stalls);
  job.cancel = dice_.permille(weather_.cancels);
  job.cancel_at = now() + dice_.between(100ms, weather_.storm);
  const std::int64_t audio = dice_.between(0, 2), video = dice_.between(1, 16);
  job.needs = {{{"aac"}, {}}, {}};
  for (std::size_t i = 1; i < kEncoders.size(); ++i) {
    if (dice_.permille(400)) job.needs[1].encoders.push_back(kEncoders[i]);
  }
  for (std::int64_t i = 0; i < audio + video; ++i) {
    TaskShape shape;
    shape.kind = i < audio ? TaskKind::kAudio : TaskKind::kVideo;
    shape.cost = static_cast<std::uint64_t>(dice_.between(1, 10));
    shape.units = 250;
    shape.outputs = static_cast<std::uint32_t>(dice_.between(1, 3));
    shape.time_max = 60s;
    shape.needs = i < audio ? 0 : 1;
    job.tasks.push_back(shape);
  }
  if (dice_.permille(weather_.poison_task)) job.poison = static_cast<std::uint32_t>(dice_.between(0, audio + video - 1));
  return job;
}

// One key is one job: offered again, it has the same id, but for one that went down with the coordinator unaccepted.
void Farm::submit(std::size_t which) {
  FakeJob& job = jobs_[which];
  if (scheduler_) {
    wire::Submission submission;
    submission.key = "job " + std::to_string(which);
    const auto added = store_->add(submission, 1'700'000'000'000 + now().since_zero.count());
    if (!added) complain("a submission cannot be added: " + added.error().text);
    job.id = added->job;
    if (!added->known) {
      if (!job.upload) spool_.sources.insert(job.id);
      happen(events::JobAdded{job.id, job.priority, job.upload});
    }
  }
  look_after(which);
}

// Asks for the job's state now and then, as `gopmill wait` does, and does what that state asks of the submitter.
void Farm::look_after(std::size_t which) {
  FakeJob& job = jobs_[which];
  const auto* disk = invariants_.durable().job(job.id);
  if (disk != nullptr && is_final(disk->state)) {
    if (disk->state != wire::JobState::kDone || disk->forgotten) {
      job.over = true;
      if (disk->state == wire::JobState::kDone) ++voyage_.jobs_done;
      if (disk->state == wire::JobState::kFailed) ++voyage_.jobs_failed;
      if (disk->state == wire::JobState::kCancelled) ++voyage_.jobs_cancelled;
      return;
    }
    if (scheduler_ && !spool_.files.contains(job.id)) complain("a done job has no files");
    happen(events::Delivered{job.id});
  } else if (disk == nullptr && scheduler_ && !scheduler_->job(job.id, now())) {
    agenda_.after(300ms, [this, which] { submit(which); });  // went down with the coordinator before it was accepted
    return;
  } else if (job.cancel && now() >= job.cancel_at) {
    happen(events::CancelRequested{job.id});
  } else if (disk != nullptr && disk->state == wire::JobState::kUploading && !job.stalls) {
    spool_.sources.insert(job.id);
    if (job.upload_left-- > 0) {
      happen(events::UploadProgressed{job.id});
    } else if (strikes(weather_.upload_fails)) {
      happen(events::UploadFailed{job.id, {FaultKind::kInput, "the source's hash is wrong"}});
    } else {
      happen(events::UploadFinished{job.id});
    }
  }
  agenda_.after(dice_.between(500ms, 2s), [this, which] { look_after(which); });
}

// ---- Trouble ----

void Farm::every(Duration mean, void (Farm::*trouble)()) {
  if (mean == 0ms) return;
  agenda_.after(dice_.between(mean / 4, mean * 7 / 4), [this, mean, trouble] {
    if (calm_) return;
    (this->*trouble)();
    every(mean, trouble);
  });
}

FakeWorker* Farm::someone() {
  const int number = static_cast<int>(dice_.between(1, weather_.workers));
  FakeWorker& worker = workers_[number];
  return worker.alive ? &worker : nullptr;
}

void Farm::kill_someone() {
  FakeWorker* worker = someone();
  if (worker == nullptr) return;
  note("-- " + worker->peer + " is killed");
  ++voyage_.kills;
  if (dice_.permille(300)) agenda_.after(50ms, [this, peer = worker->peer] { happen(events::WorkerLeft{peer}); });
  if (dice_.permille(500)) disconnect(worker->peer, Duration{-1});
  kill_worker(*worker);
}

// Its connection breaks; for good, or it is back after a while.
void Farm::disconnect(const std::string& peer, Duration back_after) {
  ++voyage_.disconnections;
  agenda_.after(dice_.between(1ms, 50ms), [this, peer] { happen(events::WorkerDisconnected{peer}); });
  if (back_after < 0ms) return;
  agenda_.after(back_after, [this, peer] { happen(events::WorkerReconnected{peer}); });
}

void Farm::fill_disk() {
  if (blocked_) return;
  note("-- the disk is full");
  ++voyage_.disk_blocks;
  blocked_ = true;
  happen(events::SpoolBlocked{{FaultKind::kMachine, "the disk is full"}});
  agenda_.after(dice_.between(200ms, 20s), [this] {
    note("-- the disk has room");
    blocked_ = false;
    happen(events::SpoolFreed{});
  });
}

void Farm::stop_someone() {
  FakeWorker* worker = someone();
  if (worker == nullptr || worker->stopped) return;
  note("-- " + worker->peer + " is stopped");
  ++voyage_.stops;
  worker->stopped = true;
  agenda_.after(dice_.between(300ms, 15s), [this, number = worker->number, peer = worker->peer] {
    FakeWorker& sleeper = workers_.at(number);
    if (!sleeper.alive || sleeper.peer != peer) return;
    note("-- " + peer + " goes on");
    sleeper.stopped = false;
    for (const Seen& seen : std::exchange(sleeper.frozen, {})) feed(sleeper, seen);
  });
}

void Farm::drain_someone() {
  FakeWorker* worker = someone();
  if (worker == nullptr) return;
  note("-- " + worker->peer + " is told to leave");
  ++voyage_.drains;
  if (dice_.permille(300)) disconnect(worker->peer, dice_.between(100ms, 3s));
  if (scheduler_ && dice_.permille(500)) {
    for (const auto& known : scheduler_->workers(now())) {
      if (known.name == worker->peer) return happen(events::DrainRequested{known.worker});
    }
  }
  agenda_.after(30s, [this, number = worker->number, peer = worker->peer] {
    FakeWorker& slow = workers_.at(number);
    if (slow.alive && slow.peer == peer) feed(slow, seen::Drain{});
  });
  feed(*worker, seen::Drain{});
}

// ---- The voyage ----

void Farm::note(std::string line) {
  line = std::to_string(now().since_zero.count()) + " " + line;
  for (const char c : line) voyage_.trace_hash = (voyage_.trace_hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  tail_.push_back(std::move(line));
  if (tail_.size() > kTraceTail) tail_.pop_front();
}

bool Farm::go_on(Instant end) {
  if (!agenda_.step(end)) return false;
  complain(invariants_.broken());
  return voyage_.broken.empty();
}

void Farm::check() {
  for (const auto& [number, worker] : workers_) {
    if (worker.alive && worker.session->held() > 0) complain(worker.peer + " still holds an attempt");
    if (worker.alive && !worker.children.empty()) complain(worker.peer + " still runs a child");
  }
  if (!steps_.empty()) complain("a step is still running");
  if (!spool_.empty()) complain("something is left in the spool");
}

Voyage Farm::sail() {
  voyage_.trace_hash = 0xcbf29ce484222325U;
  disk_.stop_at(weather_.dies_at_write);
  boot_coordinator();
  for (int number = 1; number <= weather_.workers; ++number) {
    agenda_.after(dice_.between(0ms, 5s), [this, number] { boot_worker(number); });
  }
  jobs_.resize(static_cast<std::size_t>(weather_.jobs));
  for (std::size_t which = 0; which < jobs_.size(); ++which) {
    jobs_[which] = invent_job();
    const bool burst = dice_.permille(500);
    agenda_.after(burst ? 1s : dice_.between(0ms, weather_.storm / 2), [this, which] { submit(which); });
  }
  every(weather_.kill_every, &Farm::kill_someone);
  every(weather_.stop_every, &Farm::stop_someone);
  every(weather_.drain_every, &Farm::drain_someone);
  every(weather_.coordinator_dies_every, &Farm::kill_coordinator);
  every(weather_.disk_fills_every, &Farm::fill_disk);

  const Instant storm_end{weather_.storm};
  while (!all_over() && go_on(storm_end)) {}
  while (voyage_.broken.empty() && voyage_.faults() < weather_.faults_min && go_on(storm_end + kStormMax)) {
    if (!all_over()) continue;
    jobs_.push_back(invent_job());
    submit(jobs_.size() - 1);
  }
  calm_ = true;
  note("-- calm");
  const Instant calm_begin = std::max(now(), storm_end);
  last_fact_ = now();
  while (voyage_.broken.empty() && !all_over() && now() - last_fact_ < kQuietMax && go_on(calm_begin + kCalmMax)) {}
  if (voyage_.broken.empty() && !all_over()) complain("a job is stuck");
  const Instant settled = now() + kSettle;
  while (voyage_.broken.empty() && go_on(settled)) {}
  if (voyage_.broken.empty()) check();
  voyage_.virtual_time = now() - Instant{};
  voyage_.events = agenda_.done();
  voyage_.disk_operations = disk_.operations();
  voyage_.trace.assign(tail_.begin(), tail_.end());
  return voyage_;
}

}  // namespace

Weather weather_of(std::uint64_t seed) {
  Dice dice(seed ^ 0x5eedU);
  Weather weather;
  weather.workers = static_cast<int>(dice.between(1, 8));
  weather.jobs = static_cast<int>(dice.between(1, 10));
  const auto sometimes = [&](std::int64_t most) { return dice.permille(600) ? dice.between(0, most) : 0; };
  const auto now_and_then = [&](Duration least, Duration most) { return dice.permille(500) ? dice.between(least, most) : 0ms; };
  weather.lose = sometimes(200);
  weather.duplicate = sometimes(150);
  weather.delay_long = sometimes(100);
  weather.child_machine = sometimes(150);
  weather.child_poison = sometimes(40);
  weather.child_input = sometimes(10);
  weather.transfer_fails = sometimes(80);
  weather.step_fails = sometimes(150);
  weather.bad_worker = dice.permille(200) ? 1 : 0;
  weather.poison_task = sometimes(150);
  weather.cancels = sometimes(300);
  weather.upload_stalls = sometimes(200);
  weather.upload_fails = sometimes(60);
  weather.kill_every = now_and_then(4s, 40s);
  weather.stop_every = now_and_then(3s, 40s);
  weather.drain_every = now_and_then(10s, 60s);
  weather.coordinator_dies_every = now_and_then(8s, 80s);
  weather.disk_fills_every = now_and_then(15s, 60s);
  weather.damage = sometimes(40);
  weather.lacks = sometimes(600);
  weather.storm = dice.between(20s, 150s);
  return weather;
}

Weather storm_of(std::uint64_t seed) {
  Weather weather = weather_of(seed);
  const auto at_least = [](std::int64_t& chance, std::int64_t least) { chance = std::max(chance, least); };
  at_least(weather.lose, 30);
  at_least(weather.duplicate, 30);
  at_least(weather.delay_long, 15);
  at_least(weather.child_machine, 20);
  at_least(weather.child_poison, 3);
  at_least(weather.transfer_fails, 10);
  at_least(weather.step_fails, 20);
  at_least(weather.damage, 5);
  const auto at_most = [](Duration& every, Duration most) { every = every == 0ms ? most : std::min(every, most); };
  at_most(weather.kill_every, 20s);
  at_most(weather.stop_every, 20s);
  at_most(weather.drain_every, 40s);
  at_most(weather.coordinator_dies_every, 20s);
  at_most(weather.disk_fills_every, 40s);
  weather.faults_min = 200;
  return weather;
}

Voyage sail(std::uint64_t seed, const Weather& weather) { return Farm(seed, weather).sail(); }

std::string account(const Voyage& voyage) {
  std::string text = "seed " + std::to_string(voyage.seed) + ": " + (voyage.broken.empty() ? "sound" : voyage.broken) + "\n";
  for (const std::string& line : voyage.trace) text += line + "\n";
  return text;
}

}  // namespace gopmill::test
