#include <utility>

#include "base/archive.h"
#include "coordinator/jobs/job_step.h"
#include "coordinator/jobs/task_shapes.h"

namespace gopmill {
namespace {

class AnalyseStep final : public JobStep {
 public:
  AnalyseStep(JobRecord& record, MediaChild child) : record_(record), child_(std::move(child)) {}

  void watch(std::vector<int>& fds) const override { fds.push_back(child_.event_fd()); }

  Result<bool> poll(Instant now, std::vector<Event>& out) override {
    for (ChildEvent& event : child_.poll(now)) {
      auto* ended = std::get_if<ChildEnded>(&event);
      if (ended == nullptr) continue;
      const std::string bytes = TRY(std::move(ended->result));
      record_.source = TRY(decode<SourceFacts>(bytes, "the analysis"));
      TRY(record_.make_plan());
      TRY(record_.spool.save_facts(record_.job, bytes));
      out.emplace_back(plan_done(record_.job, *record_.plan, *record_.source));
      return true;
    }
    return false;
  }

 private:
  JobRecord& record_;
  MediaChild child_;
};

}  // namespace

Result<std::unique_ptr<JobStep>> start_analysis(JobRecord& record, Instant now) {
  const Fd source = TRY(record.open_source());
  const Profile profile = TRY(load_profile(record.submission.profile_yaml, record.submission.profile_name, {}));
  AnalyseRequest request{.damage = profile.damage};
  if (profile.subtitles.bitmap == BitmapSubtitles::kBurn && !profile.renditions.empty())
    request.burn = BurnRequest{profile.subtitles.tracks, profile.subtitles.languages};
  MediaChild child = TRY(MediaChild::start(ChildWork::kAnalyse, encode(request), {source.get()}, kStepLimits, now));
  return std::make_unique<AnalyseStep>(record, std::move(child));
}

}  // namespace gopmill
