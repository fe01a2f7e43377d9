#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/client/client.h"
#include "cli/client/submission.h"
#include "cli/client/watch.h"
#include "cli/commands/command.h"
#include "cli/farm/interrupts.h"
#include "cli/terminal/display.h"
#include "cli/terminal/options.h"
#include "cli/terminal/talk.h"
#include "views/job_json.h"

// gopmill submit, wait: hands work to a farm, and fetches what it made.

namespace gopmill {

namespace {

struct SubmitOptions {
  SubmissionOrder order;
  std::string folder;
  std::string endpoint;
  bool wait = false;
  bool quiet = false;
  bool json = false;
};

struct WaitOptions {
  std::vector<std::uint64_t> jobs;
  std::string folder;
  std::string endpoint;
  bool replace = false;
  bool quiet = false;
  bool json = false;
};

std::string ids_of(const std::vector<Awaited>& awaited) {
  std::string ids;
  for (const Awaited& one : awaited) ids += (ids.empty() ? "" : " ") + std::to_string(one.job.value);
  return ids;
}

// Waiting ended before the jobs did: says how to come back to them.
Fault detached(Fault fault, const std::vector<Awaited>& awaited, const std::string& endpoint) {
  const std::string come_back =
      awaited.empty() ? "" : "; what was submitted goes on: come back with " + wait_command(ids_of(awaited), endpoint);
  return {fault.kind, fault.text + come_back};
}

Result<int> see_through_or_detach(const Watch& watch, const std::vector<Awaited>& awaited) {
  auto code = see_through(watch, awaited);
  if (!code) return std::unexpected(detached(std::move(code.error()), awaited, watch.client.endpoint()));
  return code;
}

Result<> print_submitted(const SubmitOptions& options, JobId job, const PreparedSource& prepared) {
  if (options.wait) return {};  // stdout is for the files
  if (options.json) return print(submitted_json(job, prepared.submission.source_name, prepared.place.folder) + "\n");
  return print(std::to_string(job.value) + "\n");
}

Result<int> submit(SubmitOptions options) {
  options.order.folder = options.folder;
  const std::vector<PreparedSource> sources = TRY(prepare(options.order));
  Interrupts interrupts;
  FarmClient client = TRY(FarmClient::connect(own_identity(), options.endpoint, interrupts.fd()));
  Display display(Display::fitting_style(options.quiet));
  std::vector<Awaited> awaited;
  for (const PreparedSource& prepared : sources) {
    auto job = hand_in(client, prepared, display, interrupts);
    if (!job) return std::unexpected(detached(std::move(job.error()), awaited, options.endpoint));
    awaited.push_back({*job, prepared.place.folder, options.order.replace});
    TRY(print_submitted(options, *job, prepared));
    if (options.wait) display.say("job " + std::to_string(job->value) + ": " + prepared.submission.source_name + " submitted");
  }
  if (options.wait) return see_through_or_detach({client, display, interrupts, options.json, {}}, awaited);
  display.say("collect the results with " + wait_command(ids_of(awaited), options.endpoint));
  return kExitDone;
}

// Where the files of each job go. Asks about each first, so that a wrong id is found before anything is waited for.
Result<std::vector<Awaited>> awaited_jobs(const WaitOptions& options, FarmClient& client) {
  std::vector<Awaited> awaited;
  std::map<std::filesystem::path, JobId> folders;
  for (const std::uint64_t id : options.jobs) {
    const wire::JobStatus status = TRY(client.job(JobId{id})).job;
    std::filesystem::path folder =
        std::filesystem::absolute(options.folder.empty() ? status.output_folder : options.folder).lexically_normal();
    if (options.folder.empty() && status.output_folder.empty()) {
      return fail(FaultKind::kUsage, "no folder was recorded for job " + std::to_string(id) + ": name one with -o");
    }
    // As with several inputs: a folder each. output_base() again, because this name came over the wire.
    if (!options.folder.empty() && options.jobs.size() > 1) folder /= output_base(status.output_base + ".mp4");
    const auto [before, fresh] = folders.emplace(folder, JobId{id});
    if (!fresh && before->second != JobId{id}) {
      return fail(FaultKind::kUsage, "jobs " + std::to_string(before->second.value) + " and " + std::to_string(id) +
                                         " would both be written to " + folder.string() +
                                         ": wait for them one after the other, with -o for one of them");
    }
    if (fresh) awaited.push_back({JobId{id}, folder, options.replace});
  }
  return awaited;
}

Result<int> wait(const WaitOptions& options) {
  Interrupts interrupts;
  FarmClient client = TRY(FarmClient::connect(own_identity(), options.endpoint, interrupts.fd()));
  const std::vector<Awaited> awaited = TRY(awaited_jobs(options, client));
  Display display(Display::fitting_style(options.quiet));
  return see_through_or_detach({client, display, interrupts, options.json, {}}, awaited);
}

}  // namespace

void add_submit_commands(CLI::App& app, Command& chosen) {
  auto submission = std::make_shared<SubmitOptions>();
  CLI::App* command = app.add_subcommand("submit", "Hand videos to a farm");
  command->add_option("INPUT", submission->order.sources, "Videos, or files with audio only; they are sent to the coordinator")
      ->required();
  command->add_option("-p,--profile", submission->order.profile, "Profile: a name (see `gopmill profiles`) or a .yaml file")
      ->required();
  command
      ->add_option("-o,--output", submission->folder,
                   "Folder of the results on this machine; several inputs get a folder each in it")
      ->required();
  add_salvage_flag(*command, submission->order.salvage);
  command->add_option("--priority", submission->order.priority, "0 to 100, higher goes first")
      ->check(CLI::Range(0U, wire::kPriorityMax))
      ->capture_default_str();
  command
      ->add_option("--slots-max", submission->order.slots_max,
                   "Segments of each job worked on at once, so that others find room [no limit]")
      ->check(CLI::PositiveNumber);
  command->add_option("--key", submission->order.key,
                      "Your name for this request: the same key is the same job, however often it is submitted");
  command->add_flag("--wait", submission->wait, "Show progress and collect the results");
  command->add_flag("--force", submission->order.replace, "Replace files that are in the way");
  command->add_flag("--quiet", submission->quiet, "Say nothing but faults");
  add_connect_option(*command, submission->endpoint);
  add_json_flag(*command, submission->json);
  add_examples(*command,
               "gopmill submit holiday.mov -p phone -o out --wait\n"
               "  id=$(gopmill submit holiday.mov -p phone -o out) && gopmill wait $id\n\n"
               "stdout: the job's id, with --json {job, source, folder}; with --wait what `gopmill wait` prints. Ctrl-C while\n"
               "sending cancels that job; while waiting it detaches and says how to come back.");
  command->callback([submission, &chosen] { chosen = [submission] { return submit(*submission); }; });

  auto waiting = std::make_shared<WaitOptions>();
  command = app.add_subcommand("wait", "Wait for jobs and collect their results");
  command->add_option("ID", waiting->jobs, "Jobs")->required();
  command->add_option("-o,--output", waiting->folder,
                      "Another folder than the one named at submit; several jobs get a folder each in it");
  command->add_flag("--force", waiting->replace, "Replace files that are in the way");
  command->add_flag("--quiet", waiting->quiet, "Say nothing but faults");
  add_connect_option(*command, waiting->endpoint);
  add_json_flag(*command, waiting->json);
  add_examples(*command,
               "gopmill wait 3\n"
               "  gopmill wait 3 4 -o elsewhere\n\n"
               "stdout: the paths of the files, report.json last; with --json one object per job: job, source, state, folder,\n"
               "files, report, fault. Exit code: 0, 1 if a job failed, 65 if its source is at fault.");
  command->callback([waiting, &chosen] { chosen = [waiting] { return wait(*waiting); }; });
}

}  // namespace gopmill
