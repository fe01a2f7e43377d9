#include "coordinator/jobs/job_record.h"

#include "base/archive.h"

namespace gopmill {

Result<> JobRecord::make_plan() {
  profile = TRY(load_profile(submission.profile_yaml, submission.profile_name, {}));
  plan = TRY(gopmill::make_plan(*source, *profile, submission.output_base));
  find_rates();
  return {};
}

Result<> JobRecord::recall_plan() {
  const std::string bytes = TRY(spool.load_facts(job));
  source = TRY(decode<SourceFacts>(bytes, "the kept analysis"));
  return make_plan();
}

void JobRecord::find_rates() {
  MeasuredSizes sizes;
  for (const auto& [task, done] : committed) {
    if (task >= plan->tasks.size() || plan->tasks[task].kind != PlannedTask::Kind::kMeasure) continue;
    for (const VideoOutput& output : done.result.video) sizes[task].push_back(output.bytes);
  }
  rates = segment_rates(*plan, sizes);
}

Finished JobRecord::finished() const {
  Finished finished;
  finished.files = files;
  if (source) finished.notes = source->notes;
  if (plan) {
    finished.media = Duration(static_cast<std::int64_t>(plan->seconds * 1000));
    finished.notes.insert(finished.notes.end(), plan->notes.begin(), plan->notes.end());
    for (const PlannedRendition& rendition : plan->renditions) {
      finished.renditions.push_back({rendition.file.name, 0, rendition.file.frames.size()});
    }
  }
  finished.notes.insert(finished.notes.end(), notes.begin(), notes.end());
  return finished;
}

}  // namespace gopmill
