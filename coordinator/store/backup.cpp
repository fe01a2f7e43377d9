#include "coordinator/store/backup.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>
#include <sstream>
#include <system_error>

#include "base/file.h"
#include "base/hash.h"
#include "coordinator/scheduler/scheduler.h"
#include "proto/source.h"

namespace gopmill {

namespace {

constexpr std::size_t kNameMax = 100;
constexpr std::uint64_t kManifestBytesMax = 1ULL << 30;  // a line per output, of at most a million tasks
constexpr const char* kFirstLine = "gopmill backup 1";

std::filesystem::path manifest_of(std::filesystem::path backup) { return backup.replace_extension(".manifest"); }

std::string hex(std::uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

std::string facts_text(const wire::ArtifactFacts& facts) { return std::to_string(facts.bytes) + " " + hex(facts.hash); }

// What the store of a coordinator expects in its spool: the sources of jobs that have one, and every committed output.
Result<std::string> expected_spool(Store& store) {
  struct Expected {
    bool uploaded = false;
    wire::JobState state{};
    std::map<std::uint32_t, facts::TaskCommitted> committed;
  };
  std::map<JobId, Expected> jobs;
  for (Fact& fact : TRY(store.living_facts())) {
    if (const auto* accepted = std::get_if<facts::JobAccepted>(&fact)) {
      jobs[accepted->job] = {
          accepted->upload_wanted, accepted->upload_wanted ? wire::JobState::kUploading : wire::JobState::kQueued, {}};
    } else if (const auto* entered = std::get_if<facts::JobEntered>(&fact)) {
      jobs[entered->job].state = entered->state;
    } else if (const auto* ended = std::get_if<facts::JobEnded>(&fact)) {
      jobs[ended->job].state = ended->state;
    } else if (auto* committed = std::get_if<facts::TaskCommitted>(&fact)) {
      jobs[committed->task.job].committed[committed->task.index] = std::move(*committed);
    } else if (const auto* reopened = std::get_if<facts::TaskReopened>(&fact)) {
      jobs[reopened->task.job].committed.erase(reopened->task.index);
    }
  }
  std::ostringstream lines;
  for (const auto& [job, expected] : jobs) {
    lines << "job " << job.value << " " << wire::job_state_word(expected.state) << "\n";
    if (is_final(expected.state)) continue;
    if (expected.uploaded && expected.state != wire::JobState::kUploading) {
      const auto submission = TRY(store.submission(job));
      if (!submission) return fail(FaultKind::kConfig, "no submission of job " + std::to_string(job.value));
      if (const auto upload = Source::of(submission->submission).upload())
        lines << "source " << job.value << " " << facts_text(*upload) << "\n";
    }
    for (const auto& [index, task] : expected.committed) {
      for (std::size_t part = 0; part < task.outputs.size(); ++part) {
        lines << "output " << job.value << " " << index << " " << task.attempt << " " << part << " "
              << facts_text(task.outputs[part]) << "\n";
      }
    }
  }
  return lines.str();
}

Result<std::string> sha256_of(const std::filesystem::path& file) {
  const Fd fd = TRY(open_source(file));
  return file_sha256(fd.get());
}

// Everything after the last page: in a thread of its own, with nothing but paths.
Result<> check_and_name(const std::filesystem::path& part, const std::filesystem::path& path) {
  std::string expected;
  {
    Store copy = TRY(Store::open(part));
    TRY(copy.check());
    expected = TRY(expected_spool(copy));
  }
  TRY(sync_path(part));
  std::ostringstream manifest;
  manifest << kFirstLine << "\nstore " << path.filename().string() << " " << TRY(sha256_of(part)) << "\n" << expected << "end\n";
  const std::string text = manifest.str();
  if (::rename(part.c_str(), path.c_str()) != 0)
    return fail(FaultKind::kMachine, "cannot name " + path.string() + ": " + std::strerror(errno));
  AtomicFile file = TRY(AtomicFile::create(manifest_of(path), true));
  TRY(write_at(file.fd(), 0, std::as_bytes(std::span(text))));
  return file.finish();  // which syncs the folder, and with it both names
}

}  // namespace

Result<> check_backup_name(const std::string& name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  const bool good = !name.empty() && name.size() <= kNameMax && plain(name.front()) &&
                    std::all_of(name.begin(), name.end(), [&](char c) { return plain(c) || c == '-' || c == '_' || c == '.'; });
  if (!good) return fail(FaultKind::kUsage, "a backup's name is letters, digits, '-', '_' and '.', at most 100 of them");
  return {};
}

// ---- Making one ----

Result<Backup> Backup::begin(Store& store, const std::filesystem::path& folder, const std::string& name) {
  TRY(check_backup_name(name));
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(FaultKind::kCannotCreate, "cannot create " + folder.string() + ": " + error.message());
  const auto path = folder / (name + ".db");
  if (std::filesystem::exists(path, error) || std::filesystem::exists(manifest_of(path), error))
    return fail(FaultKind::kCannotCreate, "there is a backup " + path.string() + " already");
  const auto part = folder / ("." + name + ".part");
  std::filesystem::remove(part, error);  // of a coordinator that ended while it made one
  return Backup(name, path, part, TRY(store.copy(part)));
}

Backup::Backup(std::string name, std::filesystem::path path, std::filesystem::path part, Store::Copy copy)
    : name_(std::move(name)), path_(std::move(path)), part_(std::move(part)), copy_(std::move(copy)) {}

Result<bool> Backup::step() {
  const auto advance = [this]() -> Result<bool> {
    if (copy_) {
      if (!TRY(copy_->step())) return false;
      copy_.reset();
      check_ = std::async(std::launch::async, check_and_name, part_, path_);
      return false;
    }
    if (check_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return false;
    TRY(check_.get());
    return true;
  };
  auto made = advance();
  if (!made) {
    copy_.reset();
    std::error_code ignored;
    std::filesystem::remove(part_, ignored);
    return std::unexpected(std::move(made.error()).within("backing up into " + path_.string()));
  }
  return made;
}

// ---- Going back to one ----

Result<Restored> restore_backup(const std::filesystem::path& backup, const std::filesystem::path& data) {
  const auto manifest = manifest_of(backup);
  const std::string text = TRY(read_file(manifest, kManifestBytesMax));
  std::istringstream lines(text);
  std::string first, word, name, sha256;
  std::getline(lines, first);
  lines >> word >> name >> sha256;
  if (first != kFirstLine || word != "store" || !text.ends_with("\nend\n"))
    return fail(FaultKind::kInput, manifest.string() + " is no whole manifest of this version");
  if (TRY(sha256_of(backup)) != sha256) return fail(FaultKind::kInput, backup.string() + " is damaged: not what was backed up");

  std::error_code error;
  const auto file = data / "gopmill.db";
  if (std::filesystem::exists(file, error)) return fail(FaultKind::kCannotCreate, data.string() + " has a store already");
  std::filesystem::create_directories(data, error);
  if (error) return fail(FaultKind::kCannotCreate, "cannot create " + data.string() + ": " + error.message());

  // Everything is done to a file of another name, so that no half-restored store can be started.
  const auto part = data / ".gopmill.db.part";
  std::filesystem::remove(part, error);
  std::filesystem::copy_file(backup, part, error);
  if (error) return fail(FaultKind::kCannotCreate, "cannot write " + part.string() + ": " + error.message());
  Restored restored;
  {
    Store store = TRY(Store::open(part));
    TRY(store.check());
    TRY(store.skip_ids());
    std::set<JobId> jobs, over;
    for (const Fact& fact : TRY(store.living_facts())) {
      if (const auto* accepted = std::get_if<facts::JobAccepted>(&fact)) jobs.insert(accepted->job);
      if (const auto* ended = std::get_if<facts::JobEnded>(&fact)) over.insert(ended->job);
    }
    restored = {jobs.size() - over.size(), over.size()};
  }
  TRY(sync_path(part));
  if (::rename(part.c_str(), file.c_str()) != 0)
    return fail(FaultKind::kCannotCreate, "cannot name " + file.string() + ": " + std::strerror(errno));
  TRY(sync_path(data));
  return restored;
}

}  // namespace gopmill
