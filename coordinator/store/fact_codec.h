#pragma once

#include <string>

#include "base/result.h"
#include "coordinator/scheduler/scheduler.h"

namespace gopmill {

// Facts as bytes in the store. The kind is a column of its own, so that a row can be read by people and tools; kinds are
// never renumbered.
struct FactRow {
  int kind = 0;
  JobId job;
  std::string body;
};
FactRow to_row(const Fact& fact);
Result<Fact> from_row(const FactRow& row);

inline constexpr int kFactKindJobEnded = 8;
// What the store keeps of a job that is over: acceptance, end, and that its files are forgotten.
inline constexpr const char* kFactKindsKept = "1, 12, 8, 9";

}  // namespace gopmill
