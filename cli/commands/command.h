#pragma once

#include <functional>

#include "base/result.h"
#include "cli/terminal/exit_codes.h"

namespace CLI {
class App;
}

namespace gopmill {

// What the command line asked for, ready to be carried out: an exit code, or the fault that `main` says and turns into
// one. kCancelled means that the person at the terminal interrupted it: 130.
using Command = std::function<Result<int>()>;

// Each declares its subcommands, with help and examples; parsing the command line sets `chosen`. `chosen` outlives `app`.
void add_run_command(CLI::App& app, Command& chosen);       // run
void add_farm_commands(CLI::App& app, Command& chosen);     // coordinator, worker
void add_submit_commands(CLI::App& app, Command& chosen);   // submit, wait
void add_job_commands(CLI::App& app, Command& chosen);      // jobs, job, cancel, workers
void add_backup_commands(CLI::App& app, Command& chosen);   // backup, restore
void add_profile_commands(CLI::App& app, Command& chosen);  // profiles list, show, check
void add_media_commands(CLI::App& app, Command& chosen);    // probe, verify, make-clip

}  // namespace gopmill
