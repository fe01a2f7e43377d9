#include "cli/farm/private_farm.h"

#include <poll.h>
#include <signal.h>

#include <utility>

#include "base/file.h"
#include "base/time.h"

namespace gopmill {

namespace {

constexpr const char* kCoordinatorLog = "coordinator.log";
constexpr const char* kWorkerLog = "workers.log";
constexpr const char* kDataFolder = "data";
constexpr std::uint64_t kLogBytesMax = 64ULL << 20;

// The last line that says something, without its time stamp.
std::string last_words(const std::filesystem::path& log) {
  auto text = read_file(log, kLogBytesMax);
  if (!text) return "";
  while (!text->empty() && text->back() == '\n') text->pop_back();
  const std::size_t line = text->rfind('\n');
  std::string words = line == std::string::npos ? *text : text->substr(line + 1);
  if (words.starts_with("gopmill: ")) words.erase(0, 9);
  return words;
}

}  // namespace

Result<PrivateFarm> PrivateFarm::start(const std::filesystem::path& parent, std::uint32_t workers, Interrupts& interrupts) {
  PrivateFolder folder = TRY(PrivateFolder::create(parent));
  const std::string endpoint = TRY(folder.socket_endpoint());
  OwnProcess coordinator = TRY(OwnProcess::start(
      {"coordinator", "--listen", endpoint, "--data", (folder.path() / kDataFolder).string(), "--trust-local-paths"},
      folder.path() / kCoordinatorLog));
  PrivateFarm farm(std::move(folder), endpoint, std::move(coordinator));
  for (std::uint32_t i = 0; i < workers; ++i) farm.workers_.push_back(TRY(farm.start_worker()));
  TRY(farm.await_coordinator(interrupts));
  return farm;
}

Result<OwnProcess> PrivateFarm::start_worker() {
  return OwnProcess::start({"worker", "--connect", endpoint_, "--slots", "1", "--temp", folder_.path().string()},
                           folder_.path() / kWorkerLog);
}

Fault PrivateFarm::coordinator_ended() {
  const std::string words = last_words(folder_.path() / kCoordinatorLog);
  return {FaultKind::kMachine,
          "the coordinator of this run ended with " + coordinator_.ending() + (words.empty() ? "" : ": " + words)};
}

Result<> PrivateFarm::await_coordinator(Interrupts& interrupts) {
  pollfd fds[] = {{coordinator_.output_fd(), POLLIN, 0}, {interrupts.fd(), POLLIN, 0}};
  if (::poll(fds, 2, static_cast<int>(kListenTimeMax.count())) <= 0) {
    return fail(FaultKind::kMachine, "the coordinator of this run does not start");
  }
  if (fds[1].revents != 0) {
    interrupts.take();
    return fail(FaultKind::kCancelled, "interrupted");
  }
  if ((fds[0].revents & POLLIN) != 0) return {};
  // Its stdout is closed, so it is about to end by itself and to say with what.
  constexpr Duration kLookEvery{10};
  const Instant give_up_at = monotonic_now() + kLeaveTimeMax;
  while (coordinator_.running() && monotonic_now() < give_up_at && !interrupts.wait(kLookEvery)) {}
  coordinator_.kill();
  return std::unexpected(coordinator_ended());
}

Result<> PrivateFarm::tend() {
  if (!coordinator_.running()) return std::unexpected(coordinator_ended());
  for (OwnProcess& worker : workers_) {
    if (worker.running()) continue;
    if (++restarts_ > kRestartsMax) {
      return fail(FaultKind::kMachine, "the workers of this run keep dying, the last one with " + worker.ending() + ": " +
                                           last_words(folder_.path() / kWorkerLog));
    }
    worker = TRY(start_worker());
  }
  return {};
}

void PrivateFarm::stop(Interrupts& interrupts) {
  for (OwnProcess& worker : workers_) {
    // The first drains, the second leaves now; two of a kind could become one on the way.
    worker.signal(SIGTERM);
    worker.signal(SIGINT);
  }
  coordinator_.signal(SIGTERM);
  const Instant give_up_at = monotonic_now() + kLeaveTimeMax;
  const auto any_left = [&] {
    bool left = coordinator_.running();
    for (OwnProcess& worker : workers_) left |= worker.running();
    return left;
  };
  constexpr Duration kLookEvery{10};
  while (any_left() && monotonic_now() < give_up_at) {
    if (interrupts.wait(kLookEvery)) break;
  }
  coordinator_.kill();
  for (OwnProcess& worker : workers_) worker.kill();
}

}  // namespace gopmill
