#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/ids.h"
#include "base/result.h"
#include "proto/messages.h"

namespace gopmill {

// Enough for the database and for what running attempts still bring.
// Why: docs/decisions/31-disk-and-database.md.
inline constexpr std::uint64_t kSpoolRoomMin = 256ULL << 20;

// The bytes of jobs between their ends: one folder per job under DATA/spool, removed whole when the job is cleaned.
//
//   spool/JOB/source              the submitted file
//   spool/JOB/facts               what its analysis found, for a coordinator that restarts
//   spool/JOB/input.TASK          a task's input; there while the task waits or runs
//   spool/JOB/output.TASK.ATTEMPT.PART
//   spool/JOB/result.N            a finished file
//   spool/JOB/finished            what the finished files are, for whoever collects them after a restart
//
// A file that is still being written is named ".part" behind its name. Bounds: source + inputs within the scheduler's
// window + outputs (about the size of the renditions) + results (the same again). Not thread-safe.
class Spool {
 public:
  // Makes the folder; kCannotCreate with the reason.
  static Result<Spool> open(const std::filesystem::path& folder);

  // Whether more can be begun: a writable disk with kSpoolRoomMin, or a twentieth of a small disk, left. What is being written
  // goes on below that. kMachine with the reason.
  [[nodiscard]] Result<> has_room() const { return has_room_for(0); }
  [[nodiscard]] Result<> has_room_for(std::uint64_t bytes) const;

  Result<> make_job(JobId job);
  // What cannot be removed now, on a disk that is read-only for a while, is removed by remove_left().
  void remove_job(JobId job);
  void remove_left();
  // Everything of the job but its results and what is known of them.
  void keep_only_results(JobId job);
  // Removes folders of jobs that are not in `keep`, and every ".part".
  void sweep(const std::vector<JobId>& keep);

  // A new file that is still being written, readable and writable; an older one of that name is replaced.
  Result<Fd> create(const wire::Artifact& artifact);
  // Gives it its final name. Not synced unless `durable`: a lost input is split again, a lost output redone.
  Result<> finish(const wire::Artifact& artifact, bool durable);
  Result<Fd> open_file(const wire::Artifact& artifact) const;
  [[nodiscard]] bool has(const wire::Artifact& artifact) const;
  void remove(const wire::Artifact& artifact);
  // What was being written of it, if anything.
  void remove_part(const wire::Artifact& artifact);

  Result<> save_facts(JobId job, const std::string& bytes);
  Result<std::string> load_facts(JobId job) const;
  Result<> save_finished(JobId job, const std::string& bytes);
  Result<std::string> load_finished(JobId job) const;

 private:
  explicit Spool(std::filesystem::path folder) : folder_(std::move(folder)) {}
  [[nodiscard]] std::filesystem::path job_folder(JobId job) const;
  [[nodiscard]] std::filesystem::path path(const wire::Artifact& artifact) const;
  std::filesystem::path folder_;
  std::set<JobId> left_;
};

}  // namespace gopmill
