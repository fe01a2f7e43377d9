#include <CLI/CLI.hpp>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "cli/client/client.h"
#include "cli/commands/command.h"
#include "cli/terminal/options.h"
#include "cli/terminal/progress.h"
#include "cli/terminal/table.h"
#include "cli/terminal/talk.h"
#include "proto/job_state.h"
#include "views/job_json.h"

// gopmill jobs, job, cancel, workers, drain: asks a coordinator.

namespace gopmill {

namespace {

struct AskOptions {
  std::string endpoint;
  bool json = false;
  std::vector<std::uint64_t> jobs;
  std::vector<std::uint64_t> workers;
};

std::string local_time(std::int64_t unix_ms) {
  const std::time_t seconds = unix_ms / 1000;
  std::tm parts{};
  char text[32] = "";
  if (::localtime_r(&seconds, &parts) != nullptr) std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

std::string id_text(std::uint64_t id) { return std::to_string(id); }

Result<int> list_jobs(const AskOptions& options) {
  FarmClient client = TRY(FarmClient::connect(own_identity(), options.endpoint, -1));
  const auto jobs = TRY(client.jobs());
  if (options.json) {
    TRY(print(jobs_json(jobs) + "\n"));
    return kExitDone;
  }
  std::vector<TableRow> rows{{"ID", "STATE", "DONE", "PROFILE", "PRIORITY", "TIME", "SOURCE"}};
  for (const wire::JobStatus& job : jobs) {
    rows.push_back({id_text(job.job.value), std::string(wire::job_state_word(job.state)), std::to_string(percent_done(job)) + "%",
                    job.profile_name, std::to_string(job.priority), duration_text(job.elapsed), job.source_name});
  }
  TRY(print(table_text(rows, {0, 2, 4, 5})));
  return kExitDone;
}

std::string job_text(const wire::JobStatus& job) {
  std::vector<TableRow> rows{{"job", id_text(job.job.value)},
                             {"source", job.source_name},
                             {"profile", job.profile_name},
                             {"state", std::string(wire::job_state_word(job.state)) + (job.delivered ? ", delivered" : "")},
                             {"done", std::to_string(percent_done(job)) + "%"},
                             {"priority", std::to_string(job.priority)},
                             {"submitted", local_time(job.submitted_unix_ms)},
                             {"time", duration_text(job.elapsed)}};
  if (job.media > Duration{0}) rows.push_back({"length", duration_text(job.media)});
  if (job.eta >= Duration{0}) rows.push_back({"left", duration_text(job.eta)});
  rows.push_back({"tasks", std::to_string(job.tasks_done) + " of " + std::to_string(job.tasks_total) + " done, " +
                               std::to_string(job.tasks_running) + " running, " + std::to_string(job.attempts_lost) +
                               " attempts lost"});
  rows.push_back({"folder", job.output_folder});
  for (const auto& r : job.renditions) {
    rows.push_back({r.name, std::to_string(r.frames_done) + " of " + std::to_string(r.frames_total) + " frames"});
  }
  for (const auto& file : job.files) rows.push_back({"file", file.name + ", " + bytes_text(file.facts.bytes)});
  for (const std::string& note : job.notes) rows.push_back({"note", note});
  if (job.fault) rows.push_back({"fault", job.fault->text + " (" + std::string(fault_word(job.fault->kind)) + ")"});
  return table_text(rows, {});
}

Result<int> show_job(const AskOptions& options) {
  FarmClient client = TRY(FarmClient::connect(own_identity(), options.endpoint, -1));
  const wire::JobReply reply = TRY(client.job(JobId{options.jobs.front()}));
  TRY(print(options.json ? job_json(reply.job) + "\n" : job_text(reply.job)));
  return kExitDone;
}

Result<int> cancel(const AskOptions& options) {
  FarmClient client = TRY(FarmClient::connect(own_identity(), options.endpoint, -1));
  for (const std::uint64_t id : options.jobs) {
    TRY(client.cancel(JobId{id}));
    say("job " + id_text(id) + " is cancelled");
  }
  return kExitDone;
}

// "set aside for 0:09": it failed what others completed.
std::string state_text(const wire::WorkerStatus& worker) {
  std::string text(wire::worker_state_word(worker.state));
  if (worker.state == wire::WorkerState::kSetAside) text += " for " + duration_text(worker.aside_for);
  return text;
}

Result<int> drain(const AskOptions& options) {
  FarmClient client = TRY(FarmClient::connect(own_identity(), options.endpoint, -1));
  for (const std::uint64_t id : options.workers) {
    TRY(client.drain(WorkerId{id}));
    say("worker " + id_text(id) + " finishes what it holds, then leaves");
  }
  return kExitDone;
}

std::string without_text(const std::vector<std::string>& encoders) {
  std::string text;
  for (const std::string& name : encoders) text += (text.empty() ? ", without " : " and ") + name;
  return text;
}

Result<int> list_workers(const AskOptions& options) {
  FarmClient client = TRY(FarmClient::connect(own_identity(), options.endpoint, -1));
  const auto workers = TRY(client.workers());
  if (options.json) {
    TRY(print(workers_json(workers) + "\n"));
    return kExitDone;
  }
  std::vector<TableRow> rows{{"ID", "NAME", "BUSY", "SLOTS", "DONE", "FAILED", "LAST HEARD", "STATE"}};
  for (const wire::WorkerStatus& worker : workers) {
    rows.push_back({id_text(worker.worker.value), worker.name, std::to_string(worker.busy), std::to_string(worker.slots),
                    std::to_string(worker.tasks_done), std::to_string(worker.tasks_failed),
                    decimal_text(static_cast<double>(worker.silent.count()) / 1000, 1) + " s ago",
                    state_text(worker) + without_text(lacking_encoders(worker))});
  }
  TRY(print(table_text(rows, {0, 2, 3, 4, 5, 6})));
  return kExitDone;
}

}  // namespace

void add_job_commands(CLI::App& app, Command& chosen) {
  const auto add = [&](const char* name, const char* what, const std::string& examples,
                       Result<int> (*carry_out)(const AskOptions&)) {
    auto options = std::make_shared<AskOptions>();
    CLI::App* command = app.add_subcommand(name, what);
    add_connect_option(*command, options->endpoint);
    add_examples(*command, examples);
    command->callback([options, carry_out, &chosen] { chosen = [options, carry_out] { return carry_out(*options); }; });
    return std::pair(command, options);
  };
  const auto [jobs, jobs_options] = add("jobs", "List the newest jobs of a farm, newest first",
                                        "gopmill jobs\n  gopmill jobs --json | jq '.[] | select(.state == \"running\").job'\n\n"
                                        "--json: an array of what `gopmill job ID --json` prints.",
                                        list_jobs);
  add_json_flag(*jobs, jobs_options->json);
  const auto [job, job_options] =
      add("job", "Show one job",
          "gopmill job 3\n  gopmill job 3 --json\n\n"
          "--json: job, source, profile, state (uploading queued analysing running stitching packaging verifying\n"
          "done failed cancelled), priority, submitted_unix_ms, elapsed_ms, media_ms, percent, eta_ms or null, tasks\n"
          "{done total running}, attempts_lost, workers_busy, slots_total, renditions [{name frames_done frames_total}],\n"
          "output_folder, output_base, files [{kind name bytes sha256}], notes, delivered, fault {kind text} or null.",
          show_job);
  job->add_option("ID", job_options->jobs, "The job")->required()->expected(1);
  add_json_flag(*job, job_options->json);
  const auto [cancelling, cancel_options] = add("cancel", "Cancel jobs", "gopmill cancel 3 4", cancel);
  cancelling->add_option("ID", cancel_options->jobs, "Jobs")->required();
  const auto [draining, drain_options] =
      add("drain", "Have workers finish what they hold and leave",
          "gopmill drain 2\n  gopmill workers --json | jq '.[].worker' | xargs gopmill drain\n\n"
          "Nothing is lost and nothing is done twice. A worker's process ends with exit code 0 once it has nothing left.",
          drain);
  draining->add_option("ID", drain_options->workers, "Workers, as `gopmill workers` numbers them")->required();
  const auto [workers, workers_options] =
      add("workers", "List the workers of a farm",
          "gopmill workers\n  gopmill workers --json\n\n"
          "STATE: working; draining (finishes what it holds and leaves); set aside (failed what others completed: is given\n"
          "nothing for a while); on probation (was set aside: one task at a time until it completes one); unreachable.\n"
          "without ENCODER: is given no task that needs it, because its build has none or by --without-encoder.\n"
          "--json: an array of worker, name, build, slots, busy, tasks_done, tasks_failed, silent_ms, state, aside_for_ms,\n"
          "encoders, without (those of gopmill's encoders that it does not offer).",
          list_workers);
  add_json_flag(*workers, workers_options->json);
}

}  // namespace gopmill
