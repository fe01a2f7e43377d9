#include "coordinator/jobs/task_shapes.h"

#include <algorithm>
#include <string>
#include <vector>

#include "media/abilities.h"

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
  const bool audio = task.kind == PlannedTask::Kind::kAudio;
  shape.kind = audio ? TaskKind::kAudio : TaskKind::kVideo;
  shape.cost = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(task.cost * kCostUnitsPerSecond));
  shape.outputs = task.outputs;
  shape.time_max = Duration(kTaskFloorMs + static_cast<std::int64_t>(task.media_seconds * kTaskMsPerMediaSecond));
  if (!task.ranges.empty()) place_in_source(task, plan.renditions.front().file, shape);
  // What is measured shows no frame of the video; its units stay unknown.
  if (task.kind == PlannedTask::Kind::kMeasure) return shape;
  if (audio) {
    shape.units = static_cast<std::uint64_t>(task.media_seconds * 1000);
  } else {
    shape.units = task.ranges.front().end - task.ranges.front().first;
  }
  return shape;
}

// What a worker must be able to do for this task: read the source and make, and read again, what the task makes of it. A codec
// that no machine of this build reads is not asked for: the task then fails and says so.
class TaskNeeds {
 public:
  TaskNeeds(const Plan& plan, const SourceFacts& source) : plan_(plan), source_(source), readable_(present_decoders()) {}

  [[nodiscard]] wire::Abilities of(std::uint32_t index) const {
    const PlannedTask& task = plan_.tasks[index];
    wire::Abilities needs;
    if (task.kind == PlannedTask::Kind::kAudio) {
      add(encoder_of(plan_.renditions.front().file.audio_tracks[index].task.profile.codec), needs.encoders);
      for (const AudioTrack& track : source_.audio) {
        if (track.stream == task.run.stream) read(track.codec, needs);
      }
      return needs;
    }
    if (source_.video) read(source_.video->codec, needs);
    for (const PlannedRendition& rendition : plan_.renditions) {
      add(encoder_of(rendition.file.codec), needs.encoders);
      read(std::string(codec_word(rendition.file.codec)), needs);
    }
    return needs;
  }

 private:
  static void add(const std::string& name, std::vector<std::string>& names) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  void read(const std::string& codec, wire::Abilities& needs) const {
    if (std::binary_search(readable_.begin(), readable_.end(), codec)) add(codec, needs.decoders);
  }

  const Plan& plan_;
  const SourceFacts& source_;
  const std::vector<std::string> readable_;  // sorted
};

}  // namespace

events::StepDone plan_done(JobId job, const Plan& plan, const SourceFacts& source) {
  events::StepDone done{job, StepKind::kAnalyse, {}, {}};
  const TaskNeeds needs(plan, source);
  for (std::uint32_t index = 0; index < plan.tasks.size(); ++index) {
    const wire::Abilities asked = needs.of(index);
    const auto same = std::find(done.needs.begin(), done.needs.end(), asked);
    TaskShape& shape = done.tasks.emplace_back(shape_of(plan.tasks[index], plan));
    shape.needs = static_cast<std::uint32_t>(same - done.needs.begin());
    if (same == done.needs.end()) done.needs.push_back(asked);
  }
  return done;
}

}  // namespace gopmill
