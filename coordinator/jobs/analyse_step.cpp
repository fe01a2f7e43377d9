#include <algorithm>
#include <utility>

#include "base/archive.h"
#include "coordinator/jobs/job_step.h"

namespace gopmill {
namespace {

// A worker's child may take this long: a floor for tiny tasks, and a hundred and twenty times the length of its video.
constexpr std::int64_t kTaskFloorMs = 600'000;
constexpr double kTaskMsPerMediaSecond = 120'000;

constexpr double kCostUnitsPerSecond = 1000;  // the scheduler weighs whole numbers

// Where in the video the first rendition's frames of this segment lie.
void place_in_source(const PlannedTask& task, const RenditionPlan& video, TaskShape& shape) {
  const auto time_of = [&](std::uint64_t frame) {
    return Duration(Timestamp{video.frames[frame].pts, video.base}.in({1, 1000}).ticks);
  };
  const PlannedTask::Range& range = task.ranges.front();
  shape.from = time_of(range.first);
  shape.to = shape.from + Duration(static_cast<std::int64_t>(task.media_seconds * 1000));
}

TaskShape shape_of(const PlannedTask& task, const Plan& plan) {
  TaskShape shape;
  shape.kind = task.audio ? TaskKind::kAudio : TaskKind::kVideo;
  shape.cost = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(task.cost * kCostUnitsPerSecond));
  shape.outputs = task.outputs;
  shape.time_max = Duration(kTaskFloorMs + static_cast<std::int64_t>(task.media_seconds * kTaskMsPerMediaSecond));
  if (!task.ranges.empty()) place_in_source(task, plan.renditions.front().file, shape);
  // What is measured shows no frame of the video; its units stay unknown.
  if (task.measure) return shape;
  if (task.audio) {
    shape.units = static_cast<std::uint64_t>(task.media_seconds * 1000);
  } else {
    shape.units = task.ranges.front().end - task.ranges.front().first;
  }
  return shape;
}

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
      std::vector<TaskShape> shapes;
      for (const PlannedTask& task : record_.plan->tasks) shapes.push_back(shape_of(task, *record_.plan));
      out.emplace_back(events::StepDone{record_.job, StepKind::kAnalyse, std::move(shapes)});
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
  const Profile profile = TRY(load_profile(record.submit.profile_yaml, record.submit.profile_name, {}));
  AnalyseRequest request{.name = record.submit.source_name, .damage = profile.damage};
  if (profile.subtitles.bitmap == BitmapSubtitles::kBurn && !profile.renditions.empty())
    request.burn = BurnRequest{profile.subtitles.tracks, profile.subtitles.languages};
  MediaChild child = TRY(MediaChild::start(ChildWork::kAnalyse, encode(request), {source.get()}, kStepLimits, now));
  return std::make_unique<AnalyseStep>(record, std::move(child));
}

}  // namespace gopmill
