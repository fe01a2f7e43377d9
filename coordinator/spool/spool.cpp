#include "coordinator/spool/spool.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <system_error>
#include <utility>

namespace gopmill {

namespace {

constexpr std::uint64_t kFactsBytesMax = 512ULL << 20;  // kChildResultBytesMax: an analysis is a child's result

constexpr std::uint64_t kFinishedBytesMax = 1ULL << 20;  // lists that a JobReply must hold too
constexpr const char* kFactsName = "facts";
constexpr const char* kFinishedName = "finished";

std::filesystem::path part_of(std::filesystem::path path) {
  path += ".part";
  return path;
}

Fault fault_of(const std::string& what, int error) { return {FaultKind::kMachine, what + ": " + std::strerror(error)}; }

}  // namespace

Result<Spool> Spool::open(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(FaultKind::kCannotCreate, "cannot create " + folder.string() + ": " + error.message());
  if (::access(folder.c_str(), W_OK | X_OK) != 0)
    return fail(FaultKind::kCannotCreate, "cannot write to " + folder.string() + ": " + std::strerror(errno));
  return Spool(folder);
}

Result<> Spool::has_room_for(std::uint64_t bytes) const {
  struct statvfs disk{};
  if (::statvfs(folder_.c_str(), &disk) != 0)
    return std::unexpected(fault_of("cannot look at the disk of " + folder_.string(), errno));
  if ((disk.f_flag & ST_RDONLY) != 0) return fail(FaultKind::kMachine, "the disk of " + folder_.string() + " is read-only");
  if (::access(folder_.c_str(), W_OK | X_OK) != 0) return std::unexpected(fault_of("cannot write to " + folder_.string(), errno));
  const std::uint64_t free = disk.f_bavail * disk.f_frsize;
  const std::uint64_t kept = std::min(kSpoolRoomMin, disk.f_blocks * disk.f_frsize / 20);
  if (bytes <= free && free - bytes >= kept) return {};
  const auto megabytes = [](std::uint64_t n) { return std::to_string(n >> 20) + " MiB"; };
  return fail(FaultKind::kMachine, "the disk of " + folder_.string() + " has " + megabytes(free) + " left, " +
                                       megabytes(bytes + kept) + " are needed");
}

std::filesystem::path Spool::job_folder(JobId job) const { return folder_ / std::to_string(job.value); }

std::filesystem::path Spool::path(const wire::Artifact& artifact) const {
  const auto number = [](auto n) { return "." + std::to_string(n); };
  std::string name;
  switch (artifact.kind) {
    case wire::ArtifactKind::kSource: name = "source"; break;
    case wire::ArtifactKind::kTaskInput: name = "input" + number(artifact.index); break;
    case wire::ArtifactKind::kTaskOutput:
      name = "output" + number(artifact.index) + number(artifact.attempt) + number(artifact.part);
      break;
    case wire::ArtifactKind::kResult: name = "result" + number(artifact.index); break;
  }
  return job_folder(artifact.job) / name;
}

Result<> Spool::make_job(JobId job) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(job_folder(job), error);
  if (error) return fail(FaultKind::kMachine, "cannot create " + job_folder(job).string() + ": " + error.message());
  if (!made) return {};
  return sync_path(folder_);  // what is synced inside a folder is lost with a folder whose name is not
}

void Spool::remove_job(JobId job) {
  std::error_code error;
  std::filesystem::remove_all(job_folder(job), error);
  error ? (void)left_.insert(job) : (void)left_.erase(job);
}

void Spool::remove_left() {
  for (const JobId job : std::exchange(left_, {})) remove_job(job);
}

void Spool::keep_only_results(JobId job) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(job_folder(job), ignored)) {
    const std::string name = entry.path().filename().string();
    const bool kept = (name.starts_with("result.") && !name.ends_with(".part")) || name == kFinishedName;
    if (!kept) std::filesystem::remove(entry.path(), ignored);
  }
}

void Spool::sweep(const std::vector<JobId>& keep) {
  std::error_code ignored;
  std::set<std::string> names;
  for (const JobId job : keep) names.insert(std::to_string(job.value));
  for (const auto& entry : std::filesystem::directory_iterator(folder_, ignored)) {
    if (!names.contains(entry.path().filename().string())) {
      std::filesystem::remove_all(entry.path(), ignored);
      continue;
    }
    for (const auto& file : std::filesystem::directory_iterator(entry.path(), ignored)) {
      if (file.path().extension() == ".part") std::filesystem::remove(file.path(), ignored);
    }
  }
}

Result<Fd> Spool::create(const wire::Artifact& artifact) {
  const auto part = part_of(path(artifact));
  Fd fd(::open(part.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return std::unexpected(fault_of("cannot create " + part.string(), errno));
  return fd;
}

Result<> Spool::finish(const wire::Artifact& artifact, bool durable) {
  const auto final_path = path(artifact);
  const auto part = part_of(final_path);
  if (durable) TRY(sync_path(part));
  if (::rename(part.c_str(), final_path.c_str()) != 0)
    return std::unexpected(fault_of("cannot name " + final_path.string(), errno));
  if (durable) return sync_path(final_path.parent_path());
  return {};
}

Result<Fd> Spool::open_file(const wire::Artifact& artifact) const {
  const auto final_path = path(artifact);
  Fd fd(::open(final_path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return std::unexpected(fault_of("cannot open " + final_path.string(), errno));
  return fd;
}

bool Spool::has(const wire::Artifact& artifact) const { return ::access(path(artifact).c_str(), R_OK) == 0; }

void Spool::remove(const wire::Artifact& artifact) {
  ::unlink(path(artifact).c_str());
  remove_part(artifact);
}

void Spool::remove_part(const wire::Artifact& artifact) { ::unlink(part_of(path(artifact)).c_str()); }

namespace {

Result<> save(const std::filesystem::path& path, const std::string& bytes) {
  AtomicFile file = TRY(AtomicFile::create(path, true));
  TRY(write_at(file.fd(), 0, std::as_bytes(std::span(bytes))));
  return file.finish();
}

}  // namespace

Result<> Spool::save_facts(JobId job, const std::string& bytes) { return save(job_folder(job) / kFactsName, bytes); }
Result<std::string> Spool::load_facts(JobId job) const { return read_file(job_folder(job) / kFactsName, kFactsBytesMax); }

Result<> Spool::save_finished(JobId job, const std::string& bytes) { return save(job_folder(job) / kFinishedName, bytes); }
Result<std::string> Spool::load_finished(JobId job) const {
  return read_file(job_folder(job) / kFinishedName, kFinishedBytesMax);
}

}  // namespace gopmill
