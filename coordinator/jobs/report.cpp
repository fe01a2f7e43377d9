#include "coordinator/jobs/report.h"

namespace gopmill {

namespace {

Report::TaskKind kind_of(const PlannedTask& task) {
  switch (task.kind) {
    case PlannedTask::Kind::kAudio: return Report::TaskKind::kAudio;
    case PlannedTask::Kind::kMeasure: return Report::TaskKind::kMeasure;
    case PlannedTask::Kind::kSegment: break;
  }
  return Report::TaskKind::kSegment;
}

}  // namespace

Report report_of(const JobRecord& record, std::int64_t finished_unix_ms) {
  const Plan& plan = *record.plan;
  Report report{.build = record.build,
                .profile_name = record.submission.profile_name,
                .source_name = record.submission.source_name,
                .source = *record.source,
                .decode_ratio = plan.decode_ratio,
                .repeated_decode = plan.repeated_decode,
                .notes = record.source->notes,
                .job = record.job,
                .submitted_unix_ms = record.submitted_unix_ms,
                .finished_unix_ms = finished_unix_ms,
                .attempts_lost = record.attempts_lost};
  report.notes.insert(report.notes.end(), plan.notes.begin(), plan.notes.end());
  for (const auto& [number, found] : record.verified) {
    const PlannedOutput& output = plan.outputs[number];
    if (output.kind == OutputKind::kRendition) {
      const PlannedRendition& rendition = plan.renditions[output.of];
      report.renditions.push_back({rendition.file, found, output.path, rendition.colour_done, rendition.encoder.rate.bitrate});
    } else if (output.kind == OutputKind::kSubtitles) {
      report.subtitles.push_back({plan.text_files[output.of], found, output.path});
    }
  }
  for (const auto& [index, done] : record.committed) {
    const PlannedTask& task = plan.tasks.at(index);
    report.tasks.push_back(
        {kind_of(task), task.media_seconds, task.run.end - task.run.first, done.result, done.attempt, done.worker, done.took_ms});
  }
  return report;
}

}  // namespace gopmill
