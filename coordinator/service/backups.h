#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "coordinator/store/backup.h"
#include "coordinator/store/store.h"

namespace gopmill {

struct BackupProgress {
  std::string path;   // of NAME.db; bytes as they are
  bool made = false;  // else it is being made: ask again
};

// Whoever asked for a backup asks again until it is made: how long what became of one is told under its name. After that the name
// is that of an old backup.
inline constexpr Duration kBackupToldMax{10'000};

// The backup that is being made, and what became of the last ones. Owned by the service; the store outlives it.
class Backups {
 public:
  Backups(Store& store, std::filesystem::path folder, Log& log) : store_(store), folder_(std::move(folder)), log_(log) {}

  // Begins it, or tells how far it is. kUnavailable: another one is being made; else as Backup.
  Result<BackupProgress> make(const std::string& name, Instant now);
  [[nodiscard]] bool busy() const { return current_.has_value(); }
  // Some milliseconds of work while busy.
  void step(Instant now);

 private:
  Store& store_;
  const std::filesystem::path folder_;
  Log& log_;
  struct Over {
    Result<std::string> outcome;  // its path, or what went wrong
    Instant since;
  };
  std::optional<Backup> current_;
  std::map<std::string, Over> over_;  // by name
};

}  // namespace gopmill
