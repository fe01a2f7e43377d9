#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/ids.h"
#include "base/time.h"
#include "coordinator/jobs/report.h"
#include "coordinator/plan/plan.h"
#include "coordinator/scheduler/scheduler.h"
#include "coordinator/spool/finished.h"
#include "coordinator/spool/spool.h"
#include "media/child/child.h"
#include "proto/messages.h"

namespace gopmill {

// Local steps read or write at disk speed; an analysis that must decode everything runs at decoding speed.
inline constexpr ChildLimits kStepLimits{
    .wall_max = Duration(6 * 3600 * 1000), .memory_bytes_max = 4ULL << 30, .file_bytes_max = 1ULL << 40};

// The work of one job on the coordinator's own machine: analyse, split, stitch and verify as media children, the plan,
// and the results as they come in. It decides nothing about when; the scheduler's actions call it, and what it has to tell
// the scheduler it returns as events. Owned by the server's loop.
class JobWork {
 public:
  JobWork(JobId job, wire::Submit submit, std::int64_t submitted_unix_ms, Spool& spool);
  JobWork(const JobWork&) = delete;
  JobWork& operator=(const JobWork&) = delete;

  // ---- as the scheduler's actions ask ----
  std::vector<Event> start(const actions::StartStep& action, Instant now);
  void stop(StepKind step);
  void allow_inputs(std::uint32_t end);
  void commit(std::uint32_t task, CommittedTask committed);
  // A commit is taken back.
  void reopen(std::uint32_t task) { committed_.erase(task); }

  // ---- for the loop ----
  [[nodiscard]] std::vector<int> event_fds() const;
  std::vector<Event> poll(Instant now);
  // An event that is true only if the spool still holds the source as it was submitted: that the source is damaged, or that the
  // job is done. It is held back until the source has been read once more; where it has changed, that is told instead. What
  // there is to tell at once.
  std::vector<Event> doubt_source(Event event, Instant now);

  // ---- for queries and transfers ----
  [[nodiscard]] const wire::Submit& submit() const { return submit_; }
  [[nodiscard]] std::int64_t submitted_unix_ms() const { return submitted_unix_ms_; }
  [[nodiscard]] const Plan* plan() const { return plan_ ? &*plan_ : nullptr; }
  // As far as it has come.
  [[nodiscard]] Finished finished() const;
  // After a restart: what was committed is known again at once; the plan, which takes a moment, when replan() makes it from
  // what the spool kept. Not to be started before.
  void recall(std::map<std::uint32_t, CommittedTask> committed) { committed_ = std::move(committed); }
  Result<> replan();
  void set_build(std::string build) { build_ = std::move(build); }
  void count_lost_attempt() { ++attempts_lost_; }
  void add_note(std::string note) { notes_.push_back(std::move(note)); }

 private:
  // One splitting child: a linear read of the source that fills the inputs of `tasks`.
  struct Splitter {
    MediaChild child;
    std::vector<std::uint32_t> tasks;    // file index → task
    std::optional<std::uint32_t> asked;  // the file it waits for
    std::vector<std::uint32_t> open;     // files given and not closed
  };
  // The file that is being stitched or verified: the renditions are counted first, then the text files.
  struct Finisher {
    MediaChild child;
    StepKind step{};
    std::size_t file = 0;
    // The output handed to the stitcher last.
    std::uint32_t task = 0, part = 0;
  };

  Result<Fd> open_source() const;
  Result<> start_analysis(Instant now);
  Result<> start_split(const std::vector<std::uint32_t>& tasks, Instant now);
  Result<> start_splitter(std::vector<std::uint32_t> tasks, Instant now);
  Result<> start_finisher(StepKind step, std::size_t file, Instant now);
  void poll_analysis(Instant now, std::vector<Event>& out);
  void poll_splitters(Instant now, std::vector<Event>& out);
  void poll_finisher(Instant now, std::vector<Event>& out);
  void poll_hasher(Instant now, std::vector<Event>& out);
  Result<events::StepDone> accept_analysis(const std::string& bytes);
  Result<> make_job_plan();
  void find_rates();
  Result<> grant(Splitter& splitter);
  Result<Event> close_input(Splitter& splitter, std::uint32_t file);
  Result<> serve_stitcher(std::uint32_t file, std::vector<Event>& out);
  void check_stitched(std::uint64_t hash, std::vector<Event>& out);
  void report_damage(std::uint32_t task, Fault fault, std::vector<Event>& out);
  Result<> accept_finished(const std::string& bytes, Instant now, std::vector<Event>& out);
  Result<> write_report();
  [[nodiscard]] StitchRequest stitch_request(std::size_t file) const;
  [[nodiscard]] std::size_t file_count() const { return plan_->renditions.size() + plan_->text_files.size(); }
  [[nodiscard]] const std::string& file_name(std::size_t file) const;
  void fail_step(StepKind step, Fault fault, Instant now, std::vector<Event>& out);

  const JobId job_;
  const wire::Submit submit_;
  const std::int64_t submitted_unix_ms_;
  Spool& spool_;
  std::string build_;
  std::optional<Profile> profile_;
  std::optional<SourceFacts> source_;
  std::optional<Plan> plan_;
  std::uint32_t inputs_allowed_ = 0;
  std::uint32_t attempts_lost_ = 0;
  std::map<std::uint32_t, CommittedTask> committed_;
  std::optional<SegmentRates> rates_;  // as soon as everything is measured that has to be
  std::vector<std::string> notes_;     // of the run, not of the video
  std::vector<FileReport> stitched_, verified_;
  std::vector<wire::ResultFile> files_;
  std::optional<MediaChild> analyser_;
  std::deque<Splitter> splitters_;
  std::optional<Finisher> finisher_;
  std::optional<MediaChild> hasher_;  // of the source
  std::vector<Event> doubted_;        // waits for it
};

}  // namespace gopmill
