#pragma once

#include <functional>

#include "base/time.h"
#include "coordinator/jobs/jobs.h"
#include "coordinator/scheduler/scheduler.h"
#include "coordinator/spool/spool.h"
#include "coordinator/spool/transfers.h"

namespace gopmill {

// Who may fetch and store which bytes: workers those of their leases, submitters the source that is waited for and finished files.
// Asked at every Fetch and Store, within the loop. `now` and what else is named outlives it; `blocked`: as Transfers::Rights.
Transfers::Rights transfer_rights(const Scheduler& scheduler, const Jobs& jobs, const Spool& spool, const Instant& now,
                                  std::function<bool()> blocked);

}  // namespace gopmill
