#include "coordinator/scheduler/job_book.h"

#include <algorithm>

#include "base/check.h"

namespace gopmill {

namespace {

// splitmix64's finisher: spreads neighbouring task ids over all of 64 bits.
std::uint64_t scatter(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31U);
}

}  // namespace

bool Losses::charge(LossKind kind) {
  switch (kind) {
    case LossKind::kMachine: return ++machine >= kMachineLossesMax;
    case LossKind::kPoison: return ++poison >= kPoisonLossesMax;
    case LossKind::kHandedBack: return ++handed_back >= kHandBacksMax;
    case LossKind::kFatal: return true;
    case LossKind::kRecovered: return false;
    case LossKind::kWorkerLost: return ++worker_lost >= kWorkerLossesMax;
    case LossKind::kStorage: return ++storage >= kStorageLossesMax;
  }
  return true;
}

Duration Losses::backoff(LossKind kind, std::uint64_t seed) const {
  if (kind != LossKind::kMachine && kind != LossKind::kPoison) return Duration{0};
  const std::uint32_t losses = kind == LossKind::kMachine ? machine : poison;
  const std::uint32_t doublings = std::min(losses > 0 ? losses - 1 : 0, 10U);
  const Duration plain = std::min(kBackoffMin * (1U << doublings), kBackoffMax);
  const auto percent = static_cast<Duration::rep>(80 + scatter(seed + losses) % 41);
  return std::min(plain * percent / 100, kBackoffMax);
}

// ---- Job ----

const Lease* Task::lease_of(Attempt of) const {
  const auto at = std::find_if(leases.begin(), leases.end(), [&](const Lease& lease) { return lease.attempt == of; });
  return at == leases.end() ? nullptr : &*at;
}

Job::Job(const facts::JobAccepted& accepted, Instant now)
    : id(accepted.job),
      priority(accepted.priority),
      slots_max(accepted.slots_max),
      added(now),
      state(accepted.upload_wanted ? wire::JobState::kUploading : wire::JobState::kQueued),
      upload_heard(now),
      step_due(now) {}

void Job::enter(wire::JobState next, Instant now) {
  GOPMILL_CHECK(!is_final(state) && !is_final(next));
  state = next;
  step_running = false;
  step_due = now;
  step_losses = {};
}

void Job::plan(std::vector<TaskShape> shapes, std::vector<wire::Abilities> needs) {
  GOPMILL_CHECK(tasks_.empty());
  needs_ = std::move(needs);
  tasks_.reserve(shapes.size());
  for (TaskShape& shape : shapes) {
    shape.cost = std::max<std::uint64_t>(shape.cost, 1);
    cost_total += shape.cost;
    tasks_.emplace_back().shape = shape;
  }
  tasks_total = static_cast<std::uint32_t>(tasks_.size());
}

const wire::Abilities& Job::needs_of(const Task& task) const {
  static const wire::Abilities kNothing;
  return task.shape.needs < needs_.size() ? needs_[task.shape.needs] : kNothing;
}

std::vector<std::uint32_t> Job::start_split() {
  const std::vector<std::uint32_t> missing = missing_inputs();
  owed_ = {missing.begin(), missing.end()};
  step_running = true;
  return missing;
}

std::optional<std::uint32_t> Job::end_split() {
  step_running = false;
  if (!owed_.empty()) return *owed_.begin();
  split_done = missing_inputs().empty();
  return std::nullopt;
}

void Job::receive_input(std::uint32_t index, wire::ArtifactFacts facts) {
  Task& task = tasks_.at(index);
  GOPMILL_CHECK(task.stage == Task::Stage::kUnready && index < inputs_end);
  owed_.erase(index);
  task.input = facts;
  make_ready(index);
}

void Job::make_ready(std::uint32_t index) {
  Task& task = tasks_[index];
  if (!task.input) {
    task.stage = Task::Stage::kUnready;
    split_done = false;
    return;
  }
  task.stage = Task::Stage::kReady;
  ready_.emplace(task.shape.kind, index);
}

void Job::add_lease(std::uint32_t index, Lease lease) {
  Task& task = tasks_.at(index);
  if (task.leases.empty()) {
    ready_.erase({task.shape.kind, index});
    leased_.insert(index);
    task.stage = Task::Stage::kLeased;
    ++tasks_leased;
  }
  task.attempt = lease.attempt;
  task.leases.push_back(lease);
  ++leases;
}

void Job::drop_lease(std::uint32_t index, Attempt attempt) {
  Task& task = tasks_.at(index);
  GOPMILL_CHECK(std::erase_if(task.leases, [&](const Lease& lease) { return lease.attempt == attempt; }) == 1);
  --leases;
  if (!task.leases.empty()) return;
  leased_.erase(index);
  --tasks_leased;
}

Attempt Job::lease(std::uint32_t index, WorkerId worker, Instant now) {
  const Task& task = tasks_.at(index);
  GOPMILL_CHECK(task.stage == Task::Stage::kReady ||
                (task.stage == Task::Stage::kLeased && task.leases.size() < kLeasesMax && task.input));
  add_lease(index, {task.attempt + 1, worker, now, 0});
  return task.attempt;
}

void Job::count_commit(std::uint32_t index, Attempt attempt, std::vector<wire::ArtifactFacts> outputs) {
  Task& task = tasks_[index];
  while (!task.leases.empty()) drop_lease(index, task.leases.back().attempt);
  task.stage = Task::Stage::kCommitted;
  task.input.reset();
  task.committed = attempt;
  task.outputs = std::move(outputs);
  task.failed_on = {};
  ++tasks_done;
  cost_done += task.shape.cost;
  if (task.shape.kind == TaskKind::kVideo) frames_committed += task.shape.units;
}

void Job::discount_commit(std::uint32_t index) {
  Task& task = tasks_[index];
  GOPMILL_CHECK(task.stage == Task::Stage::kCommitted);
  task.committed = 0;
  task.outputs = {};
  --tasks_done;
  cost_done -= task.shape.cost;
  if (task.shape.kind == TaskKind::kVideo) frames_committed -= task.shape.units;
  make_ready(index);
}

void Job::commit(std::uint32_t index, Attempt attempt, std::vector<wire::ArtifactFacts> outputs, Instant now) {
  const Task& task = tasks_.at(index);
  const Lease* lease = task.lease_of(attempt);
  GOPMILL_CHECK(lease != nullptr);
  pace[task.shape.kind].count(task.shape.cost, now - lease->since);
  count_commit(index, attempt, std::move(outputs));
  if (index >= inputs_end) return;  // adopted after a restart, before the splitter came to it
  GOPMILL_CHECK(inputs_open_ > 0);
  --inputs_open_;
}

bool Job::lose(std::uint32_t index, Attempt attempt, LossKind kind, Instant now) {
  Task& task = tasks_.at(index);
  const Lease* lease = task.lease_of(attempt);
  GOPMILL_CHECK(lease != nullptr);
  if (kind == LossKind::kMachine || kind == LossKind::kPoison || kind == LossKind::kWorkerLost)
    task.failed_on.push_back(lease->worker);
  drop_lease(index, attempt);
  ++attempts_lost;
  const bool used_up = task.losses.charge(kind);
  if (!task.leases.empty()) return used_up;
  const Duration wait = task.losses.backoff(kind, (id.value << 20U) ^ (std::uint64_t{index} << 4U));
  task.due = now + wait;
  // The first loss is probably the machine's: another one may try at once.
  const bool first = task.losses.machine + task.losses.poison == 1;
  if (wait > Duration{0} && task.input && !first) {
    task.stage = Task::Stage::kWaiting;
    waiting_.emplace(task.due, index);
  } else {
    make_ready(index);
  }
  return used_up;
}

bool Job::lose_input(std::uint32_t index) {
  Task& task = tasks_.at(index);
  GOPMILL_CHECK(task.leases.empty() && task.stage != Task::Stage::kCommitted);
  ready_.erase({task.shape.kind, index});
  waiting_.erase({task.due, index});
  task.input.reset();
  make_ready(index);
  return task.losses.charge(LossKind::kStorage);
}

bool Job::reopen(std::uint32_t index) {
  discount_commit(index);
  if (index < inputs_end) ++inputs_open_;
  ++attempts_lost;
  return tasks_[index].losses.charge(LossKind::kStorage);
}

void Job::wake_due(Instant now) {
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    const std::uint32_t index = waiting_.begin()->second;
    waiting_.erase(waiting_.begin());
    make_ready(index);
  }
}

bool Job::allow_inputs(std::uint32_t window) {
  const std::uint32_t before = inputs_end;
  while (inputs_end < tasks_.size() && inputs_open_ < window) {
    if (tasks_[inputs_end].stage != Task::Stage::kCommitted) ++inputs_open_;  // committed: only after a restart
    ++inputs_end;
  }
  return inputs_end != before;
}

void Job::end(wire::JobState final_state, std::optional<Fault> why, Instant now) {
  GOPMILL_CHECK(!is_final(state) && is_final(final_state));
  GOPMILL_CHECK((final_state == wire::JobState::kDone) == !why.has_value());
  state = final_state;
  fault = std::move(why);
  ended = now;
  files_kept = final_state == wire::JobState::kDone;
  step_running = false;
  tasks_leased = leases = 0;
  inputs_open_ = 0;
  tasks_ = {};
  needs_ = {};
  ready_ = {};
  waiting_ = {};
  leased_ = {};
  owed_ = {};
}

bool Job::active() const {
  const int place = life_place(state);
  return place >= life_place(wire::JobState::kAnalysing) && place <= life_place(wire::JobState::kVerifying);
}

std::optional<StepKind> Job::wanted_step() const {
  switch (state) {
    case wire::JobState::kAnalysing: return StepKind::kAnalyse;
    case wire::JobState::kRunning: return split_done ? std::nullopt : std::optional(StepKind::kSplit);
    case wire::JobState::kStitching: return StepKind::kStitch;
    case wire::JobState::kPackaging: return StepKind::kPackage;
    case wire::JobState::kVerifying: return StepKind::kVerify;
    default: return std::nullopt;
  }
}

std::vector<std::uint32_t> Job::missing_inputs() const {
  std::vector<std::uint32_t> missing;
  for (std::uint32_t index = 0; index < tasks_.size(); ++index) {
    if (tasks_[index].stage == Task::Stage::kUnready) missing.push_back(index);
  }
  return missing;
}

void Job::recall_lease(std::uint32_t index, Attempt attempt, WorkerId worker) { add_lease(index, {attempt, worker, added, 0}); }

void Job::recall_adoption(std::uint32_t index, Attempt attempt, WorkerId worker) {
  if (Lease* lease = tasks_.at(index).lease_of(attempt)) lease->worker = worker;
}

void Job::recall_loss(std::uint32_t index, Attempt attempt, LossKind kind) {
  drop_lease(index, attempt);
  ++attempts_lost;
  tasks_[index].losses.charge(kind);
  if (tasks_[index].leases.empty()) make_ready(index);
}

void Job::recall_commit(std::uint32_t index, Attempt attempt, std::vector<wire::ArtifactFacts> outputs) {
  count_commit(index, attempt, std::move(outputs));
}

void Job::recall_reopening(std::uint32_t index) {
  discount_commit(index);
  ++attempts_lost;
  tasks_[index].losses.charge(LossKind::kStorage);
}

// ---- JobBook ----

JobBook::Order JobBook::order_of(const Job& job) {
  return {job.added + kPriorityPoint * (wire::kPriorityMax - std::min(job.priority, wire::kPriorityMax)), job.id};
}

Job& JobBook::add(const facts::JobAccepted& accepted, Instant now) {
  const auto [at, added] = jobs_.try_emplace(accepted.job, accepted, now);
  GOPMILL_CHECK(added);
  last_id_ = std::max(last_id_, accepted.job);
  index(at->second);
  return at->second;
}

Job* JobBook::find(JobId id) {
  const auto at = jobs_.find(id);
  return at == jobs_.end() ? nullptr : &at->second;
}

const Job* JobBook::find(JobId id) const {
  const auto at = jobs_.find(id);
  return at == jobs_.end() ? nullptr : &at->second;
}

Job* JobBook::find_live(JobId id) {
  Job* job = find(id);
  return job != nullptr && !is_final(job->state) ? job : nullptr;
}

void JobBook::index(Job& job) {
  const Order order = order_of(job);
  if (job.state == wire::JobState::kQueued) queued_.insert(order);
  if (job.active()) active_.insert(order);
  if (is_final(job.state) && !job.files_kept) ended_.emplace(job.ended, job.id);
}

void JobBook::unindex(const Job& job) {
  const Order order = order_of(job);
  queued_.erase(order);
  active_.erase(order);
}

void JobBook::enter(Job& job, wire::JobState state, Instant now) {
  unindex(job);
  job.enter(state, now);
  index(job);
}

void JobBook::end(Job& job, wire::JobState state, std::optional<Fault> why, Instant now) {
  unindex(job);
  job.end(state, std::move(why), now);
  index(job);
}

void JobBook::release_files(Job& job, bool delivered) {
  GOPMILL_CHECK(job.files_kept);
  job.files_kept = false;
  job.delivered = delivered;
  index(job);
}

void JobBook::forgive_uploads(Instant now) {
  for (auto& [id, job] : jobs_) job.upload_heard = now;
}

void JobBook::trim() {
  while (ended_.size() > kEndedKept) {
    jobs_.erase(ended_.begin()->second);
    ended_.erase(ended_.begin());
  }
}

Job* JobBook::next_queued() { return queued_.empty() ? nullptr : find(queued_.begin()->id); }

std::vector<Job*> JobBook::active() {
  std::vector<Job*> jobs;
  jobs.reserve(active_.size());
  for (const Order& order : active_) jobs.push_back(find(order.id));
  return jobs;
}

std::size_t JobBook::steps_running(StepKind step) const {
  return static_cast<std::size_t>(std::count_if(active_.begin(), active_.end(), [&](const Order& order) {
    const Job& job = jobs_.at(order.id);
    return job.step_running && job.wanted_step() == step;
  }));
}

}  // namespace gopmill
