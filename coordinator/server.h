#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "proto/channel.h"

namespace gopmill {

struct CoordinatorOptions {
  Identity identity;                   // of this process, on both sockets
  std::string listen;                  // control endpoint; data is the next port (proto/channel.h)
  std::filesystem::path data;          // store and spool; made if it is not there
  std::uint64_t source_bytes_max = 0;  // of all uploaded sources together; more are refused for now. 0: what the disk holds
  bool trust_local_paths = false;      // open sources by the path a submitter names: only where both are one user (`gopmill run`)
  bool plain_network = false;          // listen off loopback although nothing is encrypted
  // Called once both sockets listen, with the real control endpoint.
  std::function<void(const std::string& endpoint)> on_ready;
};

// Runs until `stop_fd` becomes readable, then stops children, closes the store and returns. One thread; it ends with the
// call. kCannotCreate: the port is taken or the folder cannot be made;
// kUnavailable: another coordinator has the folder; kConfig: the folder holds something else; kUsage: an endpoint off
// loopback without plain_network, unless the identity secures it.
Result<> run_coordinator(const CoordinatorOptions& options, Log& log, int stop_fd);

}  // namespace gopmill
