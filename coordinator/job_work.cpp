#include "coordinator/job_work.h"

#include <algorithm>
#include <chrono>

#include "base/archive.h"
#include "base/check.h"
#include "base/hash.h"
#include "media/journal.h"
#include "profiles/profile.h"

namespace gopmill {

namespace {

// Local steps read or write at disk speed; an analysis that must decode everything runs at decoding speed.
constexpr ChildLimits kStepLimits{
    .wall_max = Duration(6 * 3600 * 1000), .memory_bytes_max = 4ULL << 30, .file_bytes_max = 1ULL << 40};
// A worker's child may take this long: a floor for tiny tasks, and a hundred and twenty times the length of its film.
constexpr std::int64_t kTaskFloorMs = 600'000;
constexpr double kTaskMsPerMediaSecond = 120'000;

constexpr double kCostUnitsPerSecond = 1000;  // the scheduler weighs whole numbers

wire::Artifact input_of(JobId job, std::uint32_t task) { return {wire::ArtifactKind::kTaskInput, job, task, 0, 0}; }
wire::Artifact result_of(JobId job, std::uint32_t index) { return {wire::ArtifactKind::kResult, job, index, 0, 0}; }

std::int64_t unix_ms_now() {
  return std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count();
}

TaskShape shape_of(const PlannedTask& task) {
  TaskShape shape;
  shape.kind = task.audio ? TaskKind::kAudio : TaskKind::kVideo;
  shape.cost = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(task.cost * kCostUnitsPerSecond));
  shape.outputs = task.outputs;
  shape.time_max = Duration(kTaskFloorMs + static_cast<std::int64_t>(task.media_seconds * kTaskMsPerMediaSecond));
  // What is measured shows no frame of the film; its units stay unknown.
  if (task.measure) return shape;
  if (task.audio) {
    shape.units = static_cast<std::uint64_t>(task.media_seconds * 1000);
  } else {
    shape.units = task.ranges.front().end - task.ranges.front().first;
  }
  return shape;
}

}  // namespace

JobWork::JobWork(JobId job, wire::Submit submit, std::int64_t submitted_unix_ms, Spool& spool)
    : job_(job), submit_(std::move(submit)), submitted_unix_ms_(submitted_unix_ms), spool_(spool) {}

std::vector<Event> JobWork::start(const actions::StartStep& action, Instant now) {
  Result<> started;
  switch (action.step) {
    case StepKind::kAnalyse: started = start_analysis(now); break;
    case StepKind::kSplit: started = start_split(action.inputs, now); break;
    case StepKind::kStitch:
      stitched_.clear();
      started = start_finisher(StepKind::kStitch, 0, now);
      break;
    case StepKind::kVerify:
      verified_.clear();
      started = start_finisher(StepKind::kVerify, 0, now);
      break;
  }
  std::vector<Event> events;
  if (!started) fail_step(action.step, std::move(started.error()), events);
  // A splitter without inputs to write is done at once.
  if (started && action.step == StepKind::kSplit && splitters_.empty())
    events.emplace_back(events::StepDone{job_, StepKind::kSplit, {}});
  return events;
}

void JobWork::stop(StepKind step) {
  if (step == StepKind::kAnalyse) analyser_.reset();
  if (step == StepKind::kSplit) splitters_.clear();
  if (finisher_ && finisher_->step == step) finisher_.reset();
}

void JobWork::fail_step(StepKind step, Fault fault, std::vector<Event>& out) {
  stop(step);
  out.emplace_back(events::StepFailed{job_, step, std::move(fault)});
}

std::vector<int> JobWork::event_fds() const {
  std::vector<int> fds;
  if (analyser_) fds.push_back(analyser_->event_fd());
  for (const Splitter& splitter : splitters_) fds.push_back(splitter.child.event_fd());
  if (finisher_) fds.push_back(finisher_->child.event_fd());
  return fds;
}

std::vector<Event> JobWork::poll(Instant now) {
  std::vector<Event> out;
  if (analyser_) poll_analysis(now, out);
  if (!splitters_.empty()) poll_splitters(now, out);
  if (finisher_) poll_finisher(now, out);
  return out;
}

Result<Fd> JobWork::open_source() const {
  if (!submit_.local_path.empty()) return gopmill::open_source(submit_.local_path);
  return spool_.open_file({wire::ArtifactKind::kSource, job_, 0, 0, 0});
}

// ---- Analyse ----

Result<> JobWork::start_analysis(Instant now) {
  const Fd source = TRY(open_source());
  profile_ = TRY(load_profile(submit_.profile_yaml, submit_.profile_name, {}));
  AnalyseRequest request{.name = submit_.source_name, .damage = profile_->damage};
  if (profile_->subtitles.bitmap == BitmapSubtitles::kBurn && !profile_->renditions.empty())
    request.burn = BurnRequest{profile_->subtitles.tracks, profile_->subtitles.languages};
  analyser_.emplace(TRY(MediaChild::start(ChildWork::kAnalyse, encode(request), {source.get()}, kStepLimits, now)));
  return {};
}

void JobWork::poll_analysis(Instant now, std::vector<Event>& out) {
  for (ChildEvent& event : analyser_->poll(now)) {
    auto* ended = std::get_if<ChildEnded>(&event);
    if (!ended) continue;
    analyser_.reset();
    if (!ended->result) {
      out.emplace_back(events::StepFailed{job_, StepKind::kAnalyse, std::move(ended->result.error())});
      return;
    }
    auto shapes = accept_analysis(*ended->result);
    if (shapes) {
      out.emplace_back(events::StepDone{job_, StepKind::kAnalyse, std::move(*shapes)});
    } else {
      out.emplace_back(events::StepFailed{job_, StepKind::kAnalyse, std::move(shapes.error())});
    }
    return;
  }
}

Result<std::vector<TaskShape>> JobWork::accept_analysis(const std::string& bytes) {
  source_ = TRY(decode<SourceFacts>(bytes, "the analysis"));
  TRY(make_job_plan());
  TRY(spool_.save_facts(job_, bytes));
  std::vector<TaskShape> shapes;
  for (const PlannedTask& task : plan_->tasks) shapes.push_back(shape_of(task));
  return shapes;
}

Result<> JobWork::make_job_plan() {
  profile_ = TRY(load_profile(submit_.profile_yaml, submit_.profile_name, {}));
  plan_ = TRY(make_plan(*source_, *profile_, submit_.output_base));
  find_rates();
  return {};
}

Result<> JobWork::restore(const std::map<std::uint32_t, CommittedTask>& committed) {
  const std::string bytes = TRY(spool_.load_facts(job_));
  source_ = TRY(decode<SourceFacts>(bytes, "the kept analysis"));
  committed_ = committed;
  return make_job_plan();
}

// ---- Split ----

Result<> JobWork::start_split(const std::vector<std::uint32_t>& tasks, Instant now) {
  GOPMILL_CHECK(plan_);
  // Sound and picture are read by children side by side: a sound run spans the whole file, and the first segment shall
  // not wait for it. Segments whose bitrate is measured first are read once more for that.
  std::vector<std::uint32_t> sound, measure, picture;
  for (const std::uint32_t task : tasks) {
    const PlannedTask& planned = plan_->tasks[task];
    (planned.audio ? sound : planned.measure ? measure : picture).push_back(task);
  }
  for (std::vector<std::uint32_t>* part : {&measure, &picture, &sound}) {
    if (!part->empty()) TRY(start_splitter(std::move(*part), now));
  }
  return {};
}

Result<> JobWork::start_splitter(std::vector<std::uint32_t> tasks, Instant now) {
  const Fd source = TRY(open_source());
  SplitRequest request;
  for (const std::uint32_t task : tasks) request.runs.push_back(plan_->tasks[task].run);
  MediaChild child = TRY(MediaChild::start(ChildWork::kSplit, encode(request), {source.get()}, kStepLimits, now));
  splitters_.push_back({std::move(child), std::move(tasks), std::nullopt, {}});
  return {};
}

void JobWork::allow_inputs(std::uint32_t end) {
  inputs_allowed_ = end;
  // A file that cannot be created is found again, and reported, at the child's next word or deadline; here it would be lost.
  for (Splitter& splitter : splitters_) {
    if (!grant(splitter)) splitter.child.kill();
  }
}

Result<> JobWork::grant(Splitter& splitter) {
  if (!splitter.asked || splitter.tasks[*splitter.asked] >= inputs_allowed_) return {};
  const std::uint32_t file = *splitter.asked;
  const std::uint32_t task = splitter.tasks[file];
  // Segments begin when all measures are in: a splitter that asks for one before simply waits.
  if (!plan_->tasks[task].audio && !plan_->tasks[task].measure && !rates_) return {};
  const Fd fd = TRY(spool_.create(input_of(job_, task)));
  TRY(write_task_head(fd.get(), encode(task_request(*plan_, *source_, *profile_, task, rates_.value_or(SegmentRates())))));
  TRY(splitter.child.give_file(fd.get()));
  splitter.asked.reset();
  splitter.open.push_back(file);
  return {};
}

Result<Event> JobWork::close_input(Splitter& splitter, std::uint32_t file) {
  const auto open = std::find(splitter.open.begin(), splitter.open.end(), file);
  if (open == splitter.open.end()) return fail(FaultKind::kPoison, "the splitter closed a file it did not have");
  splitter.open.erase(open);
  const std::uint32_t task = splitter.tasks[file];
  TRY(spool_.finish(input_of(job_, task), false));
  const Fd fd = TRY(spool_.open_file(input_of(job_, task)));
  const wire::ArtifactFacts facts{TRY(file_size(fd.get())), TRY(file_hash(fd.get()))};
  return Event(events::InputReady{TaskId{job_, task}, facts});
}

void JobWork::poll_splitters(Instant now, std::vector<Event>& out) {
  const auto handle = [&](Splitter& splitter, ChildEvent& event) -> Result<bool> {  // true: it ended well
    if (auto* wants = std::get_if<ChildWantsFile>(&event)) {
      if (wants->index >= splitter.tasks.size())
        return fail(FaultKind::kPoison, "the splitter asks for a file that is not there");
      splitter.asked = wants->index;
      TRY(grant(splitter));
    } else if (auto* closed = std::get_if<ChildClosedFile>(&event)) {
      out.push_back(TRY(close_input(splitter, closed->index)));
    } else if (auto* ended = std::get_if<ChildEnded>(&event)) {
      if (!ended->result) return std::unexpected(std::move(ended->result.error()));
      return true;
    }
    return false;
  };
  for (auto splitter = splitters_.begin(); splitter != splitters_.end();) {
    bool ended = false;
    for (ChildEvent& event : splitter->child.poll(now)) {
      auto outcome = handle(*splitter, event);
      if (!outcome) {
        fail_step(StepKind::kSplit, std::move(outcome.error()), out);
        return;
      }
      ended = ended || *outcome;
    }
    splitter = ended ? splitters_.erase(splitter) : splitter + 1;
  }
  if (splitters_.empty()) out.emplace_back(events::StepDone{job_, StepKind::kSplit, {}});
}

// ---- Stitch and verify ----

void JobWork::commit(std::uint32_t task, CommittedTask committed) {
  const bool measured = plan_ && task < plan_->tasks.size() && plan_->tasks[task].measure;
  committed_[task] = std::move(committed);
  if (!measured) return;
  find_rates();
  if (rates_) allow_inputs(inputs_allowed_);
}

void JobWork::find_rates() {
  MeasuredSizes sizes;
  for (const auto& [task, committed] : committed_) {
    if (task >= plan_->tasks.size() || !plan_->tasks[task].measure) continue;
    for (const VideoOutput& output : committed.result.video) sizes[task].push_back(output.bytes);
  }
  rates_ = segment_rates(*plan_, sizes);
}

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
  GOPMILL_CHECK(plan_ && file < file_count());
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

// Files by the stitcher's counting: every segment in order, then every sound.
Result<> JobWork::serve_stitcher(std::uint32_t file) {
  std::uint32_t segment = 0;
  const std::uint32_t segments = stitch_request(finisher_->file).video_inputs;
  std::uint32_t sound = segments;
  for (std::uint32_t task = 0; task < plan_->tasks.size(); ++task) {
    if (plan_->tasks[task].measure) continue;
    const bool audio = plan_->tasks[task].audio;
    const std::uint32_t place = audio ? sound++ : segment++;
    if (place != file || (!audio && segments == 0)) continue;
    const auto committed = committed_.find(task);
    if (committed == committed_.end())
      return fail(FaultKind::kInternal, "stitching before task " + std::to_string(task) + " is committed");
    const std::uint32_t part = audio ? 0 : static_cast<std::uint32_t>(finisher_->file);
    const Fd fd = TRY(spool_.open_file({wire::ArtifactKind::kTaskOutput, job_, task, committed->second.attempt, part}));
    return finisher_->child.give_file(fd.get());
  }
  return fail(FaultKind::kPoison, "the stitcher asks for a file that is not there");
}

void JobWork::poll_finisher(Instant now, std::vector<Event>& out) {
  const StepKind step = finisher_->step;
  for (ChildEvent& event : finisher_->child.poll(now)) {
    Result<> outcome;
    if (auto* wants = std::get_if<ChildWantsFile>(&event)) {
      outcome = serve_stitcher(wants->index);
    } else if (auto* ended = std::get_if<ChildEnded>(&event)) {
      outcome =
          ended->result ? accept_finished(*ended->result, now, out) : Result<>(std::unexpected(std::move(ended->result.error())));
      if (outcome) return;
    }
    if (!outcome) {
      fail_step(step, std::move(outcome.error()), out);
      return;
    }
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
  if (step == StepKind::kVerify) TRY(write_report());
  out.emplace_back(events::StepDone{job_, step, {}});
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
  return {};
}

std::vector<std::string> JobWork::notes() const {
  std::vector<std::string> notes;
  if (source_) notes = source_->notes;
  if (plan_) notes.insert(notes.end(), plan_->notes.begin(), plan_->notes.end());
  return notes;
}

}  // namespace gopmill
