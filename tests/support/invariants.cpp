#include "tests/support/invariants.h"

#include <algorithm>

namespace gopmill::test {

namespace {

using wire::JobState;

// In order; but stitching may find that a task must be done again.
bool follows(JobState from, JobState to) {
  if (from == JobState::kStitching && to == JobState::kRunning) return true;
  return !is_final(to) && life_place(to) == life_place(from) + 1;
}

}  // namespace

// ---- Facts ----

const FactBook::JobFacts* FactBook::job(JobId id) const {
  const auto at = jobs_.find(id);
  return at == jobs_.end() ? nullptr : &at->second;
}

const FactBook::TaskFacts* FactBook::task(TaskId id) const {
  const JobFacts* facts = job(id.job);
  return facts != nullptr && id.index < facts->tasks.size() ? &facts->tasks[id.index] : nullptr;
}

struct FactBook::Check {
  std::map<JobId, JobFacts>& jobs;

  JobFacts* live(JobId id) const {
    const auto at = jobs.find(id);
    return at != jobs.end() && !is_final(at->second.state) ? &at->second : nullptr;
  }
  TaskFacts* running_task(TaskId id) const {
    JobFacts* job = live(id.job);
    return job != nullptr && job->state == JobState::kRunning && id.index < job->tasks.size() ? &job->tasks[id.index] : nullptr;
  }

  std::string operator()(const facts::JobAccepted& f) const {
    if (jobs.contains(f.job)) return "accepted twice";
    jobs[f.job].state = f.upload_wanted ? JobState::kUploading : JobState::kQueued;
    return {};
  }
  std::string operator()(const facts::JobEntered& f) const {
    JobFacts* job = live(f.job);
    if (job == nullptr) return "no such job, or it has ended";
    if (!follows(job->state, f.state)) return "not the next state";
    if (f.state == JobState::kRunning && !job->planned) return "running without a plan";
    if (f.state == JobState::kStitching) {
      if (!std::all_of(job->tasks.begin(), job->tasks.end(), [](const TaskFacts& t) { return t.committed.has_value(); })) {
        return "stitching with tasks uncommitted";
      }
    }
    job->state = f.state;
    return {};
  }
  std::string operator()(const facts::JobPlanned& f) const {
    JobFacts* job = live(f.job);
    if (job == nullptr || job->state != JobState::kAnalysing) return "planned while not analysing";
    if (job->planned) return "planned twice";
    job->planned = true;
    job->tasks.resize(f.tasks.size());
    for (std::size_t index = 0; index < f.tasks.size(); ++index) {
      if (f.tasks[index].needs < f.needs.size()) job->tasks[index].needs = f.needs[f.tasks[index].needs];
    }
    return {};
  }
  std::string operator()(const facts::TaskLeased& f) const {
    TaskFacts* task = running_task(f.task);
    if (task == nullptr) return "leased outside of a running job";
    if (task->committed) return "leased after its commit";
    if (task->leases.size() >= 2) return "more than two live leases of one task";
    if (std::any_of(task->leases.begin(), task->leases.end(), [&](const auto& lease) { return lease.second == f.worker; }))
      return "two live leases of one task on one worker";
    if (f.attempt != task->newest + 1) return "attempts do not rise by one";
    if (!f.worker) return "leased to nobody";
    task->newest = f.attempt;
    task->leases[f.attempt] = f.worker;
    return {};
  }
  std::string operator()(const facts::TaskAdopted& f) const {
    TaskFacts* task = running_task(f.task);
    if (task == nullptr) return "adopted outside of a running job";
    if (!task->leases.contains(f.attempt)) return "adopted without a lease";
    if (!f.worker) return "adopted by nobody";
    task->leases[f.attempt] = f.worker;
    return {};
  }
  std::string operator()(const facts::TaskCommitted& f) const {
    TaskFacts* task = running_task(f.task);
    if (task == nullptr) return "committed outside of a running job";
    if (task->committed) return "committed twice";
    if (!task->leases.contains(f.attempt)) return "committed by an attempt that holds no lease";
    task->leases.clear();
    task->committed = f.attempt;
    return {};
  }
  std::string operator()(const facts::TaskReopened& f) const {
    JobFacts* job = live(f.task.job);
    if (job == nullptr || job->state != JobState::kStitching || f.task.index >= job->tasks.size()) {
      return "reopened outside of stitching";
    }
    TaskFacts& task = job->tasks[f.task.index];
    if (task.committed != f.attempt) return "reopened without its commit";
    task.committed.reset();
    if (++task.storage >= 8) job->out_of_patience = true;
    return {};
  }
  std::string operator()(const facts::AttemptLost& f) const {
    TaskFacts* task = running_task(f.task);
    if (task == nullptr) return "lost outside of a running job";
    if (!task->leases.contains(f.attempt)) return "lost without a lease";
    if (f.fault.text.empty()) return "lost without a reason";
    task->leases.erase(f.attempt);
    if (f.kind == LossKind::kStorage) ++task->storage;
    if (f.kind == LossKind::kMachine) ++task->machine;
    if (f.kind == LossKind::kPoison) ++task->poison;
    if (f.kind == LossKind::kWorkerLost) ++task->worker_lost;
    const bool patient =
        task->machine < 8 && task->poison < 3 && task->worker_lost < 50 && task->storage < 8 && f.kind != LossKind::kFatal;
    if (!patient) live(f.task.job)->out_of_patience = true;
    return {};
  }
  std::string operator()(const facts::StepLost& f) const { return live(f.job) == nullptr ? "a step of no live job" : ""; }
  std::string operator()(const facts::JobEnded& f) const {
    JobFacts* job = live(f.job);
    if (job == nullptr) return "ended twice";
    if (!is_final(f.state)) return "ended in a state that is not final";
    if (f.state == JobState::kDone) {
      if (job->state != JobState::kVerifying) return "done without being verified";
      if (f.fault) return "done with a fault";
    } else if (!f.fault || f.fault->text.empty()) {
      return "ended without a reason";
    }
    job->state = f.state;
    job->out_of_patience = false;
    for (TaskFacts& task : job->tasks) task.leases.clear();
    return {};
  }
  std::string operator()(const facts::JobForgotten& f) const {
    const auto at = jobs.find(f.job);
    if (at == jobs.end() || at->second.state != JobState::kDone) return "forgotten while not done";
    if (at->second.forgotten) return "forgotten twice";
    at->second.forgotten = true;
    return {};
  }
};

std::string FactBook::apply(const Fact& fact) {
  std::string wrong = std::visit(Check{jobs_}, fact);
  return wrong.empty() ? wrong : wrong + ": " + describe(fact);
}

// ---- Actions, held against what is on disk ----

namespace {

struct ActionCheck {
  const FactBook& disk;

  [[nodiscard]] bool live_lease(TaskId id, Attempt attempt) const {
    const auto* task = disk.task(id);
    return task != nullptr && task->leases.contains(attempt);
  }
  [[nodiscard]] bool in_state(JobId id, JobState state) const {
    const auto* job = disk.job(id);
    return job != nullptr && job->state == state;
  }
  [[nodiscard]] bool ended(JobId id) const {
    const auto* job = disk.job(id);
    return job != nullptr && is_final(job->state);
  }

  std::string operator()(const actions::AcceptJob& a) const { return disk.job(a.job) ? "" : "accepted before it was recorded"; }
  std::string operator()(const actions::RefuseJob& a) const { return disk.job(a.job) ? "refused although recorded" : ""; }
  std::string operator()(const actions::StartStep& a) const {
    // A later step of the same job may be on disk already; an earlier one may not be all there is.
    static constexpr JobState kNeeds[] = {JobState::kAnalysing, JobState::kRunning, JobState::kStitching, JobState::kVerifying,
                                          JobState::kPackaging};
    const auto* job = disk.job(a.job);
    const JobState needed = kNeeds[static_cast<int>(a.step) - 1];
    return job != nullptr && life_place(job->state) >= life_place(needed) ? "" : "started before its state was recorded";
  }
  std::string operator()(const actions::StopStep& a) const { return ended(a.job) ? "" : "stopped a step of a live job"; }
  std::string operator()(const actions::AllowInputs& a) const { return disk.job(a.job) ? "" : "inputs of an unrecorded job"; }
  std::string operator()(const actions::DropInput& a) const {
    const auto* task = disk.task(a.task);
    return task != nullptr && task->committed ? "" : "dropped the input of an uncommitted task";
  }
  std::string operator()(const actions::CommitOutputs& a) const {
    const auto* task = disk.task(a.task);
    return task != nullptr && task->committed == a.attempt ? "" : "committed outputs before the commit was recorded";
  }
  std::string operator()(const actions::DiscardOutputs& a) const {
    const auto* task = disk.task(a.task);
    if (task == nullptr) return "discarded outputs of an unknown task";
    if (task->committed == a.attempt) return "discarded committed outputs";
    return live_lease(a.task, a.attempt) ? "discarded outputs of a live lease" : "";
  }
  std::string operator()(const actions::WelcomeWorker& a) const { return a.worker ? "" : "welcomed as nobody"; }
  std::string operator()(const actions::RefuseWorker& a) const { return a.fault.text.empty() ? "refused without a reason" : ""; }
  std::string operator()(const actions::ForgetWorker& /*a*/) const { return {}; }
  std::string operator()(const actions::Assign& a) const {
    const auto* task = disk.task(a.assign.task);
    return task != nullptr && task->newest >= a.assign.attempt ? "" : "assigned before its lease was recorded";
  }
  std::string operator()(const actions::SettleAttempt& a) const {
    return live_lease(a.settled.task, a.settled.attempt) &&
                   disk.task(a.settled.task)->leased_to(a.settled.attempt, a.settled.worker)
               ? "settled before its end was recorded"
               : "";
  }
  std::string operator()(const actions::AckHeartbeat& a) const {
    for (const wire::RunningTask& drop : a.ack.drop) {
      const auto* task = disk.task(drop.task);
      if (task != nullptr && task->leased_to(drop.attempt, a.ack.worker)) return "dropped a live lease";
    }
    return {};
  }
  std::string operator()(const actions::DrainWorker& a) const { return a.worker ? "" : "drained nobody"; }
  std::string operator()(const actions::ReportDifference& /*a*/) const { return {}; }
  std::string operator()(const actions::FinishJob& a) const {
    return in_state(a.job, a.state) ? "" : "finished before it was recorded";
  }
  std::string operator()(const actions::CleanJob& a) const {
    if (!ended(a.job)) return "cleaned before its end was recorded";
    const auto* job = disk.job(a.job);
    return job->state == JobState::kDone && !job->forgotten && !a.keep_files ? "removed files nobody has fetched" : "";
  }
};

}  // namespace

void Invariants::complain(const std::string& what) {
  if (broken_.empty() && !what.empty()) broken_ = what;
}

void Invariants::happened(const Event& event) {
  if (const auto* hello = std::get_if<events::WorkerSaidHello>(&event)) said_.try_emplace(hello->peer, hello->hello.abilities);
}

bool Invariants::able(WorkerId worker, TaskId task) const {
  const auto* facts = decided_.task(task);
  if (facts == nullptr) return true;  // complained of already
  const auto known = abilities_.find(worker);
  const wire::Abilities has = known == abilities_.end() ? wire::Abilities{} : known->second;
  const auto all_of = [](std::vector<std::string> wanted, std::vector<std::string> there) {
    const std::set<std::string> owned(there.begin(), there.end());
    return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& name) { return owned.contains(name); });
  };
  return all_of(facts->needs.encoders, has.encoders) && all_of(facts->needs.decoders, has.decoders);
}

void Invariants::decided(const Step& step, std::uint64_t slots) {
  std::set<JobId> touched;
  for (const Action& action : step.actions) {
    if (const auto* welcome = std::get_if<actions::WelcomeWorker>(&action)) abilities_[welcome->worker] = said_[welcome->peer];
  }
  for (const Fact& fact : step.facts) {
    complain(decided_.apply(fact));
    if (const auto* lease = std::get_if<facts::TaskLeased>(&fact)) {
      if (!able(lease->worker, lease->task)) complain("leased to a worker that cannot do it: " + describe(fact));
    }
    if (const auto* lost = std::get_if<facts::AttemptLost>(&fact)) touched.insert(lost->task.job);
    if (const auto* reopened = std::get_if<facts::TaskReopened>(&fact)) touched.insert(reopened->task.job);
  }
  for (const JobId id : touched) {
    const auto* job = decided_.job(id);
    if (job != nullptr && job->out_of_patience) complain("job " + std::to_string(id.value) + " goes on with a budget used up");
  }
  for (const Action& action : step.actions) {
    if (const auto* allow = std::get_if<actions::AllowInputs>(&action)) check_window(*allow, slots);
  }
}

// The window is held whenever it moves; it may be found too wide only because workers have left since.
void Invariants::check_window(const actions::AllowInputs& action, std::uint64_t slots) {
  const auto* job = decided_.job(action.job);
  if (job == nullptr || action.end > job->tasks.size()) return complain("inputs allowed beyond the plan: " + describe(action));
  std::uint32_t& end = inputs_end_[action.job];
  if (action.end <= end) return;  // said again to a new splitter
  end = action.end;
  const auto open = std::count_if(job->tasks.begin(), job->tasks.begin() + action.end,
                                  [](const FactBook::TaskFacts& task) { return !task.committed; });
  const auto window = static_cast<std::ptrdiff_t>(std::max<std::uint64_t>(4, 2 * slots + 2));
  if (open > window) complain("window exceeded: " + describe(action));
}

void Invariants::recorded(const Fact& fact) { complain(recorded_.apply(fact)); }

void Invariants::carried_out(const Action& action) {
  std::string wrong = std::visit(ActionCheck{recorded_}, action);
  if (!wrong.empty()) complain(wrong + ": " + describe(action));
}

void Invariants::coordinator_died() {
  decided_ = recorded_;
  inputs_end_.clear();
  orphans_.clear();
  orphans_till_.reset();
  for (const auto& [id, job] : decided_.jobs()) {
    for (std::uint32_t index = 0; index < job.tasks.size(); ++index) {
      for (const auto& [attempt, worker] : job.tasks[index].leases) orphans_[{{id, index}, attempt}] = worker;
    }
  }
}

void Invariants::listed(const Scheduler& scheduler, Instant now) {
  const auto workers = scheduler.workers(now);
  if (workers.size() > 1'000) complain("more than 1,000 workers");
  std::map<WorkerId, std::uint32_t> leases;
  if (!orphans_till_) orphans_till_ = now + kAdoptionMax + kTickEvery;
  if (now > *orphans_till_) orphans_.clear();
  std::size_t open = 0, active = 0;
  for (const auto& [id, job] : decided_.jobs()) {
    if (!is_final(job.state) || (job.state == JobState::kDone && !job.forgotten)) ++open;
    if (!is_final(job.state) && life_place(job.state) >= life_place(JobState::kAnalysing)) ++active;
    if (is_final(job.state)) continue;
    for (std::uint32_t index = 0; index < job.tasks.size(); ++index) {
      for (const auto& [attempt, worker] : job.tasks[index].leases) {
        const auto orphan = orphans_.find({{id, index}, attempt});
        if (orphan == orphans_.end() || orphan->second != worker) ++leases[worker];
      }
    }
  }
  if (open > 10'000) complain("more than 10,000 open jobs");
  if (active > kActiveTotalMax) complain("too many jobs active at once");
  for (const wire::WorkerStatus& worker : workers) {
    if (worker.busy > worker.slots) complain("worker " + std::to_string(worker.worker.value) + " is given more than its slots");
    if (leases[worker.worker] > worker.busy) complain("worker " + std::to_string(worker.worker.value) + " holds unbooked leases");
    leases.erase(worker.worker);
  }
  for (const auto& [id, count] : leases) {
    if (count > 0) complain("worker " + std::to_string(id.value) + " is gone and holds a lease");
  }
}

}  // namespace gopmill::test
