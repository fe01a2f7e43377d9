#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "coordinator/plan/plan.h"

namespace gopmill {

// Every file of the job: the renditions in the plan's order, its text files, and the report last. PURE; part of the plan.
// Of two text files of one language and kind the second has a number in its name. kInput where a name cannot be a file's, or two
// outputs would share one.
// Why: docs/decisions/39-planned-outputs.md.
Result<std::vector<PlannedOutput>> plan_outputs(const Plan& plan, const std::string& output_base);

}  // namespace gopmill
