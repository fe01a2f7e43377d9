#include "base/archive.h"
#include "base/check.h"
#include "base/hash.h"
#include "coordinator/jobs/job_work.h"
#include "proto/transfer.h"

// The last steps of a job: stitching its outputs, judging the files, the report.

namespace gopmill {

namespace {

wire::Artifact result_of(JobId job, std::uint32_t index) { return {wire::ArtifactKind::kResult, job, index, 0, 0}; }

}  // namespace

const std::string& JobWork::file_name(std::size_t file) const {
  const std::size_t renditions = plan_->renditions.size();
  return file < renditions ? plan_->renditions[file].file_name : plan_->text_files[file - renditions].file_name;
}

StitchRequest JobWork::stitch_request(std::size_t file) const {
  StitchRequest request;
  if (file >= plan_->renditions.size()) {
    request.text = plan_->text_files[file - plan_->renditions.size()].track;
    return request;
  }
  request.plan = plan_->renditions[file].file;
  for (const PlannedTask& task : plan_->tasks) {
    if (!task.audio && !task.measure && request.plan.has_video) ++request.video_inputs;
  }
  return request;
}

Result<> JobWork::start_finisher(StepKind step, std::size_t file, Instant now) {
  if (!plan_) return fail(FaultKind::kMachine, "what its analysis found is not in the spool");
  GOPMILL_CHECK(file < file_count());
  const wire::Artifact artifact = result_of(job_, static_cast<std::uint32_t>(file));
  StitchRequest stitching = stitch_request(file);
  if (step == StepKind::kStitch) {
    const Fd fd = TRY(spool_.create(artifact));
    MediaChild child = TRY(MediaChild::start(ChildWork::kStitch, encode(stitching), {fd.get()}, kStepLimits, now));
    finisher_.emplace(Finisher{std::move(child), step, file});
    return {};
  }
  const Fd fd = TRY(spool_.open_file(artifact));
  VerifyRequest verifying;
  verifying.plan = std::move(stitching.plan);
  verifying.text = std::move(stitching.text);
  MediaChild child = TRY(MediaChild::start(ChildWork::kVerify, encode(verifying), {fd.get()}, kStepLimits, now));
  finisher_.emplace(Finisher{std::move(child), step, file});
  return {};
}

// Files by the stitcher's counting: every segment in order, then every audio track.
Result<> JobWork::serve_stitcher(std::uint32_t file, std::vector<Event>& out) {
  std::uint32_t segment = 0;
  const std::uint32_t segments = stitch_request(finisher_->file).video_inputs;
  std::uint32_t track = segments;
  for (std::uint32_t task = 0; task < plan_->tasks.size(); ++task) {
    if (plan_->tasks[task].measure) continue;
    const bool audio = plan_->tasks[task].audio;
    const std::uint32_t place = audio ? track++ : segment++;
    if (place != file || (!audio && segments == 0)) continue;
    const auto committed = committed_.find(task);
    if (committed == committed_.end())
      return fail(FaultKind::kInternal, "stitching before task " + std::to_string(task) + " is committed");
    const std::uint32_t part = audio ? 0 : static_cast<std::uint32_t>(finisher_->file);
    const auto fd = spool_.open_file({wire::ArtifactKind::kTaskOutput, job_, task, committed->second.attempt, part});
    if (!fd) {
      report_damage(task, fd.error(), out);
      return {};
    }
    finisher_->task = task;
    finisher_->part = part;
    return finisher_->child.give_file(fd->get());
  }
  return fail(FaultKind::kPoison, "the stitcher asks for a file that is not there");
}

void JobWork::check_stitched(std::uint64_t hash, std::vector<Event>& out) {
  const auto committed = committed_.find(finisher_->task);
  GOPMILL_CHECK(committed != committed_.end());
  const auto& outputs = committed->second.outputs;
  if (finisher_->part >= outputs.size() || outputs[finisher_->part].hash == hash) return;
  const wire::Artifact artifact{wire::ArtifactKind::kTaskOutput, job_, finisher_->task, committed->second.attempt,
                                finisher_->part};
  report_damage(finisher_->task, {FaultKind::kMachine, gopmill::describe(artifact) + " has changed on the coordinator's disk"},
                out);
}

// Ends stitching: the task is done again first.
void JobWork::report_damage(std::uint32_t task, Fault fault, std::vector<Event>& out) {
  out.emplace_back(events::OutputsDamaged{{job_, task}, committed_.at(task).attempt, std::move(fault)});
  finisher_.reset();
}

void JobWork::poll_finisher(Instant now, std::vector<Event>& out) {
  const StepKind step = finisher_->step;
  for (ChildEvent& event : finisher_->child.poll(now)) {
    Result<> outcome;
    if (auto* wants = std::get_if<ChildWantsFile>(&event)) {
      outcome = serve_stitcher(wants->index, out);
    } else if (const auto* hashed = std::get_if<ChildHashedFile>(&event)) {
      check_stitched(hashed->hash, out);
    } else if (auto* ended = std::get_if<ChildEnded>(&event)) {
      outcome =
          ended->result ? accept_finished(*ended->result, now, out) : Result<>(std::unexpected(std::move(ended->result.error())));
      if (outcome) return;
    }
    if (!outcome) return fail_step(step, std::move(outcome.error()), now, out);
    if (!finisher_) return;  // what it stitched was damaged
  }
}

Result<> JobWork::accept_finished(const std::string& bytes, Instant now, std::vector<Event>& out) {
  const StepKind step = finisher_->step;
  const std::size_t file = finisher_->file;
  FileReport report = TRY(decode<FileReport>(bytes, "the file's report"));
  for (const Check& check : report.checks) {
    if (!check.passed && !check.advisory)
      return fail(FaultKind::kInternal, file_name(file) + " fails its check '" + check.name + "': " + check.found);
  }
  if (step == StepKind::kStitch) TRY(spool_.finish(result_of(job_, static_cast<std::uint32_t>(file)), true));
  (step == StepKind::kStitch ? stitched_ : verified_).push_back(std::move(report));
  finisher_.reset();
  if (file + 1 < file_count()) return start_finisher(step, file + 1, now);
  events::StepDone done{job_, step, {}};
  if (step == StepKind::kStitch) {
    out.emplace_back(std::move(done));
    return {};
  }
  TRY(write_report());
  for (Event& event : doubt_source(std::move(done), now)) out.push_back(std::move(event));
  return {};
}

Result<> JobWork::write_report() {
  const std::string text = report_json({.submit = submit_,
                                        .source = *source_,
                                        .plan = *plan_,
                                        .files = verified_,
                                        .tasks = committed_,
                                        .job = job_,
                                        .build = build_,
                                        .submitted_unix_ms = submitted_unix_ms_,
                                        .finished_unix_ms = unix_ms_now(),
                                        .attempts_lost = attempts_lost_});
  const auto index = static_cast<std::uint32_t>(file_count());
  const auto bytes = std::as_bytes(std::span(text));
  {
    const Fd file = TRY(spool_.create(result_of(job_, index)));
    TRY(write_at(file.get(), 0, bytes));
  }
  TRY(spool_.finish(result_of(job_, index), true));
  files_.clear();
  for (std::size_t i = 0; i < verified_.size(); ++i) {
    files_.push_back({file_name(i), verified_[i].sha256, {verified_[i].bytes, verified_[i].hash}});
  }
  files_.push_back({"report.json", sha256_hex(bytes), {text.size(), chunk_hash(bytes)}});
  return spool_.save_finished(job_, encode_finished(finished()));
}

Finished JobWork::finished() const {
  Finished finished;
  finished.files = files_;
  if (source_) finished.notes = source_->notes;
  if (plan_) {
    finished.media = Duration(static_cast<std::int64_t>(plan_->seconds * 1000));
    finished.notes.insert(finished.notes.end(), plan_->notes.begin(), plan_->notes.end());
    for (const PlannedRendition& rendition : plan_->renditions) {
      finished.renditions.push_back({rendition.file.name, 0, rendition.file.frames.size()});
    }
  }
  finished.notes.insert(finished.notes.end(), notes_.begin(), notes_.end());
  return finished;
}

}  // namespace gopmill
