#include <algorithm>

#include "coordinator/scheduler/job_book.h"
#include "coordinator/scheduler/scheduler.h"
#include "coordinator/scheduler/worker_book.h"

// What operators, the data socket and tests may ask. Nothing here changes anything.

namespace gopmill {

namespace {

// By the attempt that is farthest.
std::uint64_t units_done(const Task& task) {
  std::uint64_t done = 0;
  for (const Lease& lease : task.leases) done = std::max(done, lease.done);
  return done;
}

// Of a task that is being worked on, the share that is finished.
double share_done(const Task& task) {
  if (task.shape.units == 0) return 0;
  return static_cast<double>(units_done(task)) / static_cast<double>(task.shape.units);
}

double cost_done(const Job& job) {
  auto cost = static_cast<double>(job.cost_done);
  for (const Task& task : job.tasks()) cost += static_cast<double>(task.shape.cost) * share_done(task);
  return cost;
}

// What is left at the pace its committed tasks showed, on as many slots as it holds now. A kind of task of which none is
// committed yet goes at the pace of the other; before the first commit nothing is known, and nothing is said.
Duration eta(const Job& job) {
  WorkPace whole;
  for (const auto& [kind, pace] : job.pace) whole.count(pace.cost, pace.spent);
  if (job.state != wire::JobState::kRunning || whole.cost == 0 || job.tasks_leased == 0) return Duration{-1};
  double left_ms = 0;
  for (const Task& task : job.tasks()) {
    if (task.stage == Task::Stage::kCommitted) continue;
    const auto own = job.pace.find(task.shape.kind);
    const WorkPace& pace = own != job.pace.end() ? own->second : whole;
    const double cost_left = static_cast<double>(task.shape.cost) * (1 - share_done(task));
    left_ms += cost_left * static_cast<double>(pace.spent.count()) / static_cast<double>(pace.cost);
  }
  return Duration{static_cast<Duration::rep>(left_ms / job.tasks_leased)};
}

// "the encoders libsvtav1 and libx265"; empty for none.
std::string names_text(const std::string& what, const std::vector<std::string>& names) {
  if (names.empty()) return {};
  std::string text = "the " + what + (names.size() > 1 ? "s " : " ");
  for (std::size_t i = 0; i < names.size(); ++i) text += (i == 0 ? "" : i + 1 < names.size() ? ", " : " and ") + names[i];
  return text;
}

std::string ability_note(const wire::Abilities& needs, const WorkerBook& workers) {
  wire::Abilities lacking = needs;
  for (const auto& [id, worker] : workers.all()) {
    if (worker.closed) continue;
    const auto drop = [](std::vector<std::string>& from, const std::vector<std::string>& had) {
      std::erase_if(from, [&](const std::string& name) { return std::binary_search(had.begin(), had.end(), name); });
    };
    drop(lacking.encoders, worker.abilities->encoders);
    drop(lacking.decoders, worker.abilities->decoders);
  }
  // Each is somewhere, but no worker has them all.
  const bool apart = lacking.encoders.empty() && lacking.decoders.empty();
  if (apart) lacking = needs;
  std::string text = names_text("encoder", lacking.encoders);
  if (!lacking.decoders.empty()) text += (text.empty() ? "" : " and ") + names_text("decoder", lacking.decoders);
  return std::string("no worker here has ") + (apart ? "all of " : "") + text +
         ": waiting for one that has; start a worker whose build has it and that is not told to do without it";
}

}  // namespace

bool Scheduler::may_store(const std::string& peer, TaskId task, Attempt attempt) const {
  const Worker* worker = workers_->find(peer);
  if (worker == nullptr) return false;
  const auto held = worker->held.find({task, attempt});
  return held != worker->held.end() && !held->second.dropping;
}

bool Scheduler::may_fetch(const std::string& peer, TaskId task) const {
  const Worker* worker = workers_->find(peer);
  if (worker == nullptr) return false;
  const auto first = worker->held.lower_bound({task, 0});
  return std::any_of(first, worker->held.end(),
                     [&](const auto& held) { return held.first.first == task && !held.second.dropping; });
}

std::optional<wire::ArtifactFacts> Scheduler::input_of(TaskId id) const {
  const Job* job = jobs_->find(id.job);
  const Task* task = job == nullptr ? nullptr : job->task(id.index);
  return task == nullptr ? std::nullopt : task->input;
}

std::optional<wire::JobStatus> Scheduler::job(JobId id, Instant now) const {
  const Job* job = jobs_->find(id);
  if (job == nullptr) return std::nullopt;
  wire::JobStatus status;
  status.job = id;
  status.state = job->state;
  status.priority = job->priority;
  status.elapsed = (is_final(job->state) ? job->ended : now) - job->added;
  status.tasks_done = job->tasks_done;
  status.tasks_total = job->tasks_total;
  status.tasks_running = job->tasks_leased;
  status.attempts_lost = job->attempts_lost;
  status.slots_total = static_cast<std::uint32_t>(workers_->slots_total(now));
  status.work_done = job->cost_total == 0 ? 0 : cost_done(*job) / static_cast<double>(job->cost_total);
  status.eta = eta(*job);
  status.fault = job->fault;
  status.delivered = job->delivered;
  for (const auto& [worker_id, worker] : workers_->all()) {
    const auto first = worker.held.lower_bound({{id, 0}, 0});
    if (first != worker.held.end() && first->first.first.job == id) ++status.workers_busy;
  }
  if (job->state == wire::JobState::kRunning && status.slots_total == 0) {
    status.notes.emplace_back("no worker takes tasks now: waiting for one");
  }
  if (job->state == wire::JobState::kRunning && status.slots_total > 0) {
    for (const wire::Abilities* needs : workers_->unmet_needs(*job)) status.notes.push_back(ability_note(*needs, *workers_));
  }
  if (jobs_->spool_blocked && !is_final(job->state)) {
    status.notes.push_back("waiting for the coordinator's disk: " + jobs_->spool_blocked->text);
  }
  if (job->active() && !job->step_running && job->wanted_step() && job->step_due > now) {
    status.notes.push_back(job->step_fault + "; it will be tried again");
  }
  return status;
}

std::vector<wire::JobStatus> Scheduler::jobs(Instant now) const {
  std::vector<wire::JobStatus> list;
  const auto& all = jobs_->all();
  for (auto at = all.rbegin(); at != all.rend() && list.size() < wire::kJobsListed; ++at) list.push_back(*job(at->first, now));
  return list;
}

std::vector<wire::WorkerStatus> Scheduler::workers(Instant now) const {
  std::vector<wire::WorkerStatus> list;
  for (const auto& [id, worker] : workers_->all()) {
    list.push_back({id, worker.name, worker.build, worker.slots, static_cast<std::uint32_t>(worker.held.size()),
                    worker.tasks_done, worker.tasks_failed, now - worker.heard, worker.state(now),
                    worker.aside_till && *worker.aside_till > now ? *worker.aside_till - now : Duration{0},
                    worker.abilities->encoders});
  }
  return list;
}

std::uint64_t Scheduler::frames_done(JobId id) const {
  const Job* job = jobs_->find(id);
  if (job == nullptr) return 0;
  std::uint64_t frames = job->frames_committed;
  for (const Task& task : job->tasks()) {
    if (task.shape.kind == TaskKind::kVideo) frames += units_done(task);
  }
  return frames;
}

bool Scheduler::knows_worker(WorkerId worker) const { return workers_->all().contains(worker); }

std::optional<std::string> Scheduler::worker_name(WorkerId worker) const {
  const auto found = workers_->all().find(worker);
  return found == workers_->all().end() ? std::nullopt : std::optional(found->second.name);
}

std::vector<std::string> Scheduler::peers() const {
  std::vector<std::string> list;
  for (const auto& [id, worker] : workers_->all()) list.push_back(worker.peer);
  return list;
}

bool Scheduler::knows_peer(const std::string& peer) const { return workers_->find(peer) != nullptr; }

}  // namespace gopmill
