#include <pwd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/spawn.h"
#include "cli/commands/command.h"
#include "cli/farm/interrupts.h"
#include "cli/farm/process.h"
#include "cli/terminal/options.h"
#include "cli/terminal/talk.h"
#include "coordinator/server.h"
#include "media/abilities.h"
#include "proto/channel.h"
#include "worker/client.h"

// gopmill coordinator, worker: the farm.

namespace gopmill {

namespace {

constexpr std::uint32_t kSlotsMax = 1024;  // as many as one heartbeat can list (wire::kRunningMax)

struct CoordinatorArguments {
  std::string listen{kDefaultEndpoint};
  std::string data;
  std::uint64_t spool_bytes_max = 0;
  bool plain_network = false;
  bool trust_local_paths = false;
  bool verbose = false;
  pid_t parent = 0;
};

struct WorkerArguments {
  std::string connect;
  std::uint32_t slots = 1;
  std::string temporary;
  std::string data;
  std::vector<std::string> without;
  bool verbose = false;
  pid_t parent = 0;
};

// Where a user's lasting state lives: the XDG Base Directory Specification.
Result<std::filesystem::path> default_data_folder() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && *state == '/') return std::filesystem::path(state) / "gopmill";
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home != '/') {
    const passwd* user = ::getpwuid(::geteuid());
    home = user != nullptr ? user->pw_dir : nullptr;
  }
  if (home == nullptr || *home != '/')
    return fail(FaultKind::kUsage, "neither HOME nor XDG_STATE_HOME is set: name a folder with --data");
  return std::filesystem::path(home) / ".local" / "state" / "gopmill";
}

Result<int> coordinate(const CoordinatorArguments& arguments) {
  if (arguments.parent != 0) TRY(die_with_parent(arguments.parent));
  Interrupts interrupts;
  StderrLog log(arguments.verbose ? LogLevel::kDebug : LogLevel::kInfo);
  CoordinatorOptions options{.identity = own_identity()};
  options.listen = arguments.listen;
  options.data = arguments.data.empty() ? TRY(default_data_folder()) : std::filesystem::path(arguments.data);
  options.source_bytes_max = arguments.spool_bytes_max;
  options.trust_local_paths = arguments.trust_local_paths;
  options.plain_network = arguments.plain_network;
  options.on_ready = [&arguments](const std::string& endpoint) {
    say("listening on " + endpoint);
    // The parent waits for a line. If it is gone, so is this process.
    if (arguments.parent != 0) [[maybe_unused]]
      const auto told = print("listening\n");
  };
  TRY(run_coordinator(options, log, interrupts.fd()));
  return kExitDone;
}

Result<int> work(const WorkerArguments& arguments) {
  if (std::set(arguments.without.begin(), arguments.without.end()).size() == known_encoders().size())
    return fail(FaultKind::kUsage, "--without-encoder names every encoder: nothing is left for this worker to do");
  if (arguments.parent != 0) TRY(die_with_parent(arguments.parent));
  Interrupts interrupts;
  StderrLog log(arguments.verbose ? LogLevel::kDebug : LogLevel::kInfo);
  TRY(run_worker({own_identity(), arguments.connect, arguments.slots, arguments.temporary, arguments.data, arguments.without},
                 log, interrupts.fd()));
  return kExitDone;
}

}  // namespace

void add_farm_commands(CLI::App& app, Command& chosen) {
  auto coordinator = std::make_shared<CoordinatorArguments>();
  CLI::App* command = app.add_subcommand("coordinator", "Run the coordinator of a farm");
  command->add_option("--listen", coordinator->listen, "Endpoint for control, tcp://ADDRESS:PORT; bulk data uses the next port")
      ->capture_default_str();
  command->add_option("--data", coordinator->data,
                      "Folder of its database and spool [$XDG_STATE_HOME/gopmill, else ~/.local/state/gopmill]");
  command
      ->add_option(
          "--spool-max", coordinator->spool_bytes_max,
          "Bytes that sources of unfinished jobs may take together, as 500GB; more are refused for now [what the disk holds]")
      ->transform(CLI::AsSizeValue(false));
  command->add_flag("--plain-network", coordinator->plain_network,
                    "Listen off this machine although nothing is encrypted or authenticated yet");
  command->add_flag("--verbose", coordinator->verbose, "Log every decision");
  // Of `gopmill run`, where submitter and coordinator are one user on one machine.
  command->add_flag("--trust-local-paths", coordinator->trust_local_paths)->group("");
  command->add_option(kParentOption, coordinator->parent)->group("");
  add_examples(
      *command,
      "gopmill coordinator\n"
      "  gopmill coordinator --listen tcp://127.0.0.1:7500 --data /srv/gopmill\n\n"
      "Says \"listening on ENDPOINT\" on stderr when it is ready. Ctrl-C or SIGTERM stops it; jobs go on when it is back.");
  command->callback([coordinator, &chosen] { chosen = [coordinator] { return coordinate(*coordinator); }; });

  auto worker = std::make_shared<WorkerArguments>();
  command = app.add_subcommand("worker", "Run a worker of a farm");
  add_connect_option(*command, worker->connect);
  command->get_option("--connect")->required();
  command->add_option("--slots", worker->slots, "Segments worked on at once")
      ->check(CLI::Range(1U, kSlotsMax))
      ->capture_default_str();
  command->add_option("--temp", worker->temporary, "Folder for nameless temporary files [$TMPDIR, else /var/tmp]");
  command->add_option("--data", worker->data,
                      "The coordinator's data endpoint, where a tunnel or NAT makes it another than it announces");
  command
      ->add_option("--without-encoder", worker->without,
                   "Take no task that needs this encoder, as libsvtav1 on a slow machine; may be said again")
      ->check(CLI::IsMember(known_encoders()))
      ->allow_extra_args(false);
  command->add_flag("--verbose", worker->verbose, "Log every step");
  command->add_option(kParentOption, worker->parent)->group("");
  add_examples(*command,
               "gopmill worker --connect tcp://127.0.0.1:7400 --slots 4\n\n"
               "Comes and goes at any time. The first Ctrl-C or SIGTERM finishes what it holds, the second leaves at once.");
  command->callback([worker, &chosen] { chosen = [worker] { return work(*worker); }; });
}

}  // namespace gopmill
