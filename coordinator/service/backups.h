#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "base/log.h"
#include "base/result.h"
#include "coordinator/store/backup.h"
#include "coordinator/store/store.h"

namespace gopmill {

struct BackupProgress {
  std::string path;   // of NAME.db; bytes as they are
  bool made = false;  // else it is being made: ask again
};

// The backup that is being made, and what became of the last one. Owned by the service; the store outlives it.
class Backups {
 public:
  Backups(Store& store, std::filesystem::path folder, Log& log) : store_(store), folder_(std::move(folder)), log_(log) {}

  // Begins it, or tells how far it is. kUnavailable: another one is being made; else as Backup.
  Result<BackupProgress> make(const std::string& name);
  [[nodiscard]] bool busy() const { return current_.has_value(); }
  // Some milliseconds of work while busy.
  void step();

 private:
  Store& store_;
  const std::filesystem::path folder_;
  Log& log_;
  std::optional<Backup> current_;
  std::optional<std::pair<std::string, Result<std::string>>> last_;  // its name, and its path or what went wrong
};

}  // namespace gopmill
