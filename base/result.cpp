#include "base/result.h"

namespace gopmill {

int exit_code(FaultKind kind) {
  switch (kind) {
    case FaultKind::kInput: return 65;
    case FaultKind::kNoInput: return 66;
    case FaultKind::kConfig: return 78;
    case FaultKind::kUsage: return 2;
    case FaultKind::kUnavailable: return 69;
    case FaultKind::kCannotCreate: return 73;
    case FaultKind::kMachine:
    case FaultKind::kPoison:
    case FaultKind::kCancelled:
    case FaultKind::kInternal: return 1;
  }
  return 1;
}

std::string_view fault_word(FaultKind kind) {
  switch (kind) {
    case FaultKind::kInput: return "input";
    case FaultKind::kNoInput: return "no-input";
    case FaultKind::kConfig: return "config";
    case FaultKind::kUsage: return "usage";
    case FaultKind::kMachine: return "machine";
    case FaultKind::kPoison: return "poison";
    case FaultKind::kCancelled: return "cancelled";
    case FaultKind::kUnavailable: return "unavailable";
    case FaultKind::kCannotCreate: return "cannot-create";
    case FaultKind::kInternal: return "internal";
  }
  return "internal";
}

}  // namespace gopmill
