#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "cli/farm/interrupts.h"
#include "cli/farm/private_folder.h"
#include "cli/farm/process.h"

namespace gopmill {

// A whole farm on this machine for the length of one command: a coordinator and workers as processes of this same program,
// speaking through sockets in a private folder, so that no port is open to anybody. One process per worker, each with one
// slot: what kills one costs one segment. Destruction kills the processes and removes the folder.
class PrivateFarm {
 public:
  // Returns once the coordinator listens. `parent`: an existing folder; the temporary disk of the whole farm is in it.
  // kCancelled when interrupted meanwhile.
  static Result<PrivateFarm> start(const std::filesystem::path& parent, std::uint32_t workers, Interrupts& interrupts);

  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }
  // Call several times a second. Starts workers that died again, up to kRestartsMax in all; kMachine when there were more, or
  // when the coordinator has ended, with its last words.
  Result<> tend();
  // Asks all to leave and waits for it, for kLeaveTimeMax at most; an interrupt ends the waiting. Then destruction finds
  // nothing left to kill.
  void stop(Interrupts& interrupts);

 private:
  PrivateFarm(PrivateFolder folder, std::string endpoint, OwnProcess coordinator)
      : folder_(std::move(folder)), endpoint_(std::move(endpoint)), coordinator_(std::move(coordinator)) {}
  Result<> await_coordinator(Interrupts& interrupts);
  Result<OwnProcess> start_worker();
  [[nodiscard]] Fault coordinator_ended();

  // The processes are destroyed before the folder they work in.
  PrivateFolder folder_;
  std::string endpoint_;
  OwnProcess coordinator_;
  std::vector<OwnProcess> workers_;
  std::uint32_t restarts_ = 0;
};

// A worker that dies twenty times is not bad luck any more.
inline constexpr std::uint32_t kRestartsMax = 20;
// Idle workers leave at once, a coordinator after its last sync.
inline constexpr Duration kLeaveTimeMax{3000};
// A database is made and synced before the coordinator listens.
inline constexpr Duration kListenTimeMax{30'000};

}  // namespace gopmill
