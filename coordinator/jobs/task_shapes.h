#pragma once

#include "coordinator/plan/plan.h"
#include "coordinator/scheduler/scheduler.h"
#include "media/task/timeline.h"

namespace gopmill {

// What the scheduler is told of a plan: how large each task is, what it yields, and what a worker must be able to do for it.
events::StepDone plan_done(JobId job, const Plan& plan, const SourceFacts& source);

}  // namespace gopmill
