#include "tests/support/plan_text.h"

#include <gtest/gtest.h>

#include <utility>

#include "tests/support/source_builder.h"

namespace gopmill::test {

Plan plan(const SourceFacts& source, const Profile& profile) {
  Result<Plan> result = make_plan(source, profile, "clip");
  EXPECT_TRUE(result) << result.error().text;
  return result ? std::move(*result) : Plan{};
}

Plan plan(const SourceFacts& source) { return plan(source, profile_with({rendition()})); }

std::vector<std::string> tasks(const Plan& plan) {
  std::vector<std::string> lines;
  for (const PlannedTask& task : plan.tasks) {
    std::string line = task.kind == PlannedTask::Kind::kAudio ? "audio" : "";
    for (const PlannedTask::Range& range : task.ranges) {
      line += (line.empty() ? "" : " ") + std::to_string(range.first) + "-" + std::to_string(range.end);
    }
    lines.push_back(line + " of packets " + std::to_string(task.run.first) + "-" + std::to_string(task.run.end));
  }
  return lines;
}

std::vector<std::size_t> keys(const Plan& plan, std::size_t rendition) {
  std::vector<std::size_t> numbers;
  const auto& frames = plan.renditions[rendition].file.frames;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    if (frames[i].key) numbers.push_back(i);
  }
  return numbers;
}

std::vector<std::int64_t> times(const Plan& plan, std::size_t rendition) {
  std::vector<std::int64_t> ticks;
  for (const PlannedFrame& frame : plan.renditions[rendition].file.frames) ticks.push_back(frame.pts);
  return ticks;
}

std::vector<std::string> contexts(const Plan& plan, const SourceFacts& source, const Profile& profile, std::uint32_t index) {
  std::vector<std::string> lines;
  const TaskRequest request = task_request(plan, source, profile, index);
  for (const RenditionTask& task : request.video->renditions) {
    lines.push_back("lead " + std::to_string(task.lead) + " body " + std::to_string(task.body) + " tail " +
                    std::to_string(task.frames.size() - task.lead - task.body) + (task.continues ? " continues" : ""));
  }
  return lines;
}

}  // namespace gopmill::test
