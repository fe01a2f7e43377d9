#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/ids.h"
#include "base/result.h"
#include "cli/client/client.h"
#include "cli/client/outputs.h"
#include "cli/farm/interrupts.h"
#include "cli/terminal/display.h"
#include "proto/messages.h"

namespace gopmill {

// What `run` and `submit` were asked for.
struct SubmissionOrder {
  std::vector<std::string> sources;
  std::string profile;           // name or file
  std::filesystem::path folder;  // -o
  std::uint32_t priority = 50;
  std::uint32_t slots_max = 0;
  std::string key;       // empty: a new job every time
  bool replace = false;  // --force
  bool salvage = false;  // --salvage: damaged sources are carried as far as they go
  bool by_path = false;  // the coordinator opens the source by its path: nothing is hashed or sent
};

// One source, ready to be handed in.
struct PreparedSource {
  wire::Submission submission;
  Fd source;
  OutputPlace place;
};

// Checks everything that can be checked before any work is done, and leaves nothing behind: sources (kNoInput, kInput), profile
// (kConfig), folders and files in the way (kUsage, kCannotCreate), in this order. Then reads each source once for its hash,
// unless `by_path`.
Result<std::vector<PreparedSource>> prepare(const SubmissionOrder& order);

// Submits one and sends its source where the coordinator wants it. A job whose source cannot be sent whole is cancelled, also
// when the reason is an interrupt (kCancelled), which is then taken.
Result<JobId> hand_in(FarmClient& client, const PreparedSource& prepared, Display& display, Interrupts& interrupts);

}  // namespace gopmill
