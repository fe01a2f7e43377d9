#include "coordinator/job_book.h"

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

Job::Job(JobId job, std::uint32_t job_priority, bool upload_wanted, Instant now)
    : id(job),
      priority(job_priority),
      added(now),
      state(upload_wanted ? wire::JobState::kUploading : wire::JobState::kQueued),
      upload_heard(now),
      step_due(now) {}

void Job::enter(wire::JobState next, Instant now) {
  GOPMILL_CHECK(!is_final(state) && !is_final(next));
  state = next;
  step_running = false;
  step_due = now;
  step_losses = {};
}

void Job::plan(std::vector<TaskShape> shapes) {
  GOPMILL_CHECK(tasks_.empty());
  tasks_.reserve(shapes.size());
  for (TaskShape& shape : shapes) {
    shape.cost = std::max<std::uint64_t>(shape.cost, 1);
    cost_total += shape.cost;
    tasks_.emplace_back().shape = shape;
  }
  tasks_total = static_cast<std::uint32_t>(tasks_.size());
}

void Job::receive_input(std::uint32_t index, wire::ArtifactFacts facts) {
  Task& task = tasks_.at(index);
  GOPMILL_CHECK(task.stage == Task::Stage::kUnready && index < inputs_end);
  task.input = facts;
  task.stage = Task::Stage::kReady;
  ready_.emplace(task.shape.kind, index);
}

Attempt Job::lease(std::uint32_t index, WorkerId worker, Instant now) {
  Task& task = tasks_.at(index);
  GOPMILL_CHECK(task.stage == Task::Stage::kReady);
  ready_.erase({task.shape.kind, index});
  task.stage = Task::Stage::kLeased;
  task.worker = worker;
  task.since = now;
  task.done = 0;
  ++tasks_leased;
  return ++task.attempt;
}

void Job::leave_lease(Task& task) {
  GOPMILL_CHECK(task.stage == Task::Stage::kLeased && tasks_leased > 0);
  --tasks_leased;
  task.worker = {};
  task.done = 0;
}

void Job::count_commit(Task& task) {
  task.stage = Task::Stage::kCommitted;
  task.input.reset();
  task.failed_on = {};
  ++tasks_done;
  cost_done += task.shape.cost;
  if (task.shape.kind == TaskKind::kVideo) frames_committed += task.shape.units;
}

void Job::commit(std::uint32_t index, Instant now) {
  Task& task = tasks_.at(index);
  leave_lease(task);
  JobPace& seen = pace[task.shape.kind];
  seen.cost += task.shape.cost;
  seen.spent += now - task.since;
  count_commit(task);
  GOPMILL_CHECK(inputs_open_ > 0);
  --inputs_open_;
}

bool Job::lose(std::uint32_t index, LossKind kind, Instant now) {
  Task& task = tasks_.at(index);
  if (kind == LossKind::kMachine || kind == LossKind::kPoison || kind == LossKind::kWorkerLost)
    task.failed_on.push_back(task.worker);
  leave_lease(task);
  ++attempts_lost;
  const bool used_up = task.losses.charge(kind);
  const Duration wait = task.losses.backoff(kind, (id.value << 20U) ^ (std::uint64_t{index} << 4U));
  if (wait > Duration{0}) {
    task.stage = Task::Stage::kWaiting;
    task.since = now + wait;
    waiting_.emplace(task.since, index);
  } else {
    task.stage = Task::Stage::kReady;
    ready_.emplace(task.shape.kind, index);
  }
  return used_up;
}

void Job::wake_due(Instant now) {
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    const std::uint32_t index = waiting_.begin()->second;
    waiting_.erase(waiting_.begin());
    tasks_[index].stage = Task::Stage::kReady;
    ready_.emplace(tasks_[index].shape.kind, index);
  }
}

bool Job::allow_inputs(std::uint32_t window) {
  const std::uint32_t before = inputs_end;
  while (inputs_end < tasks_.size()) {
    const bool committed = tasks_[inputs_end].stage == Task::Stage::kCommitted;  // only after a restart
    if (!committed && inputs_open_ >= window) break;
    if (!committed) ++inputs_open_;
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
  tasks_leased = 0;
  inputs_open_ = 0;
  tasks_ = {};
  ready_ = {};
  waiting_ = {};
}

bool Job::active() const { return state >= wire::JobState::kAnalysing && state <= wire::JobState::kVerifying; }

std::optional<StepKind> Job::wanted_step() const {
  switch (state) {
    case wire::JobState::kAnalysing: return StepKind::kAnalyse;
    case wire::JobState::kRunning: return split_done ? std::nullopt : std::optional(StepKind::kSplit);
    case wire::JobState::kStitching: return StepKind::kStitch;
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

void Job::recall_lease(std::uint32_t index, Attempt attempt, WorkerId worker) {
  Task& task = tasks_.at(index);
  task.attempt = attempt;
  task.worker = worker;
  task.stage = Task::Stage::kLeased;
}

void Job::recall_loss(std::uint32_t index, LossKind kind) {
  Task& task = tasks_.at(index);
  task.stage = Task::Stage::kUnready;
  task.worker = {};
  ++attempts_lost;
  task.losses.charge(kind);
}

void Job::recall_commit(std::uint32_t index, Attempt attempt) {
  Task& task = tasks_.at(index);
  task.attempt = attempt;
  task.worker = {};
  count_commit(task);
}

// ---- JobBook ----

Job& JobBook::add(JobId id, std::uint32_t priority, bool upload_wanted, Instant now) {
  const auto [at, added] = jobs_.try_emplace(id, id, priority, upload_wanted, now);
  GOPMILL_CHECK(added);
  last_id_ = std::max(last_id_, id);
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
  const Order order{job.priority, job.id};
  if (job.state == wire::JobState::kQueued) queued_.insert(order);
  if (job.active()) active_.insert(order);
  if (is_final(job.state) && !job.files_kept) ended_.emplace(job.ended, job.id);
}

void JobBook::unindex(const Job& job) {
  const Order order{job.priority, job.id};
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

std::size_t JobBook::active_count(std::uint32_t priority_min) const {
  return static_cast<std::size_t>(
      std::count_if(active_.begin(), active_.end(), [&](const Order& order) { return order.priority >= priority_min; }));
}

std::size_t JobBook::steps_running(StepKind step) const {
  return static_cast<std::size_t>(std::count_if(active_.begin(), active_.end(), [&](const Order& order) {
    const Job& job = jobs_.at(order.id);
    return job.step_running && job.wanted_step() == step;
  }));
}

}  // namespace gopmill
