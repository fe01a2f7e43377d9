#include <string>

#include "coordinator/scheduler/scheduler.h"

// One line for every event, fact and action.

namespace gopmill {

namespace {

std::string text(std::uint64_t number) { return std::to_string(number); }
std::string text(JobId job) { return "job " + text(job.value); }
std::string text(WorkerId worker) { return "worker " + text(worker.value); }
std::string text(TaskId task) { return task_text(task); }
std::string text(TaskId task, Attempt attempt) { return attempt_text(task, attempt); }
std::string text(const Fault& fault) { return std::string(fault_word(fault.kind)) + ": " + fault.text; }
std::string text(const std::optional<Fault>& fault) { return fault ? " (" + text(*fault) + ")" : std::string(); }

std::string text(StepKind step) {
  switch (step) {
    case StepKind::kAnalyse: return "analyse";
    case StepKind::kSplit: return "split";
    case StepKind::kStitch: return "stitch";
    case StepKind::kPackage: return "package";
    case StepKind::kVerify: return "verify";
  }
  return "step " + text(static_cast<std::uint64_t>(step));
}

std::string text(LossKind kind) {
  switch (kind) {
    case LossKind::kMachine: return "machine";
    case LossKind::kPoison: return "poison";
    case LossKind::kHandedBack: return "handed back";
    case LossKind::kFatal: return "fatal";
    case LossKind::kRecovered: return "recovered";
    case LossKind::kWorkerLost: return "worker lost";
    case LossKind::kStorage: return "storage";
  }
  return "loss " + text(static_cast<std::uint64_t>(kind));
}

std::string text(const std::vector<wire::RunningTask>& tasks) {
  std::string line = "[";
  for (const wire::RunningTask& task : tasks) {
    if (line.size() > 1) line += ", ";
    line += text(task.task, task.attempt);
  }
  return line + "]";
}

// A run of indexes that follow each other is written as first-last. Appended piece by piece because g++ 12 takes
// `"," + string` for a copy onto itself (-Wrestrict, its bug 105651).
std::string text(const std::vector<std::uint32_t>& indexes) {
  std::string line = "[";
  for (std::size_t first = 0; first < indexes.size();) {
    std::size_t last = first;
    while (last + 1 < indexes.size() && indexes[last + 1] == indexes[last] + 1) ++last;
    if (first > 0) line += ',';
    line += text(std::uint64_t{indexes[first]});
    if (last > first) line.append("-").append(text(std::uint64_t{indexes[last]}));
    first = last + 1;
  }
  return line + "]";
}

std::string word(wire::JobState state) { return std::string(wire::job_state_word(state)); }

std::string slots(std::uint32_t slots_max) {
  return slots_max == 0 ? std::string() : ", at most " + text(std::uint64_t{slots_max}) + " slots";
}

struct EventText {
  std::string operator()(const events::JobAdded& e) const {
    return "add " + text(e.job) + " priority " + text(std::uint64_t{e.priority}) + (e.upload_wanted ? " with upload" : "") +
           slots(e.slots_max);
  }
  std::string operator()(const events::UploadProgressed& e) const { return "upload of " + text(e.job) + " progressed"; }
  std::string operator()(const events::UploadFinished& e) const { return "upload of " + text(e.job) + " finished"; }
  std::string operator()(const events::UploadFailed& e) const { return "upload of " + text(e.job) + " failed: " + text(e.fault); }
  std::string operator()(const events::StepDone& e) const { return text(e.job) + " " + text(e.step) + " done"; }
  std::string operator()(const events::StepFailed& e) const {
    return text(e.job) + " " + text(e.step) + " failed: " + text(e.fault);
  }
  std::string operator()(const events::InputReady& e) const { return "input of " + text(e.task) + " ready"; }
  std::string operator()(const events::InputDamaged& e) const {
    return "input of " + text(e.task) + " damaged: " + text(e.fault);
  }
  std::string operator()(const events::OutputsDamaged& e) const {
    return "outputs of " + text(e.task, e.attempt) + " damaged: " + text(e.fault);
  }
  std::string operator()(const events::SpoolBlocked& e) const { return "spool blocked: " + text(e.fault); }
  std::string operator()(const events::SpoolFreed& /*e*/) const { return "spool freed"; }
  std::string operator()(const events::JobBytesLost& e) const { return "bytes of " + text(e.job) + " lost: " + text(e.fault); }
  std::string operator()(const events::WorkerSaidHello& e) const {
    return "hello from " + e.peer + (e.hello.running.empty() ? "" : " holding " + text(e.hello.running));
  }
  std::string operator()(const events::WorkerHeard& e) const {
    return "heartbeat of " + text(e.heartbeat.worker) + " from " + e.peer + " holding " + text(e.heartbeat.running);
  }
  std::string operator()(const events::WorkerLeft& e) const { return e.peer + " left"; }
  std::string operator()(const events::WorkerDisconnected& e) const { return e.peer + " disconnected"; }
  std::string operator()(const events::WorkerReconnected& e) const { return e.peer + " reconnected"; }
  std::string operator()(const events::DrainRequested& e) const { return "drain of " + text(e.worker); }
  std::string operator()(const events::TaskFinished& e) const {
    return text(e.done.worker) + " finished " + text(e.done.task, e.done.attempt);
  }
  std::string operator()(const events::TaskFailed& e) const {
    return text(e.failed.worker) + " failed " + text(e.failed.task, e.failed.attempt) + ": " + text(e.failed.fault);
  }
  std::string operator()(const events::CancelRequested& e) const { return "cancel of " + text(e.job); }
  std::string operator()(const events::Delivered& e) const { return text(e.job) + " delivered"; }
  std::string operator()(const events::Tick& /*e*/) const { return "tick"; }
};

struct FactText {
  std::string operator()(const facts::JobAccepted& f) const {
    return text(f.job) + " accepted, priority " + text(std::uint64_t{f.priority}) + (f.upload_wanted ? ", upload wanted" : "") +
           slots(f.slots_max);
  }
  std::string operator()(const facts::JobEntered& f) const { return text(f.job) + " " + word(f.state); }
  std::string operator()(const facts::JobPlanned& f) const {
    return text(f.job) + " planned, " + text(f.tasks.size()) + " tasks";
  }
  std::string operator()(const facts::TaskLeased& f) const { return text(f.task, f.attempt) + " leased to " + text(f.worker); }
  std::string operator()(const facts::TaskAdopted& f) const { return text(f.task, f.attempt) + " adopted by " + text(f.worker); }
  std::string operator()(const facts::TaskCommitted& f) const { return text(f.task, f.attempt) + " committed"; }
  std::string operator()(const facts::TaskReopened& f) const {
    return text(f.task, f.attempt) + " reopened (" + text(f.fault) + ")";
  }
  std::string operator()(const facts::AttemptLost& f) const {
    return text(f.task, f.attempt) + " lost, " + text(f.kind) + " (" + text(f.fault) + ")";
  }
  std::string operator()(const facts::StepLost& f) const {
    return text(f.job) + " " + text(f.step) + " lost, " + text(f.kind) + " (" + text(f.fault) + ")";
  }
  std::string operator()(const facts::JobEnded& f) const { return text(f.job) + " " + word(f.state) + text(f.fault); }
  std::string operator()(const facts::JobForgotten& f) const {
    return text(f.job) + " forgotten, " + (f.delivered ? "delivered" : "never delivered");
  }
};

struct ActionText {
  std::string operator()(const actions::AcceptJob& a) const { return "accept " + text(a.job); }
  std::string operator()(const actions::RefuseJob& a) const { return "refuse " + text(a.job) + " (" + text(a.fault) + ")"; }
  std::string operator()(const actions::StartStep& a) const {
    return "start " + text(a.step) + " of " + text(a.job) + (a.inputs.empty() ? "" : " inputs " + text(a.inputs));
  }
  std::string operator()(const actions::StopStep& a) const { return "stop " + text(a.step) + " of " + text(a.job); }
  std::string operator()(const actions::AllowInputs& a) const {
    return "allow inputs of " + text(a.job) + " below " + text(std::uint64_t{a.end});
  }
  std::string operator()(const actions::DropInput& a) const { return "drop input of " + text(a.task); }
  std::string operator()(const actions::CommitOutputs& a) const { return "commit outputs of " + text(a.task, a.attempt); }
  std::string operator()(const actions::DiscardOutputs& a) const { return "discard outputs of " + text(a.task, a.attempt); }
  std::string operator()(const actions::WelcomeWorker& a) const { return "welcome " + a.peer + " as " + text(a.worker); }
  std::string operator()(const actions::RefuseWorker& a) const { return "refuse " + a.peer + " (" + text(a.fault) + ")"; }
  std::string operator()(const actions::ForgetWorker& a) const {
    return "tell " + a.peer + " that " + text(a.worker) + " is unknown";
  }
  std::string operator()(const actions::Assign& a) const {
    return "assign " + text(a.assign.task, a.assign.attempt) + " to " + text(a.assign.worker);
  }
  std::string operator()(const actions::SettleAttempt& a) const {
    return "settle " + text(a.settled.task, a.settled.attempt) + " with " + text(a.settled.worker);
  }
  std::string operator()(const actions::AckHeartbeat& a) const {
    return "ack " + text(a.ack.worker) + " drop " + text(a.ack.drop);
  }
  std::string operator()(const actions::DrainWorker& a) const { return "tell " + text(a.worker) + " to drain"; }
  std::string operator()(const actions::ReportDifference& a) const {
    return "report that " + text(a.task, a.other) + " by " + text(a.worker) + " differs from attempt " +
           text(std::uint64_t{a.committed});
  }
  std::string operator()(const actions::FinishJob& a) const {
    return "finish " + text(a.job) + " " + word(a.state) + text(a.fault);
  }
  std::string operator()(const actions::CleanJob& a) const {
    return "clean " + text(a.job) + (a.keep_files ? " but for its files" : "");
  }
};

}  // namespace

std::string describe(const Event& event) { return std::visit(EventText{}, event); }
std::string describe(const Fact& fact) { return std::visit(FactText{}, fact); }
std::string describe(const Action& action) { return std::visit(ActionText{}, action); }

}  // namespace gopmill
