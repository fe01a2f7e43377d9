#include "coordinator/jobs/output_step.h"

#include <utility>

#include "base/archive.h"

namespace gopmill {

OutputStep::OutputStep(JobRecord& record, StepKind kind, bool (*wanted)(OutputKind)) : record_(record), kind_(kind) {
  if (!record.plan) return;
  for (std::uint32_t output = 0; output < record.plan->outputs.size(); ++output) {
    if (wanted(planned(output).kind)) outputs_.push_back(output);
  }
}

Result<> OutputStep::begin(Instant now) {
  if (!record_.plan) return fail(FaultKind::kMachine, "what its analysis found is not in the spool");
  if (at_ < outputs_.size()) child_.emplace(TRY(start(current(), now)));
  return {};
}

Result<> OutputStep::accept(std::uint32_t output, FileReport /*report*/) {
  return record_.spool.finish(record_.output(output), true);
}

void OutputStep::watch(std::vector<int>& fds) const {
  if (child_) fds.push_back(child_->event_fd());
}

Result<bool> OutputStep::poll(Instant now, std::vector<Event>& out) {
  if (child_) {
    std::optional<ChildEnded> end;
    for (ChildEvent& event : child_->poll(now)) {
      if (auto* ended = std::get_if<ChildEnded>(&event)) {
        end = std::move(*ended);
      } else if (TRY(hear(event, out))) {
        return true;
      }
    }
    if (!end) return false;
    FileReport report = TRY(decode<FileReport>(TRY(std::move(end->result)), "the file's report"));
    for (const Check& check : report.checks) {
      if (!check.passed && !check.advisory)
        return fail(FaultKind::kInternal, planned(current()).path + " fails its check '" + check.name + "': " + check.found);
    }
    TRY(accept(current(), std::move(report)));
    child_.reset();
    ++at_;
    TRY(begin(now));
    if (child_) return false;
  }
  TRY(finish());
  out.emplace_back(events::StepDone{record_.job, kind_, {}});
  return true;
}

}  // namespace gopmill
