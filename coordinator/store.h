#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "coordinator/scheduler.h"
#include "proto/messages.h"

namespace gopmill {

// A submission as it was accepted; what the scheduler does not need to know of a job.
struct AcceptedSubmission {
  JobId job;
  std::string key;
  std::int64_t submitted_unix_ms = 0;
  wire::Submit submit;
};

// The durable truth: one SQLite file in WAL mode with synchronous=FULL. What is recorded is on disk when the call
// returns. Two tables: submissions, and facts in the order they were recorded (docs/operations.md has the schema). One
// process at a time opens a store; one thread uses it.
class Store {
 public:
  // kConfig: a newer schema, or not a store; kCannotCreate: the folder; kUnavailable: another process has it open.
  static Result<Store> open(const std::filesystem::path& file);
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  // Gives the submission its id, or returns the job that has the same key. Durable only with the next record(), which holds
  // its JobAccepted; a crash between leaves a submission without facts, which open() removes.
  struct Added {
    JobId job;
    bool known = false;  // the key was there already
  };
  Result<Added> add(const wire::Submit& submit, std::int64_t now_unix_ms);
  // Of a submission that was refused: as if it had never come.
  Result<> forget(JobId job);
  Result<std::optional<AcceptedSubmission>> submission(JobId job);

  // All of them in one transaction, synced.
  Result<> record(const std::vector<Fact>& facts);
  // Every fact of jobs that have not ended or whose files are kept, in recorded order.
  Result<std::vector<Fact>> living_facts();
  // How a job ended, for jobs the scheduler has forgotten.
  Result<std::optional<facts::JobEnded>> ending(JobId job);
  // A worker id that no run of this store has given yet; reserves a block of them.
  Result<WorkerId> next_worker_block();

 private:
  struct State;
  explicit Store(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gopmill
