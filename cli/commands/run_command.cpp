#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cli/client/client.h"
#include "cli/client/submission.h"
#include "cli/client/watch.h"
#include "cli/commands/command.h"
#include "cli/farm/interrupts.h"
#include "cli/farm/private_farm.h"
#include "cli/terminal/display.h"
#include "cli/terminal/options.h"
#include "cli/terminal/talk.h"

// gopmill run: the whole farm inside one command.

namespace gopmill {

namespace {

constexpr std::uint32_t kWorkersMax = 256;  // more processes than that are a typing error

struct RunOptions {
  SubmissionOrder order;
  std::string folder;
  std::uint32_t workers = 0;
  bool quiet = false;
  bool json = false;
};

Result<int> work(const RunOptions& options, const std::vector<PreparedSource>& sources, PrivateFarm& farm,
                 Interrupts& interrupts) {
  FarmClient client = TRY(FarmClient::connect(own_identity(), farm.endpoint(), interrupts.fd()));
  Display display(Display::fitting_style(options.quiet));
  std::vector<Awaited> awaited;
  for (const PreparedSource& prepared : sources) {
    const JobId job = TRY(hand_in(client, prepared, display, interrupts));
    awaited.push_back({job, prepared.place.folder, options.order.replace});
  }
  return see_through({client, display, interrupts, options.json, [&farm] { return farm.tend(); }}, awaited);
}

Result<int> run(RunOptions options) {
  options.order.folder = options.folder;
  options.order.by_path = true;
  const std::vector<PreparedSource> sources = TRY(prepare(options.order));
  Interrupts interrupts;
  // Of several sources each has its folder in the one that was named; the farm lives in that one.
  const std::filesystem::path top =
      sources.size() == 1 ? sources.front().place.folder : sources.front().place.folder.parent_path();
  const OutputFolder made = TRY(OutputFolder::open(top));
  PrivateFarm farm = TRY(PrivateFarm::start(made.path(), options.workers, interrupts));
  auto code = work(options, sources, farm, interrupts);
  farm.stop(interrupts);
  if (!code && code.error().kind == FaultKind::kCancelled) {
    return fail(FaultKind::kCancelled,
                "interrupted: the work was cancelled and nothing temporary is left; files that were finished stay");
  }
  return code;
}

}  // namespace

void add_run_command(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command = app.add_subcommand("run", "Transcode on this machine, with nothing else running");
  command->add_option("INPUT", options->order.sources, "Videos, or files with audio only")->required();
  command->add_option("-p,--profile", options->order.profile, "Profile: a name (see `gopmill profiles`) or a .yaml file")
      ->required();
  command
      ->add_option("-o,--output", options->folder,
                   "Folder of the results; made if it is not there; several inputs get a folder each in it")
      ->required();
  options->workers = std::clamp(std::thread::hardware_concurrency(), 1U, kWorkersMax);
  command->add_option("--workers", options->workers, "Worker processes, each working on one segment at a time")
      ->check(CLI::Range(1U, kWorkersMax))
      ->capture_default_str();
  command->add_flag("--force", options->order.replace, "Replace files that are in the way");
  add_salvage_flag(*command, options->order.salvage);
  command->add_flag("--quiet", options->quiet, "Say nothing but faults");
  add_json_flag(*command, options->json);
  add_examples(*command,
               "gopmill run holiday.mov -p phone -o out\n"
               "  gopmill run *.mkv -p tablet -o tablets --workers 4\n\n"
               "stdout: the paths of finished files, report.json last; with --json one object per input: job, source, state,\n"
               "folder, files, report, fault. Ctrl-C cancels and leaves nothing temporary; a second one does not wait.");
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace gopmill
