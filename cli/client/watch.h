#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "cli/client/client.h"
#include "cli/farm/interrupts.h"
#include "cli/terminal/display.h"
#include "proto/messages.h"

namespace gopmill {

// A job that someone waits for.
struct Awaited {
  JobId job;
  std::filesystem::path folder;  // where its files go; empty: the one recorded when it was submitted
  bool replace = false;          // of files in the way
};

struct Watch {
  FarmClient& client;
  Display& display;
  Interrupts& interrupts;
  bool json = false;               // say the outcome as JSON Lines on stdout instead of paths
  std::function<Result<>()> tend;  // called at each turn, several times a second; its fault ends the watching. May be empty
};

// How long a coordinator may be away (restarted, upgraded) before watching ends. The jobs go on without us.
inline constexpr Duration kCoordinatorAwayMax{30'000};

// The one progress loop: shows the jobs until each has ended, collects what the done ones made as soon as they are, prints the
// paths of finished files on stdout (one per line, or with `json` one object per job: job, source, state, folder, files, fault)
// and says a summary. Returns the exit code: 0, or that of the first job in the list that is not done and delivered.
// kCancelled when interrupted, with the interrupt taken; kUnavailable when the coordinator stays away.
Result<int> see_through(const Watch& watch, const std::vector<Awaited>& awaited);

}  // namespace gopmill
