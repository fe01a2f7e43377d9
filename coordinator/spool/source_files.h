#pragma once

#include "base/file.h"
#include "base/ids.h"
#include "base/result.h"
#include "coordinator/spool/spool.h"
#include "proto/source.h"

namespace gopmill {

// A job's source where it lies: in the spool, or where its owner has it. `job` is the one it was submitted with.

// For reading. kNoInput: it is not there.
Result<Fd> open_source(const Source& source, const Spool& spool, JobId job);
// Whether what the spool has to keep of it is there, by its name; what it does not keep is never missed.
[[nodiscard]] bool is_in(const Spool& spool, JobId job, const Source& source);

}  // namespace gopmill
