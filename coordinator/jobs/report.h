#pragma once

#include "coordinator/jobs/job_record.h"
#include "views/report.h"

namespace gopmill {

// The report of a job of which every output but the report is verified. It refers to `record`.
Report report_of(const JobRecord& record, std::int64_t finished_unix_ms);

}  // namespace gopmill
