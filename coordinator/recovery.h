#pragma once

#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "coordinator/jobs/jobs.h"
#include "coordinator/scheduler/scheduler.h"
#include "coordinator/spool/spool.h"
#include "coordinator/spool/transfers.h"
#include "coordinator/store/store.h"

namespace gopmill {

// The parts of a coordinator that remember.
struct Memory {
  Store& store;
  Spool& spool;
  const Scheduler& scheduler;  // restored already
  Jobs& jobs;
  Transfers& transfers;
};

// Brings back what a coordinator that ended left behind, from its recorded facts and from what the spool holds: jobs go on where
// their facts say. What is to be decided before anything else: the jobs whose bytes are lost. kConfig: the store is damaged.
Result<std::vector<Event>> recover(const std::vector<Fact>& facts, const Memory& memory, Instant now, Log& log);

}  // namespace gopmill
