#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "coordinator/plan/plan.h"
#include "media/task/task.h"
#include "media/task/timeline.h"
#include "proto/messages.h"

namespace gopmill {

// What report.json says of a job. Everything but `run` depends on source bytes, profile and build alone, so two runs of
// the same job differ in "run" only.
struct CommittedTask {
  Attempt attempt = 0;
  TaskResult result;
  std::vector<wire::ArtifactFacts> outputs;  // by part
  std::string worker;                        // its name
  std::int64_t took_ms = 0;                  // from lease to commit
};
struct JobReport {
  const wire::Submit& submit;
  const SourceFacts& source;
  const Plan& plan;
  const std::map<std::uint32_t, FileReport>& files;  // by number of the output; all but the report itself
  const std::map<std::uint32_t, CommittedTask>& tasks;
  // run
  JobId job;
  std::string build;
  std::int64_t submitted_unix_ms = 0, finished_unix_ms = 0;
  std::uint32_t attempts_lost = 0;
};

// The whole of report.json, indented, with a newline at its end.
std::string report_json(const JobReport& report);

}  // namespace gopmill
