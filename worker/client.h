#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "proto/channel.h"

namespace gopmill {

struct WorkerOptions {
  Identity identity;                 // of this process, on both sockets
  std::string connect;               // the coordinator's control endpoint
  std::uint32_t slots = 1;           // segments at once, each one media child
  std::filesystem::path temporary;   // for nameless files; empty: $TMPDIR, then /var/tmp
  std::string data;                  // the coordinator's data endpoint as seen from here; empty: as the coordinator announces it
  std::vector<std::string> without;  // encoders not to offer although they are here; of known_encoders()
};

// Runs until it is told to leave: the first byte on `stop_fd` drains (finish what is held, take nothing new), the second
// leaves at once. Reconnects for ever; returns a fault only when the coordinator will not have it (another build: kConfig).
// One thread; it ends with the call. Nothing is left behind, however it ends.
Result<> run_worker(const WorkerOptions& options, Log& log, int stop_fd);

}  // namespace gopmill
