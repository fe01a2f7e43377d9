#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/ids.h"
#include "base/result.h"
#include "coordinator/plan/plan.h"
#include "coordinator/spool/finished.h"
#include "coordinator/spool/source_files.h"
#include "coordinator/spool/spool.h"
#include "media/child/child.h"
#include "profiles/profile.h"
#include "proto/messages.h"
#include "proto/source.h"

namespace gopmill {

// Local steps read or write at disk speed; an analysis that must decode everything runs at decoding speed.
inline constexpr ChildLimits kStepLimits{.wall_max = Duration(6 * 3600 * 1000)};

// What a task came to.
struct CommittedTask {
  Attempt attempt = 0;
  TaskResult result;
  std::vector<wire::ArtifactFacts> outputs;  // by part
  std::string worker;                        // its name
  std::int64_t took_ms = 0;                  // from lease to commit
};

// What is known of one job, and what its steps hand on to each other: the analysis fills `source` and `plan`, workers `committed`,
// verifying `verified` and `files`. Owned by JobWork.
struct JobRecord {
  const JobId job;
  const wire::Submission submission;
  const Source from;
  const std::int64_t submitted_unix_ms;
  Spool& spool;
  const std::string build;

  std::optional<Profile> profile;
  std::optional<SourceFacts> source;
  std::optional<Plan> plan;
  std::uint32_t inputs_allowed = 0;  // inputs of tasks below may be written
  std::map<std::uint32_t, CommittedTask> committed;
  std::optional<SegmentRates> rates;             // as soon as everything is measured that has to be
  std::map<std::uint32_t, FileReport> verified;  // by number of the output
  std::vector<wire::ResultFile> files;           // every output, in the plan's order, once all is verified
  std::uint32_t attempts_lost = 0;
  std::vector<std::string> notes;  // of the run, not of the video

  [[nodiscard]] Result<Fd> open_source() const { return gopmill::open_source(from, spool, job); }
  // Plans from `source`. kInput: as make_plan() of coordinator/plan/plan.h.
  Result<> make_plan();
  // After a restart: from the facts that the spool kept.
  Result<> recall_plan();
  // From what is committed by now.
  void find_rates();
  [[nodiscard]] wire::Artifact output(std::uint32_t number) const { return {wire::ArtifactKind::kResult, job, number, 0, 0}; }
  // As far as it has come.
  [[nodiscard]] Finished finished() const;
};

}  // namespace gopmill
