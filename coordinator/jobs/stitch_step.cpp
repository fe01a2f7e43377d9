#include <utility>

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
    const Fd fd = TRY(record_.spool.create(record_.output(output)));
    StitchRequest request{.plan = record_.plan->renditions[planned(output).of].file, .video_inputs = segments()};
    return MediaChild::start(ChildWork::kStitch, encode(request), {fd.get()}, kStepLimits, now);
  }

  Result<> accept(std::uint32_t output, FileReport /*report*/) override {
    return record_.spool.finish(record_.output(output), true);
  }

  Result<bool> hear(const ChildEvent& event, std::vector<Event>& out) override {
    if (const auto* wants = std::get_if<ChildWantsFile>(&event)) return give_file(wants->index, out);
    if (const auto* hashed = std::get_if<ChildHashedFile>(&event)) return check_hash(hashed->hash, out);
    return false;
  }

 private:
  // How many of the files that the stitcher asks for are segments.
  [[nodiscard]] std::uint32_t segments() const {
    if (!record_.plan->renditions[planned(current()).of].file.has_video) return 0;
    std::uint32_t count = 0;
    for (const PlannedTask& task : record_.plan->tasks) count += task.audio || task.measure ? 0 : 1;
    return count;
  }

  // Files by the stitcher's counting: every segment in order, then every audio track.
  Result<bool> give_file(std::uint32_t file, std::vector<Event>& out) {
    std::uint32_t segment = 0;
    std::uint32_t track = segments();
    const bool has_video = track > 0;
    for (std::uint32_t task = 0; task < record_.plan->tasks.size(); ++task) {
      if (record_.plan->tasks[task].measure) continue;
      const bool audio = record_.plan->tasks[task].audio;
      const std::uint32_t place = audio ? track++ : segment++;
      if (place != file || (!audio && !has_video)) continue;
      const auto committed = record_.committed.find(task);
      if (committed == record_.committed.end())
        return fail(FaultKind::kInternal, "stitching before task " + std::to_string(task) + " is committed");
      given_ = {wire::ArtifactKind::kTaskOutput, record_.job, task, committed->second.attempt, audio ? 0 : planned(current()).of};
      const auto fd = record_.spool.open_file(given_);
      if (!fd) return report_damage(fd.error(), out);
      TRY(child().give_file(fd->get()));
      return false;
    }
    return fail(FaultKind::kPoison, "the stitcher asks for a file that is not there");
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

  wire::Artifact given_;  // to the stitcher, last
};

}  // namespace

Result<std::unique_ptr<JobStep>> start_stitch(JobRecord& record, Instant now) {
  auto step = std::make_unique<StitchStep>(record);
  TRY(step->begin(now));
  return step;
}

}  // namespace gopmill
