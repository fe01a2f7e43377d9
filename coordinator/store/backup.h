#pragma once

#include <cstddef>
#include <filesystem>
#include <future>
#include <optional>
#include <string>

#include "base/result.h"
#include "coordinator/store/store.h"

namespace gopmill {

// A backup is two files in DATA/backups, made while the coordinator goes on:
//
//   NAME.db         the store, as a database of its own
//   NAME.manifest   text: what the store says must be in the spool, line by line (docs/operations.md); names the database's
//                   sha256 and appears last, so that a backup with a manifest is a whole one
//
// It holds no bytes of media: sources, task outputs and finished files are in the spool.
// Why: docs/decisions/33-backup.md.

// kUsage unless it is 1 to 100 letters, digits, '-', '_' and '.', beginning with a letter or digit: peers choose it.
Result<> check_backup_name(const std::string& name);

// One backup in the making. Owned by the service's Backups, which the loop gives a little time each turn.
class Backup {
 public:
  // kCannotCreate: there is one of that name, or the folder cannot be made. The store outlives it.
  static Result<Backup> begin(Store& store, const std::filesystem::path& folder, const std::string& name);
  Backup(Backup&&) noexcept = default;
  Backup& operator=(Backup&&) noexcept = default;

  // Some milliseconds of work. True: it is checked, synced and there. A fault ends it; nothing of it stays.
  Result<bool> step();
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }  // of NAME.db

 private:
  Backup(std::string name, std::filesystem::path path, std::filesystem::path part, Store::Copy copy);

  std::string name_;
  std::filesystem::path path_, part_;
  std::optional<Store::Copy> copy_;
  // Reading all of the copy takes as long as the disk does: elsewhere than in the loop. It shares nothing with it.
  std::future<Result<>> check_;
};

struct Restored {
  std::size_t living = 0;  // jobs that go on
  std::size_t ended = 0;   // of the last that are over
};
// Makes `data` a coordinator's folder with the store of that backup (NAME.db); its spool is the caller's to bring back, as far
// as there is one. kNoInput: no such backup, or no whole one; kInput: it is damaged; kCannotCreate: the folder has a store.
Result<Restored> restore_backup(const std::filesystem::path& backup, const std::filesystem::path& data);

}  // namespace gopmill
