#include <CLI/CLI.hpp>
#include <ctime>
#include <filesystem>
#include <memory>
#include <string>

#include "cli/client/client.h"
#include "cli/commands/command.h"
#include "cli/farm/interrupts.h"
#include "cli/terminal/options.h"
#include "cli/terminal/talk.h"
#include "coordinator/store/backup.h"

// gopmill backup, restore: what the coordinator knows, put aside and brought back.

namespace gopmill {

namespace {

constexpr Duration kLookEvery{250};

struct BackupArguments {
  std::string endpoint;
  std::string name;
};

struct RestoreArguments {
  std::string backup;
  std::string data;
};

// "2026-11-21T175341Z": sorts by time.
std::string name_of_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  char text[32] = "";
  if (::gmtime_r(&now, &parts) != nullptr) std::strftime(text, sizeof text, "%Y-%m-%dT%H%M%SZ", &parts);
  return text;
}

Result<int> back_up(const BackupArguments& arguments) {
  const std::string name = arguments.name.empty() ? name_of_now() : arguments.name;
  TRY(check_backup_name(name));
  Interrupts interrupts;
  FarmClient client = TRY(FarmClient::connect(own_identity(), arguments.endpoint, interrupts.fd()));
  for (;;) {
    const wire::BackupReply reply = TRY(client.make_backup(name));
    if (reply.made) {
      TRY(print(reply.path + "\n"));
      return kExitDone;
    }
    if (interrupts.wait(kLookEvery)) return fail(FaultKind::kCancelled, "interrupted; the backup is made nevertheless");
  }
}

Result<int> restore(const RestoreArguments& arguments) {
  const Restored restored = TRY(restore_backup(arguments.backup, arguments.data));
  say("restored into " + arguments.data + ": " + std::to_string(restored.living) + " jobs go on, and " +
      std::to_string(restored.ended) + " that are over are known; start a coordinator on it with --data");
  return kExitDone;
}

}  // namespace

void add_backup_commands(CLI::App& app, Command& chosen) {
  auto backup = std::make_shared<BackupArguments>();
  CLI::App* command = app.add_subcommand("backup", "Back up what a running coordinator knows");
  add_connect_option(*command, backup->endpoint);
  command->add_option("NAME", backup->name, "Name of the backup [the time]");
  add_examples(*command,
               "gopmill backup\n"
               "  gopmill backup before-upgrade\n\n"
               "The coordinator writes DATA/backups/NAME.db and NAME.manifest, checked and synced, while it goes on working;\n"
               "the first one's path is printed when both are there. Media in DATA/spool is not in it.");
  command->callback([backup, &chosen] { chosen = [backup] { return back_up(*backup); }; });

  auto restoring = std::make_shared<RestoreArguments>();
  command = app.add_subcommand("restore", "Make a coordinator's folder from a backup");
  command->add_option("BACKUP", restoring->backup, "The backup's NAME.db; NAME.manifest is beside it")->required();
  command->add_option("--data", restoring->data, "Folder without a store: a new one, or one with nothing but a spool")
      ->required();
  add_examples(*command,
               "gopmill restore --data /srv/gopmill-2 /srv/gopmill/backups/2026-11-21T175341Z.db\n\n"
               "Copy the old DATA/spool into the new folder first, if there still is one: jobs whose bytes are there go on\n"
               "where the backup left them, those whose source is gone fail and say so.");
  command->callback([restoring, &chosen] { chosen = [restoring] { return restore(*restoring); }; });
}

}  // namespace gopmill
