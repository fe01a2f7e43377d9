#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/plan/plan.h"

namespace gopmill::test {

// Plans as planner tests compare them. A refused plan fails the test and comes back empty.
Plan plan(const SourceFacts& source, const Profile& profile);
Plan plan(const SourceFacts& source);  // one rendition at the source's height

// A line for each task: "0-250 of packets 0-296", with the bodies of all renditions, or "audio of packets 0-1000".
std::vector<std::string> tasks(const Plan& plan);

// The numbers of the frames with a key, and the times of all frames.
std::vector<std::size_t> keys(const Plan& plan, std::size_t rendition = 0);
std::vector<std::int64_t> times(const Plan& plan, std::size_t rendition = 0);

// A line for each rendition of one task: "lead 0 body 250 tail 45", "… continues".
std::vector<std::string> contexts(const Plan& plan, const SourceFacts& source, const Profile& profile, std::uint32_t index);

}  // namespace gopmill::test
