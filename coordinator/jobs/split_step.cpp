#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "base/archive.h"
#include "base/hash.h"
#include "coordinator/jobs/job_step.h"
#include "media/task/journal.h"

namespace gopmill {
namespace {

class SplitStep final : public JobStep {
 public:
  explicit SplitStep(JobRecord& record) : record_(record) {}

  // A linear read of the source that fills the inputs of `tasks`.
  Result<> add(std::vector<std::uint32_t> tasks, Instant now) {
    const Fd source = TRY(record_.open_source());
    SplitRequest request;
    for (const std::uint32_t task : tasks) request.runs.push_back(record_.plan->tasks[task].run);
    MediaChild child = TRY(MediaChild::start(ChildWork::kSplit, encode(request), {source.get()}, kStepLimits, now));
    splitters_.push_back({std::move(child), std::move(tasks), std::nullopt, {}});
    return {};
  }

  void watch(std::vector<int>& fds) const override {
    for (const Splitter& splitter : splitters_) fds.push_back(splitter.child.event_fd());
  }

  Result<bool> poll(Instant now, std::vector<Event>& out) override {
    for (auto splitter = splitters_.begin(); splitter != splitters_.end();) {
      bool ended = false;
      for (ChildEvent& event : splitter->child.poll(now)) ended = TRY(handle(*splitter, event, out)) || ended;
      splitter = ended ? splitters_.erase(splitter) : splitter + 1;
    }
    if (splitters_.empty()) out.emplace_back(events::StepDone{record_.job, StepKind::kSplit, {}});
    return splitters_.empty();
  }

  void resume() override {
    // A file that cannot be created is found again, and reported, at the child's next word or deadline; here it would be lost.
    for (Splitter& splitter : splitters_) {
      if (!grant(splitter)) splitter.child.kill();
    }
  }

 private:
  struct Splitter {
    MediaChild child;
    std::vector<std::uint32_t> tasks;    // file index → task
    std::optional<std::uint32_t> asked;  // the file it waits for
    std::vector<std::uint32_t> open;     // files given and not closed
  };

  [[nodiscard]] wire::Artifact input_of(std::uint32_t task) const {
    return {wire::ArtifactKind::kTaskInput, record_.job, task, 0, 0};
  }

  // True: it ended well.
  Result<bool> handle(Splitter& splitter, ChildEvent& event, std::vector<Event>& out) {
    if (auto* wants = std::get_if<ChildWantsFile>(&event)) {
      if (wants->index >= splitter.tasks.size())
        return fail(FaultKind::kPoison, "the splitter asks for a file that is not there");
      splitter.asked = wants->index;
      TRY(grant(splitter));
    } else if (auto* closed = std::get_if<ChildClosedFile>(&event)) {
      out.push_back(TRY(close_input(splitter, closed->index)));
    } else if (auto* ended = std::get_if<ChildEnded>(&event)) {
      TRY(std::move(ended->result));
      return true;
    }
    return false;
  }

  Result<> grant(Splitter& splitter) {
    if (!splitter.asked || splitter.tasks[*splitter.asked] >= record_.inputs_allowed) return {};
    const std::uint32_t file = *splitter.asked;
    const std::uint32_t task = splitter.tasks[file];
    const PlannedTask& planned = record_.plan->tasks[task];
    // Segments begin when all measures are in: a splitter that asks for one before simply waits.
    if (planned.kind == PlannedTask::Kind::kSegment && !record_.rates) return {};
    const Fd fd = TRY(record_.spool.create(input_of(task)));
    const TaskRequest request =
        task_request(*record_.plan, *record_.source, *record_.profile, task, record_.rates.value_or(SegmentRates()));
    TRY(write_task_head(fd.get(), encode(request)));
    TRY(splitter.child.give_file(fd.get()));
    splitter.asked.reset();
    splitter.open.push_back(file);
    return {};
  }

  Result<Event> close_input(Splitter& splitter, std::uint32_t file) {
    const auto open = std::find(splitter.open.begin(), splitter.open.end(), file);
    if (open == splitter.open.end()) return fail(FaultKind::kPoison, "the splitter closed a file it did not have");
    splitter.open.erase(open);
    const std::uint32_t task = splitter.tasks[file];
    TRY(record_.spool.finish(input_of(task), false));
    const Fd fd = TRY(record_.spool.open_file(input_of(task)));
    const wire::ArtifactFacts facts{TRY(file_size(fd.get())), TRY(file_hash(fd.get()))};
    return Event(events::InputReady{TaskId{record_.job, task}, facts});
  }

  JobRecord& record_;
  std::deque<Splitter> splitters_;
};

}  // namespace

Result<std::unique_ptr<JobStep>> start_split(JobRecord& record, const std::vector<std::uint32_t>& tasks, Instant now) {
  if (!record.plan) return fail(FaultKind::kMachine, "what its analysis found is not in the spool");
  // Audio and video are read by two children: the run of an audio track spans the whole file, and the first segment shall not wait
  // for it. Segments whose bitrate is measured first are read once more for that.
  std::vector<std::uint32_t> audio, measure, video;
  for (const std::uint32_t task : tasks) {
    switch (record.plan->tasks[task].kind) {
      case PlannedTask::Kind::kAudio: audio.push_back(task); break;
      case PlannedTask::Kind::kMeasure: measure.push_back(task); break;
      case PlannedTask::Kind::kSegment: video.push_back(task); break;
    }
  }
  auto step = std::make_unique<SplitStep>(record);
  for (std::vector<std::uint32_t>* part : {&measure, &video, &audio}) {
    if (!part->empty()) TRY(step->add(std::move(*part), now));
  }
  return step;
}

}  // namespace gopmill
