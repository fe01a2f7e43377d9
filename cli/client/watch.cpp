#include "cli/client/watch.h"

#include <utility>

#include "base/file.h"
#include "cli/client/collect.h"
#include "cli/client/outputs.h"
#include "cli/terminal/exit_codes.h"
#include "cli/terminal/summary.h"
#include "cli/terminal/talk.h"
#include "proto/job_state.h"
#include "views/job_json.h"
#include "views/report.h"

namespace gopmill {

namespace {

// Four questions a second per job: the display looks live, and a coordinator does not notice.
constexpr Duration kLookEvery{250};

std::string name_of(const wire::JobStatus& status) {
  return "job " + std::to_string(status.job.value) + " (" + printable(status.source_name) + ")";
}

// The jobs that are being watched, and what became of them.
class Watching {
 public:
  Watching(const Watch& watch, const std::vector<Awaited>& awaited)
      : watch_(watch), awaited_(awaited), codes_(awaited.size()), heard_(monotonic_now()) {}

  Result<int> run() {
    while (true) {
      if (watch_.tend) TRY(watch_.tend());
      std::vector<wire::JobStatus> running;
      if (TRY(look(running))) break;
      watch_.display.show(running, monotonic_now());
      if (watch_.interrupts.wait(kLookEvery)) return fail(FaultKind::kCancelled, "interrupted");
    }
    watch_.display.clear();
    for (const auto& code : codes_) {
      if (*code != kExitDone) return *code;
    }
    return kExitDone;
  }

 private:
  // Asks about every job that has not ended, and ends those that have. True once all have.
  Result<bool> look(std::vector<wire::JobStatus>& running) {
    bool all_ended = true;
    for (std::size_t i = 0; i < awaited_.size(); ++i) {
      if (codes_[i]) continue;
      auto reply = watch_.client.job(awaited_[i].job);
      if (!reply) {
        const bool away = reply.error().kind == FaultKind::kUnavailable && !watch_.client.answered();
        if (!away || monotonic_now() - heard_ > kCoordinatorAwayMax) {
          return std::unexpected(std::move(reply.error()));
        }
        return false;
      }
      heard_ = monotonic_now();
      if (is_final(reply->job.state)) {
        codes_[i] = TRY(end(*reply, awaited_[i]));
        heard_ = monotonic_now();
      } else {
        all_ended = false;
        running.push_back(std::move(reply->job));
      }
    }
    return all_ended;
  }

  Result<int> end(const wire::JobReply& reply, const Awaited& awaited) {
    wire::JobStatus status = reply.job;
    const std::filesystem::path folder = awaited.folder.empty() ? std::filesystem::path(status.output_folder) : awaited.folder;
    std::vector<std::filesystem::path> paths;
    std::optional<Fault> fault = status.fault;
    if (status.state == wire::JobState::kDone && !status.delivered) {
      auto collected = collect(watch_.client, reply, folder, awaited.replace, watch_.display);
      // Interrupted or out of touch: that is about all jobs, not about this one.
      if (!collected && (collected.error().kind == FaultKind::kCancelled)) return std::unexpected(std::move(collected.error()));
      if (collected) {
        paths = std::move(*collected);
      } else if (const auto now = watch_.client.job(status.job); now && now->job.delivered) {
        status.delivered = true;  // to somebody who was faster, after which the files are kept no longer
      } else {
        fault = std::move(collected.error());
      }
    }
    watch_.display.clear();
    TRY(tell(status, folder, paths, fault));
    if (status.state == wire::JobState::kDone && !fault) return kExitDone;
    return fault ? exit_code(fault->kind) : kExitJobFailed;
  }

  Result<> tell(const wire::JobStatus& status, const std::filesystem::path& folder,
                const std::vector<std::filesystem::path>& paths, const std::optional<Fault>& fault) {
    if (status.state == wire::JobState::kCancelled) {
      complain(name_of(status) + " was cancelled");
    } else if (fault) {
      const bool failed = status.state == wire::JobState::kFailed;
      complain(name_of(status) + (failed ? " failed: " : " is done, but its files could not be collected: ") + fault->text);
    } else if (status.delivered) {
      watch_.display.say(name_of(status) + " was delivered already, into " + status.output_folder +
                         " unless another folder was named then");
    } else {
      TRY(summarise(status, folder, paths));
    }
    if (watch_.json) return print(outcome_json(status, folder, paths, fault) + "\n");
    std::string lines;
    for (const auto& path : paths) lines += path.string() + "\n";
    return print(lines);
  }

  Result<> summarise(const wire::JobStatus& status, const std::filesystem::path& folder,
                     const std::vector<std::filesystem::path>& paths) {
    watch_.display.say(name_of(status) + " is done, " + duration_text(status.elapsed) + " after it was submitted");
    // A report this build cannot read does not undo what is done; the files are there.
    if (const auto text = read_file(paths.back(), kReportBytesMax)) {
      if (const auto report = read_report(*text)) {
        for (const std::string& line : summary_lines(*report, folder)) watch_.display.say(line);
      }
    }
    watch_.display.say("report: " + paths.back().string());
    return {};
  }

  const Watch& watch_;
  const std::vector<Awaited>& awaited_;
  std::vector<std::optional<int>> codes_;
  Instant heard_;
};

}  // namespace

Result<int> see_through(const Watch& watch, const std::vector<Awaited>& awaited) {
  auto code = Watching(watch, awaited).run();
  if (!code) {
    watch.display.clear();
    if (code.error().kind == FaultKind::kCancelled) watch.interrupts.take();
  }
  return code;
}

}  // namespace gopmill
