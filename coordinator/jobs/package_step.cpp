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
};

}  // namespace

Result<std::unique_ptr<JobStep>> start_packaging(JobRecord& record, Instant now) { return begin_step<PackageStep>(record, now); }

}  // namespace gopmill
