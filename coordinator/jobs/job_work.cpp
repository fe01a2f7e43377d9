#include "coordinator/jobs/job_work.h"

#include <algorithm>
#include <utility>

#include "base/archive.h"
#include "base/hash.h"
#include "media/abilities.h"
#include "media/task/journal.h"
#include "profiles/profile.h"
#include "proto/transfer.h"

namespace gopmill {

namespace {

// A worker's child may take this long: a floor for tiny tasks, and a hundred and twenty times the length of its video.
constexpr std::int64_t kTaskFloorMs = 600'000;
constexpr double kTaskMsPerMediaSecond = 120'000;

constexpr double kCostUnitsPerSecond = 1000;  // the scheduler weighs whole numbers

wire::Artifact input_of(JobId job, std::uint32_t task) { return {wire::ArtifactKind::kTaskInput, job, task, 0, 0}; }

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

// What a worker must be able to do for this task: read the source and make, and read again, what the task makes of it. A codec
// that no machine of this build reads is not asked for: the task then fails and says so.
class TaskNeeds {
 public:
  TaskNeeds(const Plan& plan, const SourceFacts& source) : plan_(plan), source_(source), readable_(present_decoders()) {}

  [[nodiscard]] wire::Abilities of(std::uint32_t index) const {
    const PlannedTask& task = plan_.tasks[index];
    wire::Abilities needs;
    if (task.audio) {
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
  if (!started) fail_step(action.step, std::move(started.error()), now, events);
  // A splitter without inputs to write is done at once.
  if (started && action.step == StepKind::kSplit && splitters_.empty())
    events.emplace_back(events::StepDone{job_, StepKind::kSplit, {}, {}});
  return events;
}

void JobWork::stop(StepKind step) {
  if (step == StepKind::kAnalyse) analyser_.reset();
  if (step == StepKind::kSplit) splitters_.clear();
  if (finisher_ && finisher_->step == step) finisher_.reset();
}

void JobWork::fail_step(StepKind step, Fault fault, Instant now, std::vector<Event>& out) {
  stop(step);
  const bool blames_source = fault.kind == FaultKind::kInput;
  events::StepFailed failed{job_, step, std::move(fault)};
  if (!blames_source) return out.push_back(std::move(failed));
  for (Event& event : doubt_source(std::move(failed), now)) out.push_back(std::move(event));
}

std::vector<int> JobWork::event_fds() const {
  std::vector<int> fds;
  if (analyser_) fds.push_back(analyser_->event_fd());
  for (const Splitter& splitter : splitters_) fds.push_back(splitter.child.event_fd());
  if (finisher_) fds.push_back(finisher_->child.event_fd());
  if (hasher_) fds.push_back(hasher_->event_fd());
  return fds;
}

std::vector<Event> JobWork::poll(Instant now) {
  std::vector<Event> out;
  if (analyser_) poll_analysis(now, out);
  if (!splitters_.empty()) poll_splitters(now, out);
  if (finisher_) poll_finisher(now, out);
  if (hasher_) poll_hasher(now, out);
  return out;
}

// ---- The source as it was submitted ----

std::vector<Event> JobWork::doubt_source(Event event, Instant now) {
  if (!submit_.local_path.empty()) return {std::move(event)};  // its owner's file, not a copy of ours
  doubted_.push_back(std::move(event));
  if (hasher_) return {};
  const auto source = open_source();
  auto child = source ? MediaChild::start(ChildWork::kHash, "", {source->get()}, kStepLimits, now)
                      : Result<MediaChild>(std::unexpected(source.error()));
  if (!child) return std::exchange(doubted_, {});
  hasher_.emplace(std::move(*child));
  return {};
}

void JobWork::poll_hasher(Instant now, std::vector<Event>& out) {
  for (const ChildEvent& event : hasher_->poll(now)) {
    const auto* ended = std::get_if<ChildEnded>(&event);
    if (ended == nullptr) continue;
    const bool changed = ended->result && *ended->result != std::to_string(submit_.source_hash);
    hasher_.reset();
    if (changed) {
      doubted_.clear();
      out.emplace_back(events::JobBytesLost{
          job_, {FaultKind::kMachine, "the coordinator's copy of the source was damaged on its disk: submit it again"}});
    }
    for (Event& sure : std::exchange(doubted_, {})) out.push_back(std::move(sure));
    return;
  }
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
    auto done = ended->result ? accept_analysis(*ended->result)
                              : Result<events::StepDone>(std::unexpected(std::move(ended->result.error())));
    if (!done) return fail_step(StepKind::kAnalyse, std::move(done.error()), now, out);
    out.emplace_back(std::move(*done));
    return;
  }
}

Result<events::StepDone> JobWork::accept_analysis(const std::string& bytes) {
  source_ = TRY(decode<SourceFacts>(bytes, "the analysis"));
  TRY(make_job_plan());
  TRY(spool_.save_facts(job_, bytes));
  events::StepDone done{job_, StepKind::kAnalyse, {}, {}};
  const TaskNeeds needs(*plan_, *source_);
  for (std::uint32_t index = 0; index < plan_->tasks.size(); ++index) {
    const wire::Abilities asked = needs.of(index);
    const auto same = std::find(done.needs.begin(), done.needs.end(), asked);
    TaskShape& shape = done.tasks.emplace_back(shape_of(plan_->tasks[index], *plan_));
    shape.needs = static_cast<std::uint32_t>(same - done.needs.begin());
    if (same == done.needs.end()) done.needs.push_back(asked);
  }
  return done;
}

Result<> JobWork::make_job_plan() {
  profile_ = TRY(load_profile(submit_.profile_yaml, submit_.profile_name, {}));
  plan_ = TRY(make_plan(*source_, *profile_, submit_.output_base));
  find_rates();
  return {};
}

Result<> JobWork::replan() {
  const std::string bytes = TRY(spool_.load_facts(job_));
  source_ = TRY(decode<SourceFacts>(bytes, "the kept analysis"));
  return make_job_plan();
}

// ---- Split ----

Result<> JobWork::start_split(const std::vector<std::uint32_t>& tasks, Instant now) {
  if (!plan_) return fail(FaultKind::kMachine, "what its analysis found is not in the spool");
  // Audio and video are read by children side by side: the run of an audio track spans the whole file, and the first segment shall
  // not wait for it. Segments whose bitrate is measured first are read once more for that.
  std::vector<std::uint32_t> audio, measure, frame;
  for (const std::uint32_t task : tasks) {
    const PlannedTask& planned = plan_->tasks[task];
    (planned.audio ? audio : planned.measure ? measure : frame).push_back(task);
  }
  for (std::vector<std::uint32_t>* part : {&measure, &frame, &audio}) {
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
      if (!outcome) return fail_step(StepKind::kSplit, std::move(outcome.error()), now, out);
      ended = ended || *outcome;
    }
    splitter = ended ? splitters_.erase(splitter) : splitter + 1;
  }
  if (splitters_.empty()) out.emplace_back(events::StepDone{job_, StepKind::kSplit, {}, {}});
}

// ---- Commits ----

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

}  // namespace gopmill
