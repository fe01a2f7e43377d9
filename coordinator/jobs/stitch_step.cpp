#include <utility>
#include <vector>

#include "base/archive.h"
#include "base/check.h"
#include "coordinator/jobs/output_step.h"
#include "proto/transfer.h"

namespace gopmill {
namespace {

class StitchStep final : public OutputStep {
 public:
  explicit StitchStep(JobRecord& record)
      : OutputStep(record, StepKind::kStitch, [](OutputKind kind) { return kind == OutputKind::kRendition; }) {}

 protected:
  Result<MediaChild> start(std::uint32_t output, Instant now) override {
    const RenditionPlan& plan = record_.plan->renditions[planned(output).of].file;
    list_files(plan.has_video);
    const Fd fd = TRY(record_.spool.create(record_.output(output)));
    const StitchRequest request{.plan = plan, .video_inputs = segments_};
    return MediaChild::start(ChildWork::kStitch, encode(request), {fd.get()}, kStepLimits, now);
  }

  Result<bool> hear(const ChildEvent& event, std::vector<Event>& out) override {
    if (const auto* wants = std::get_if<ChildWantsFile>(&event)) return give_file(wants->index, out);
    if (const auto* hashed = std::get_if<ChildHashedFile>(&event)) return check_hash(hashed->hash, out);
    return false;
  }

 private:
  // In the order the stitcher asks for them: every segment, then every audio track.
  void list_files(bool has_video) {
    std::vector<std::uint32_t> audio;
    tasks_.clear();
    for (std::uint32_t task = 0; task < record_.plan->tasks.size(); ++task) {
      const PlannedTask::Kind kind = record_.plan->tasks[task].kind;
      if (kind == PlannedTask::Kind::kAudio) audio.push_back(task);
      if (kind == PlannedTask::Kind::kSegment && has_video) tasks_.push_back(task);
    }
    segments_ = static_cast<std::uint32_t>(tasks_.size());
    tasks_.insert(tasks_.end(), audio.begin(), audio.end());
  }

  Result<bool> give_file(std::uint32_t file, std::vector<Event>& out) {
    if (file >= tasks_.size()) return fail(FaultKind::kPoison, "the stitcher asks for a file that is not there");
    const std::uint32_t task = tasks_[file];
    const auto committed = record_.committed.find(task);
    if (committed == record_.committed.end())
      return fail(FaultKind::kInternal, "stitching before task " + std::to_string(task) + " is committed");
    const std::uint32_t part = file < segments_ ? planned(current()).of : 0;
    given_ = {wire::ArtifactKind::kTaskOutput, record_.job, task, committed->second.attempt, part};
    const auto fd = record_.spool.open_file(given_);
    if (!fd) return report_damage(fd.error(), out);
    TRY(child().give_file(fd->get()));
    return false;
  }

  Result<bool> check_hash(std::uint64_t hash, std::vector<Event>& out) {
    const auto committed = record_.committed.find(given_.index);
    GOPMILL_CHECK(committed != record_.committed.end());
    const auto& outputs = committed->second.outputs;
    if (given_.part >= outputs.size() || outputs[given_.part].hash == hash) return false;
    return report_damage({FaultKind::kMachine, gopmill::describe(given_) + " has changed on the coordinator's disk"}, out);
  }

  // Ends stitching: the task is done again first.
  bool report_damage(Fault fault, std::vector<Event>& out) {
    out.emplace_back(events::OutputsDamaged{{record_.job, given_.index}, given_.attempt, std::move(fault)});
    return true;
  }

  std::vector<std::uint32_t> tasks_;  // by number of the file
  std::uint32_t segments_ = 0;        // how many of them are segments; they come first
  wire::Artifact given_;              // to the stitcher, last
};

}  // namespace

Result<std::unique_ptr<JobStep>> start_stitch(JobRecord& record, Instant now) { return begin_step<StitchStep>(record, now); }

}  // namespace gopmill
