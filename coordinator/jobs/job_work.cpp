#include "coordinator/jobs/job_work.h"

#include <utility>

namespace gopmill {

namespace {

// What is true only of the source that was submitted.
bool rests_on_source(const Event& event) {
  if (const auto* failed = std::get_if<events::StepFailed>(&event)) return failed->fault.kind == FaultKind::kInput;
  const auto* done = std::get_if<events::StepDone>(&event);
  return done != nullptr && done->step == StepKind::kVerify;
}

}  // namespace

JobWork::JobWork(JobId job, wire::Submission submission, std::int64_t submitted_unix_ms, Spool& spool, std::string build)
    : record_{job, submission, Source::of(submission), submitted_unix_ms, spool, std::move(build)} {}

Result<std::unique_ptr<JobStep>> JobWork::begin(const actions::StartStep& action, Instant now) {
  switch (action.step) {
    case StepKind::kAnalyse: return start_analysis(record_, now);
    case StepKind::kSplit: return start_split(record_, action.inputs, now);
    case StepKind::kStitch: return start_stitch(record_, now);
    case StepKind::kPackage: return start_packaging(record_, now);
    case StepKind::kVerify: return start_verification(record_, now);
  }
  return fail(FaultKind::kInternal, "no such step");
}

std::vector<Event> JobWork::start(const actions::StartStep& action, Instant now) {
  std::vector<Event> events;
  auto step = begin(action, now);
  if (step) {
    steps_[action.step] = std::move(*step);
    poll_step(action.step, now, events);  // one that has nothing to do is over at once
  } else {
    tell(events::StepFailed{record_.job, action.step, std::move(step.error())}, now, events);
  }
  return events;
}

std::vector<int> JobWork::event_fds() const {
  std::vector<int> fds;
  for (const auto& [kind, step] : steps_) step->watch(fds);
  if (hasher_) fds.push_back(hasher_->event_fd());
  return fds;
}

std::vector<Event> JobWork::poll(Instant now) {
  std::vector<Event> out;
  std::vector<StepKind> running;
  for (const auto& [kind, step] : steps_) running.push_back(kind);
  for (const StepKind step : running) poll_step(step, now, out);
  if (hasher_) poll_hasher(now, out);
  return out;
}

void JobWork::poll_step(StepKind step, Instant now, std::vector<Event>& out) {
  std::vector<Event> said;
  auto over = steps_.at(step)->poll(now, said);
  if (!over) said.emplace_back(events::StepFailed{record_.job, step, std::move(over.error())});
  if (!over || *over) steps_.erase(step);
  for (Event& event : said) tell(std::move(event), now, out);
}

void JobWork::allow_inputs(std::uint32_t end) {
  record_.inputs_allowed = end;
  for (const auto& [kind, step] : steps_) step->resume();
}

void JobWork::commit(std::uint32_t task, CommittedTask committed) {
  const std::optional<Plan>& plan = record_.plan;
  const bool measured = plan && task < plan->tasks.size() && plan->tasks[task].kind == PlannedTask::Kind::kMeasure;
  record_.committed[task] = std::move(committed);
  if (!measured) return;
  record_.find_rates();
  if (record_.rates) allow_inputs(record_.inputs_allowed);
}

// ---- The source as it was submitted ----

void JobWork::tell(Event event, Instant now, std::vector<Event>& out) {
  if (!rests_on_source(event)) return out.push_back(std::move(event));
  for (Event& sure : doubt_source(std::move(event), now)) out.push_back(std::move(sure));
}

std::vector<Event> JobWork::doubt_source(Event event, Instant now) {
  if (!record_.from.upload()) return {std::move(event)};  // its owner's file, not a copy of ours
  doubted_.push_back(std::move(event));
  if (hasher_) return {};
  const auto source = record_.open_source();
  auto child = source ? MediaChild::start(ChildWork::kHash, "", {source->get()}, kStepLimits, now)
                      : Result<MediaChild>(std::unexpected(source.error()));
  if (!child) return std::exchange(doubted_, {});
  hasher_.emplace(std::move(*child));
  return {};
}

void JobWork::poll_hasher(Instant now, std::vector<Event>& out) {
  for (const ChildEvent& event : hasher_->poll(now)) {
    const auto* ended = std::get_if<ChildEnded>(&event);
    if (ended == nullptr) continue;
    const bool changed = ended->result && *ended->result != std::to_string(record_.from.upload()->hash);
    hasher_.reset();
    if (changed) {
      doubted_.clear();
      out.emplace_back(events::JobBytesLost{
          record_.job, {FaultKind::kMachine, "the coordinator's copy of the source was damaged on its disk: submit it again"}});
    }
    for (Event& sure : std::exchange(doubted_, {})) out.push_back(std::move(sure));
    return;
  }
}

}  // namespace gopmill
