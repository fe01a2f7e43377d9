#include "base/archive.h"
#include "coordinator/jobs/output_step.h"

namespace gopmill {
namespace {

class PackageStep final : public OutputStep {
 public:
  explicit PackageStep(JobRecord& record)
      : OutputStep(record, StepKind::kPackage, [](OutputKind kind) { return kind == OutputKind::kSubtitles; }) {}

 protected:
  Result<MediaChild> start(std::uint32_t output, Instant now) override {
    const Fd fd = TRY(record_.spool.create(record_.output(output)));
    PackageRequest request{.text = record_.plan->text_files[planned(output).of]};
    return MediaChild::start(ChildWork::kPackage, encode(request), {fd.get()}, kStepLimits, now);
  }

  Result<> accept(std::uint32_t output, FileReport /*report*/) override {
    return record_.spool.finish(record_.output(output), true);
  }
};

}  // namespace

Result<std::unique_ptr<JobStep>> start_packaging(JobRecord& record, Instant now) {
  auto step = std::make_unique<PackageStep>(record);
  TRY(step->begin(now));
  return step;
}

}  // namespace gopmill
