#include <utility>

#include "base/archive.h"
#include "base/check.h"
#include "base/hash.h"
#include "coordinator/jobs/output_step.h"
#include "coordinator/jobs/report.h"

namespace gopmill {
namespace {

class VerifyStep final : public OutputStep {
 public:
  explicit VerifyStep(JobRecord& record)
      : OutputStep(record, StepKind::kVerify, [](OutputKind kind) { return kind != OutputKind::kReport; }) {}

 protected:
  Result<MediaChild> start(std::uint32_t output, Instant now) override {
    const Fd fd = TRY(record_.spool.open_file(record_.output(output)));
    VerifyRequest request;
    if (planned(output).kind == OutputKind::kRendition) request.plan = record_.plan->renditions[planned(output).of].file;
    if (planned(output).kind == OutputKind::kSubtitles) request.text = record_.plan->text_files[planned(output).of];
    return MediaChild::start(ChildWork::kVerify, encode(request), {fd.get()}, kStepLimits, now);
  }

  Result<> accept(std::uint32_t output, FileReport report) override {
    record_.verified.insert_or_assign(output, std::move(report));
    return {};
  }

  // Every output but the report is verified: the report says so, and the job has its files.
  Result<> finish() override {
    record_.files.clear();
    for (std::uint32_t output = 0; output < record_.plan->outputs.size(); ++output) {
      const PlannedOutput& file = planned(output);
      if (file.kind == OutputKind::kReport) {
        record_.files.push_back(TRY(write_report(output)));
        continue;
      }
      const auto verified = record_.verified.find(output);
      GOPMILL_CHECK(verified != record_.verified.end());
      const FileReport& report = verified->second;
      record_.files.push_back({file.kind, file.path, report.sha256, {report.bytes, report.hash}});
    }
    return record_.spool.save_finished(record_.job, encode_finished(record_.finished()));
  }

 private:
  Result<wire::ResultFile> write_report(std::uint32_t output) {
    const std::string text = report_json(report_of(record_, unix_ms_now()));
    const auto bytes = std::as_bytes(std::span(text));
    {
      const Fd file = TRY(record_.spool.create(record_.output(output)));
      TRY(write_at(file.get(), 0, bytes));
    }
    TRY(record_.spool.finish(record_.output(output), true));
    return wire::ResultFile{OutputKind::kReport, planned(output).path, sha256_hex(bytes), {text.size(), chunk_hash(bytes)}};
  }
};

}  // namespace

Result<std::unique_ptr<JobStep>> start_verification(JobRecord& record, Instant now) {
  record.verified.clear();
  return begin_step<VerifyStep>(record, now);
}

}  // namespace gopmill
