#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "coordinator/scheduler/scheduler.h"
#include "proto/messages.h"

namespace gopmill {

namespace sql {
class Copy;
class Database;
}  // namespace sql

// A submission as it was accepted; what the scheduler does not need to know of a job.
struct AcceptedSubmission {
  JobId job;
  std::string key;
  std::int64_t submitted_unix_ms = 0;
  wire::Submission submission;
};

// Jobs that are over (failed, cancelled, or done and their files forgotten) are kept for people who ask and for keys that
// come again, the newest of them. By number and not by age, for a wall clock that jumps would make all of them old at once. A key
// that comes again after that is a new job.
inline constexpr std::int64_t kEndedKeptMax = 100'000;  // some 30 MB; more than a job a second for a day

// The durable truth: one SQLite file in WAL mode with synchronous=FULL. What is recorded is on disk when the call
// returns. It holds every fact of the jobs that are not over, in the order they were recorded, and a few lines about those
// that are (docs/operations.md has the schema): its size follows the work at hand, not the work ever done. One process at a
// time opens a store; one thread uses it.
// Why: docs/decisions/32-work-at-hand.md.
class Store {
 public:
  // Brings an older schema up to date. kConfig: a newer schema, or not a store; kCannotCreate: the folder; kUnavailable:
  // another process has it open. `vfs`: see sql::Database::open.
  static Result<Store> open(const std::filesystem::path& file, const char* vfs = nullptr,
                            std::int64_t ended_kept_max = kEndedKeptMax);
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  // Gives the submission its id, or returns the job that has the same key. Nothing is written before the record() that has
  // its JobAccepted.
  struct Added {
    JobId job;
    bool known = false;  // the key was there already
  };
  Result<Added> add(const wire::Submission& submission, std::int64_t now_unix_ms);
  // Of a submission that was refused: as if it had never come.
  void forget(JobId job);
  // Of a job that is over: without its profile.
  Result<std::optional<AcceptedSubmission>> submission(JobId job);

  // All of them in one transaction, synced. Where it fails, nothing of it is recorded and the same call may be made again.
  Result<> record(const std::vector<Fact>& facts);
  // Every fact of the jobs that are not over, in recorded order; before them acceptance and end of the last that are.
  Result<std::vector<Fact>> living_facts();
  // How a job ended, if it has; also long after the scheduler has forgotten it.
  Result<std::optional<facts::JobEnded>> ending(JobId job);
  // A worker id that no run of this store has given yet; reserves a block of them.
  Result<WorkerId> next_worker_block();

  // kConfig unless every page, every fact of living jobs and their submissions can be read.
  Result<> check();
  // Of a store that was restored from a backup: ids that were given after the backup was made are not given again.
  Result<> skip_ids();
  // A copy into a file that is not there yet, made in steps while the store is used: what is recorded meanwhile is in it too.
  // The store outlives it.
  class Copy {
   public:
    Copy(Copy&&) noexcept;
    Copy& operator=(Copy&&) noexcept;
    ~Copy();
    // Some milliseconds of work. True: it is whole, though not synced.
    Result<bool> step();

   private:
    friend class Store;
    Copy(std::unique_ptr<sql::Database> into, std::unique_ptr<sql::Copy> pages);
    std::unique_ptr<sql::Database> into_;  // before the pages: it is closed after them
    std::unique_ptr<sql::Copy> pages_;
  };
  Result<Copy> copy(const std::filesystem::path& file);

 private:
  struct State;
  explicit Store(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gopmill
