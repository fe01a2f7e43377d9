#pragma once

#include <string>

#include "base/result.h"
#include "coordinator/scheduler.h"

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
inline constexpr int kFactKindJobForgotten = 9;

}  // namespace gopmill
