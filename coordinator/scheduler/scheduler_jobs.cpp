#include <algorithm>
#include <string>

#include "base/check.h"
#include "coordinator/scheduler/scheduler_turn.h"

// What happens to jobs and to their steps on the coordinator's own machine.

namespace gopmill {

namespace {

std::string step_word(StepKind step) {
  switch (step) {
    case StepKind::kAnalyse: return "analysing";
    case StepKind::kSplit: return "splitting";
    case StepKind::kStitch: return "stitching";
    case StepKind::kPackage: return "packaging";
    case StepKind::kVerify: return "verifying";
  }
  return "a step";
}

std::string seconds(Duration duration) { return std::to_string(duration.count() / 1000) + " s"; }

std::size_t running_max(StepKind step) {
  switch (step) {
    case StepKind::kAnalyse: return kAnalysingMax;
    case StepKind::kSplit: return kActiveTotalMax;
    case StepKind::kStitch: return kStitchingMax;
    case StepKind::kPackage: return kPackagingMax;
    case StepKind::kVerify: return kVerifyingMax;
  }
  return 0;
}

// A plan this coordinator cannot carry out is our own broken promise, found before it did harm.
std::string plan_flaw(const std::vector<TaskShape>& tasks, std::size_t needs) {
  if (tasks.empty()) return "the plan has no tasks";
  if (tasks.size() > kTasksMax) {
    return "the plan has " + std::to_string(tasks.size()) + " tasks; at most " + std::to_string(kTasksMax) + " are allowed";
  }
  const auto by_kind = [](const TaskShape& a, const TaskShape& b) { return a.kind < b.kind; };
  if (!std::is_sorted(tasks.begin(), tasks.end(), by_kind)) return "the plan has an audio task after a video task";
  const auto unnamed = [&](const TaskShape& task) { return needs > 0 && task.needs >= needs; };
  if (std::any_of(tasks.begin(), tasks.end(), unnamed)) return "the plan has a task whose needs it does not name";
  return {};
}

}  // namespace

LossKind loss_kind(FaultKind kind) {
  switch (kind) {
    case FaultKind::kMachine:
    case FaultKind::kNoInput:  // an input that is not there any more, seen from a machine that was to fetch it
    case FaultKind::kCannotCreate:
    case FaultKind::kUnavailable:  // a transfer that made no progress
    case FaultKind::kInternal: return LossKind::kMachine;
    case FaultKind::kPoison: return LossKind::kPoison;
    case FaultKind::kCancelled: return LossKind::kHandedBack;
    case FaultKind::kInput:
    case FaultKind::kConfig:
    case FaultKind::kUsage: return LossKind::kFatal;
  }
  return LossKind::kMachine;  // a number from a newer peer: retrying elsewhere is what can do no harm
}

// ---- Submission and upload ----

void Scheduler::Turn::apply(const events::JobAdded& event) {
  if (jobs_.find(event.job) != nullptr || event.job <= jobs_.last_id()) return;  // doubled: it was answered
  if (jobs_.open() >= kJobsMax) {
    act(actions::RefuseJob{event.job,
                           {FaultKind::kUnavailable, "the queue is full (" + std::to_string(kJobsMax) +
                                                         " jobs): submit again when some have finished, or cancel some"}});
    return;
  }
  const facts::JobAccepted accepted{event.job, event.priority, event.upload_wanted, event.slots_max};
  jobs_.add(accepted, now_);
  record(accepted);
  act(actions::AcceptJob{event.job});
}

void Scheduler::Turn::apply(const events::UploadProgressed& event) {
  if (Job* job = jobs_.find_live(event.job)) job->upload_heard = now_;
}

void Scheduler::Turn::apply(const events::UploadFinished& event) {
  Job* job = jobs_.find_live(event.job);
  if (job != nullptr && job->state == wire::JobState::kUploading) enter(*job, wire::JobState::kQueued);
}

void Scheduler::Turn::apply(const events::UploadFailed& event) {
  Job* job = jobs_.find_live(event.job);
  if (job == nullptr || job->state != wire::JobState::kUploading) return;
  fail_job(*job, Fault(event.fault).within("uploading"));
}

// ---- Steps ----

void Scheduler::Turn::apply(const events::StepDone& event) {
  Job* job = jobs_.find_live(event.job);
  if (job == nullptr || !job->step_running || job->wanted_step() != event.step) return;
  job->step_running = false;
  switch (event.step) {
    case StepKind::kAnalyse: accept_plan(*job, event); break;
    case StepKind::kSplit:
      if (const auto owed = job->end_split()) {
        fail_job(*job,
                 {FaultKind::kInternal, "splitting ended before the input of task " + std::to_string(*owed) + " was written"});
        break;
      }
      finish_tasks(*job);
      break;
    case StepKind::kStitch: enter(*job, wire::JobState::kPackaging); break;
    case StepKind::kPackage: enter(*job, wire::JobState::kVerifying); break;
    case StepKind::kVerify: end_job(*job, wire::JobState::kDone, std::nullopt); break;
  }
}

void Scheduler::Turn::accept_plan(Job& job, const events::StepDone& event) {
  if (std::string flaw = plan_flaw(event.tasks, event.needs.size()); !flaw.empty()) {
    fail_job(job, {FaultKind::kInternal, std::move(flaw)});
    return;
  }
  job.plan(event.tasks, event.needs);
  record(facts::JobPlanned{job.id, event.tasks, event.needs});
  enter(job, wire::JobState::kRunning);
}

// Committing and splitting end in either order: the splitter may still be reading on when the last commit comes, and what
// it says at its end about the source is waited for.
void Scheduler::Turn::finish_tasks(Job& job) {
  if (job.split_done && job.tasks_done == job.tasks_total) enter(job, wire::JobState::kStitching);
}

void Scheduler::Turn::apply(const events::StepFailed& event) {
  Job* job = jobs_.find_live(event.job);
  if (job == nullptr || !job->step_running || job->wanted_step() != event.step) return;
  job->step_running = false;
  // Whatever a step says of itself while the disk takes nothing, the disk is the reason.
  const LossKind kind = loss_kind(event.fault.kind);
  lose_step(*job, event.step, blocked() && kind != LossKind::kFatal ? LossKind::kRecovered : kind, event.fault);
}

void Scheduler::Turn::lose_step(Job& job, StepKind step, LossKind kind, const Fault& fault) {
  Fault said = Fault(fault).within(step_word(step));
  if (job.step_losses.charge(kind)) return fail_job(job, std::move(said));
  job.step_fault = std::move(said.text);
  record(facts::StepLost{job.id, step, kind, fault});
  // A step has nowhere else to go, so that even one handed back waits.
  const Duration wait = job.step_losses.backoff(kind, job.id.value);
  job.step_due = now_ + std::max(wait, kBackoffMin);
}

void Scheduler::Turn::apply(const events::InputReady& event) {
  Job* job = jobs_.find_live(event.task.job);
  if (job == nullptr || job->state != wire::JobState::kRunning) return;
  const Task* task = job->task(event.task.index);
  if (task == nullptr || task->stage != Task::Stage::kUnready) return;
  if (event.task.index >= job->inputs_end) {
    fail_job(*job, {FaultKind::kInternal, "splitting ran ahead of its window at task " + std::to_string(event.task.index)});
    return;
  }
  job->receive_input(event.task.index, event.facts);
}

// ---- The spool ----

// Nobody can work on the task any more, and nobody is to blame but the disk.
void Scheduler::Turn::apply(const events::InputDamaged& event) {
  Job* job = jobs_.find_live(event.task.job);
  Task* task = job == nullptr ? nullptr : job->task(event.task.index);
  if (task == nullptr || task->stage == Task::Stage::kCommitted) return;
  if (!task->input && task->leases.empty()) return;  // known
  std::set<WorkerId> to_ask;
  const std::vector<Lease> leases = task->leases;
  task->input.reset();
  bool used_up = false;
  for (const Lease& lease : leases) {
    record(facts::AttemptLost{event.task, lease.attempt, LossKind::kStorage, event.fault});
    used_up = job->lose(event.task.index, lease.attempt, LossKind::kStorage, now_) || used_up;
    act(actions::DiscardOutputs{event.task, lease.attempt});
    call_off(event.task, lease, to_ask);
  }
  if (leases.empty()) used_up = job->lose_input(event.task.index);
  ask_to_drop(to_ask);
  if (used_up) fail_job(*job, Fault(event.fault).within("again and again"));
}

void Scheduler::Turn::apply(const events::OutputsDamaged& event) {
  Job* job = jobs_.find_live(event.task.job);
  const Task* task = job == nullptr ? nullptr : job->task(event.task.index);
  if (task == nullptr || job->state != wire::JobState::kStitching || task->committed != event.attempt) return;
  record(facts::TaskReopened{event.task, event.attempt, event.fault});
  act(actions::DiscardOutputs{event.task, event.attempt});
  const bool used_up = job->reopen(event.task.index);
  if (used_up) return fail_job(*job, Fault(event.fault).within("again and again"));
  enter(*job, wire::JobState::kRunning);
}

void Scheduler::Turn::apply(const events::SpoolBlocked& event) { jobs_.spool_blocked = event.fault; }

// Uploads were held back meanwhile: their silence was ours.
void Scheduler::Turn::apply(const events::SpoolFreed& /*event*/) {
  if (!blocked()) return;
  jobs_.spool_blocked.reset();
  jobs_.forgive_uploads(now_);
}

void Scheduler::Turn::enter(Job& job, wire::JobState state) {
  jobs_.enter(job, state, now_);
  record(facts::JobEntered{job.id, state});
}

void Scheduler::Turn::apply(const events::JobBytesLost& event) {
  if (Job* job = jobs_.find_live(event.job)) fail_job(*job, event.fault);
}

// ---- The end ----

void Scheduler::Turn::apply(const events::CancelRequested& event) {
  Job* job = jobs_.find_live(event.job);
  if (job != nullptr) end_job(*job, wire::JobState::kCancelled, Fault{FaultKind::kCancelled, "by its owner"});
}

void Scheduler::Turn::end_job(Job& job, wire::JobState state, std::optional<Fault> fault) {
  record(facts::JobEnded{job.id, state, fault});
  if (job.step_running) act(actions::StopStep{job.id, *job.wanted_step()});

  std::set<WorkerId> to_ask;
  for (const std::uint32_t index : job.leased()) {
    for (const Lease& lease : job.tasks()[index].leases) call_off({job.id, index}, lease, to_ask);
  }
  ask_to_drop(to_ask);

  act(actions::FinishJob{job.id, state, fault});
  act(actions::CleanJob{job.id, state == wire::JobState::kDone});
  jobs_.end(job, state, std::move(fault), now_);
}

void Scheduler::Turn::apply(const events::Delivered& event) {
  Job* job = jobs_.find(event.job);
  if (job != nullptr && job->files_kept) release_files(*job, true);
}

void Scheduler::Turn::release_files(Job& job, bool delivered) {
  jobs_.release_files(job, delivered);
  record(facts::JobForgotten{job.id, delivered});
  act(actions::CleanJob{job.id, false});
}

void Scheduler::Turn::expire_jobs() {
  std::vector<JobId> stalled, overdue, undelivered;
  for (const auto& [id, job] : jobs_.all()) {
    if (is_final(job.state)) {
      if (job.files_kept && now_ - job.ended > kDeliveryTimeMax) undelivered.push_back(id);
    } else if (now_ - job.added > kJobTimeMax) {
      overdue.push_back(id);
    } else if (job.state == wire::JobState::kUploading && !blocked() && now_ - job.upload_heard > kUploadSilenceMax) {
      stalled.push_back(id);
    }
  }
  for (const JobId id : stalled) {
    fail_job(*jobs_.find(id),
             {FaultKind::kNoInput, "the upload of the source made no progress for " + seconds(kUploadSilenceMax)});
  }
  for (const JobId id : overdue) {
    fail_job(*jobs_.find(id), {FaultKind::kMachine, "not finished within " + seconds(kJobTimeMax) + " of its submission"});
  }
  for (const JobId id : undelivered) release_files(*jobs_.find(id), false);
  jobs_.trim();
}

// ---- Going on ----

void Scheduler::Turn::advance() {
  skip_idle_splits();
  if (blocked()) return;
  start_due_steps();
  start_queued_jobs();
  allow_inputs();
  lease_ready_tasks();
}

void Scheduler::Turn::start_step(Job& job, StepKind step) {
  job.step_running = true;
  act(actions::StartStep{job.id, step, step == StepKind::kSplit ? job.start_split() : std::vector<std::uint32_t>{}});
  // A splitter that starts again has not heard how far it may go; allow_inputs() speaks only when that moves.
  if (step == StepKind::kSplit && job.inputs_end > 0) act(actions::AllowInputs{job.id, job.inputs_end});
}

// A splitter that failed, or went down with the coordinator, after its last input was written has nothing to start for.
void Scheduler::Turn::skip_idle_splits() {
  for (Job* job : jobs_.active()) {
    if (job->wanted_step() != StepKind::kSplit || job->step_running || !job->missing_inputs().empty()) continue;
    job->split_done = true;
    finish_tasks(*job);
  }
}

void Scheduler::Turn::start_due_steps() {
  for (Job* job : jobs_.active()) {
    const auto step = job->wanted_step();
    if (!step || job->step_running || job->step_due > now_) continue;
    if (jobs_.steps_running(*step) < running_max(*step)) start_step(*job, *step);
  }
}

// A job that waits for a worker of other abilities holds up nobody but itself, until kActiveTotalMax of them fill the house.
std::size_t Scheduler::Turn::busy_before(const Job& job) {
  std::size_t count = 0;
  for (const Job* active : jobs_.active()) {
    const bool before = JobBook::order_of(*active) < JobBook::order_of(job);
    if (before && !workers_.waits_for_ability(*active)) ++count;
  }
  return count;
}

void Scheduler::Turn::start_queued_jobs() {
  // The head of the queue goes before all others in it: where it may not start, no other may.
  while (Job* job = jobs_.next_queued()) {
    if (jobs_.steps_running(StepKind::kAnalyse) >= kAnalysingMax) return;
    if (jobs_.active_count() >= kActiveTotalMax || busy_before(*job) >= kActiveMax) return;
    enter(*job, wire::JobState::kAnalysing);
    start_step(*job, StepKind::kAnalyse);
  }
}

void Scheduler::Turn::allow_inputs() {
  const std::uint32_t window = input_window(workers_.slots_total(now_));
  for (Job* job : jobs_.active()) {
    // With no splitter to say it to, the window would be opened for workers that may be gone when one starts again.
    if (job->state != wire::JobState::kRunning || !job->step_running) continue;
    if (job->allow_inputs(window)) act(actions::AllowInputs{job->id, job->inputs_end});
  }
}

}  // namespace gopmill
