#include <signal.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>

#include "cli/commands/command.h"
#include "cli/terminal/options.h"
#include "cli/terminal/talk.h"
#include "media/build.h"
#include "media/child/child_line.h"
#include "media/steps/child_main.h"

// The `gopmill` command: reads the command line, carries out what it asks for, and turns faults into one line and an exit code.

namespace gopmill {

namespace {

constexpr const char* kAbout =
    "gopmill: a distributed video transcoding farm.\n\n"
    "Exit codes: 0 done, 1 job failed, 2 usage, 65 bad input, 66 no such input, 69 no coordinator, 73 cannot create output,\n"
    "78 bad configuration, 130 interrupted. GOPMILL_CONNECT names another coordinator than tcp://127.0.0.1:7400.";

// CLI11's own exit codes are its own affair: a wrong command line is kUsage.
int explain(const CLI::App& app, const CLI::ParseError& error, std::string_view first_argument) {
  if (error.get_exit_code() == 0) return app.exit(error, std::cout, std::cerr);  // --help, --version
  const int usage = exit_code(FaultKind::kUsage);
  if (app.get_subcommands().empty() && !first_argument.empty() && first_argument.front() != '-') {
    complain("there is no command '" + std::string(first_argument) + "'; see `gopmill --help`");
    return usage;
  }
  std::string command = "gopmill";
  for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
    at = at->get_subcommands().front();
    command += " " + at->get_name();
  }
  complain(std::string(error.what()) + "; see `" + command + " --help`");
  return usage;
}

int carry_out(const Command& command) {
  const auto code = command();
  if (code) return *code;
  complain(code.error().text);
  return code.error().kind == FaultKind::kCancelled ? kExitInterrupted : exit_code(code.error().kind);
}

int run_main(int argc, char** argv) {
  Command chosen;
  CLI::App app(kAbout, "gopmill");
  app.require_subcommand(1);
  app.set_version_flag("--version", [] { return build_identity(); });
  add_examples(app, "gopmill run holiday.mov -p phone -o out\n  gopmill COMMAND --help");
  add_run_command(app, chosen);
  add_submit_commands(app, chosen);
  add_job_commands(app, chosen);
  add_farm_commands(app, chosen);
  add_backup_commands(app, chosen);
  add_profile_commands(app, chosen);
  add_media_commands(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return explain(app, error, argc > 1 ? argv[1] : "");
  }
  return carry_out(chosen);
}

}  // namespace

}  // namespace gopmill

int main(int argc, char** argv) {
  // Before anything else is made: a media child has descriptors where others keep theirs, and no environment.
  if (argc > 1 && std::string_view(argv[1]) == gopmill::kChildArgument) return gopmill::media_child_main();
  ::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of write()
  try {
    return gopmill::run_main(argc, argv);
  } catch (const std::exception& error) {
    gopmill::complain(error.what());
    return gopmill::exit_code(gopmill::FaultKind::kInternal);
  }
}
