#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "coordinator/jobs/job_step.h"

namespace gopmill {

// A step that goes through outputs of the plan one after the other, with a child for each. Private to coordinator/jobs.
class OutputStep : public JobStep {
 public:
  void watch(std::vector<int>& fds) const final;
  Result<bool> poll(Instant now, std::vector<Event>& out) final;
  // Starts the first child. kMachine where there is no plan.
  Result<> begin(Instant now);

 protected:
  // Of the plan's outputs, those whose kind is `wanted`.
  OutputStep(JobRecord& record, StepKind kind, bool (*wanted)(OutputKind));

  // The child that does `output`.
  virtual Result<MediaChild> start(std::uint32_t output, Instant now) = 0;
  // It ended well; what it says of the file. A step that makes files has made this one.
  virtual Result<> accept(std::uint32_t output, FileReport report);
  // What else a child said. True: the step is over, and `out` says how.
  virtual Result<bool> hear(const ChildEvent& /*event*/, std::vector<Event>& /*out*/) { return false; }
  // After the last output.
  virtual Result<> finish() { return {}; }

  [[nodiscard]] const PlannedOutput& planned(std::uint32_t output) const { return record_.plan->outputs[output]; }
  [[nodiscard]] std::uint32_t current() const { return outputs_[at_]; }
  [[nodiscard]] MediaChild& child() { return *child_; }

  JobRecord& record_;

 private:
  const StepKind kind_;
  std::vector<std::uint32_t> outputs_;
  std::size_t at_ = 0;
  std::optional<MediaChild> child_;
};

template <class Step>
Result<std::unique_ptr<JobStep>> begin_step(JobRecord& record, Instant now) {
  auto step = std::make_unique<Step>(record);
  TRY(step->begin(now));
  return step;
}

}  // namespace gopmill
