#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/agenda.h"

namespace gopmill::test {

// A disk in memory, for SQLite to write to, that forgets as real disks do: what was written and not synced is only
// remembered while the power is on. It counts what is done to it and can stop at any point, so that a test can take the
// power away between any two operations; it can be full, and it can fail.
//
// Of one write, sectors reach the medium each by itself, whole or in part, in any order; bytes beside those written are
// never harmed (which SQLite takes from any disk: SQLITE_IOCAP_POWERSAFE_OVERWRITE). A truncation, and a file's name, may
// or may not have arrived. A sync makes all earlier writes of its file, and every name, last.
// Why: docs/decisions/34-crash-tests.md.
class CrashDisk {
 public:
  CrashDisk();
  CrashDisk(const CrashDisk&) = delete;
  CrashDisk& operator=(const CrashDisk&) = delete;
  // Nothing on it is open any more.
  ~CrashDisk();

  // Its name as an SQLite VFS: for Store::open.
  [[nodiscard]] const char* vfs() const { return name_.c_str(); }

  // Writes, syncs, truncations and deletions so far.
  [[nodiscard]] std::uint64_t operations() const { return operations_; }
  // The operation of this number (the first is 1) does not happen, and none after it: each fails. 0: never.
  void stop_at(std::uint64_t operation) { stop_at_ = operation; }
  // From now on.
  void stop() { stop_at_ = operations_ = std::max<std::uint64_t>(operations_, 1); }
  [[nodiscard]] bool stopped() const { return stop_at_ != 0 && operations_ >= stop_at_; }
  // Writes fail for want of space; what is there stays.
  void set_full(bool full) { full_ = full; }
  // Syncs fail; what they were to make last is not lasting.
  void set_broken(bool broken) { broken_ = broken; }

  // What follows a stop, once everything is closed. The process is gone and the machine is not: all that was written is there.
  void kill_process();
  // The power is gone: what was not synced is kept, lost or torn as the dice fall.
  void lose_power(Dice& dice);

  [[nodiscard]] std::uint64_t bytes() const;  // of all files

 private:
  friend struct CrashFile;
  friend struct CrashVfs;
  struct Change {
    bool truncation = false;
    std::uint64_t offset = 0;  // of a truncation: the size that is left
    std::string bytes;
  };
  struct File {
    std::string lasting, present;
    std::vector<Change> unsynced;
  };

  // Counts one operation; true: it does not happen.
  bool refuse();
  void keep_names();

  std::string name_;
  std::unique_ptr<struct CrashVfs> vfs_;
  std::map<std::string, std::shared_ptr<File>> files_, lasting_names_;
  std::uint64_t operations_ = 0, stop_at_ = 0;
  bool full_ = false, broken_ = false;
  bool names_changed_ = false;  // since keep_names()
};

}  // namespace gopmill::test
