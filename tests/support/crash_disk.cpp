#include "tests/support/crash_disk.h"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>

#include "base/check.h"

namespace gopmill::test {

namespace {

constexpr std::size_t kSectorBytes = 512;  // what a disk promises to write whole, though this one tears even that

void put(std::string& into, std::uint64_t offset, const char* bytes, std::size_t size) {
  if (into.size() < offset + size) into.resize(offset + size);
  std::memcpy(into.data() + offset, bytes, size);
}

}  // namespace

// One open file, in memory that SQLite gives.
struct CrashFile {
  sqlite3_file base;  // first: SQLite sees this
  CrashDisk* disk;
  std::shared_ptr<CrashDisk::File> file;

  static CrashFile& of(sqlite3_file* file) { return *reinterpret_cast<CrashFile*>(file); }

  static int close(sqlite3_file* file) {
    of(file).~CrashFile();
    return SQLITE_OK;
  }
  static int read(sqlite3_file* file, void* into, int size, sqlite3_int64 offset) {
    const std::string& bytes = of(file).file->present;
    const auto at = static_cast<std::size_t>(offset), wanted = static_cast<std::size_t>(size);
    const std::size_t there = at < bytes.size() ? std::min(wanted, bytes.size() - at) : 0;
    std::memcpy(into, bytes.data() + (there > 0 ? at : 0), there);
    if (there == wanted) return SQLITE_OK;
    std::memset(static_cast<char*>(into) + there, 0, wanted - there);
    return SQLITE_IOERR_SHORT_READ;
  }
  static int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
    CrashDisk& disk = *of(file).disk;
    if (disk.refuse()) return SQLITE_IOERR_WRITE;
    if (disk.full_) return SQLITE_FULL;
    const auto* from = static_cast<const char*>(bytes);
    CrashDisk::File& node = *of(file).file;
    put(node.present, static_cast<std::uint64_t>(offset), from, static_cast<std::size_t>(size));
    node.unsynced.push_back({false, static_cast<std::uint64_t>(offset), std::string(from, static_cast<std::size_t>(size))});
    return SQLITE_OK;
  }
  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    if (of(file).disk->refuse()) return SQLITE_IOERR_TRUNCATE;
    CrashDisk::File& node = *of(file).file;
    node.present.resize(static_cast<std::size_t>(size));
    node.unsynced.push_back({true, static_cast<std::uint64_t>(size), {}});
    return SQLITE_OK;
  }
  static int sync(sqlite3_file* file, int /*flags*/) {
    CrashDisk& disk = *of(file).disk;
    if (disk.refuse() || disk.broken_) return SQLITE_IOERR_FSYNC;
    CrashDisk::File& node = *of(file).file;
    for (const CrashDisk::Change& change : node.unsynced) {
      change.truncation ? node.lasting.resize(change.offset)
                        : put(node.lasting, change.offset, change.bytes.data(), change.bytes.size());
    }
    node.unsynced.clear();
    disk.keep_names();
    return SQLITE_OK;
  }
  static int size(sqlite3_file* file, sqlite3_int64* size) {
    *size = static_cast<sqlite3_int64>(of(file).file->present.size());
    return SQLITE_OK;
  }
  // One process, one connection: locks have nobody to keep out.
  static int lock(sqlite3_file* /*file*/, int /*level*/) { return SQLITE_OK; }
  static int reserved(sqlite3_file* /*file*/, int* result) {
    *result = 0;
    return SQLITE_OK;
  }
  static int control(sqlite3_file* /*file*/, int /*what*/, void* /*argument*/) { return SQLITE_NOTFOUND; }
  static int sector_size(sqlite3_file* /*file*/) { return static_cast<int>(kSectorBytes); }
  static int characteristics(sqlite3_file* /*file*/) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }
};

struct CrashVfs {
  sqlite3_vfs vfs{};
  sqlite3_io_methods methods{};

  static CrashDisk& disk(sqlite3_vfs* vfs) { return *static_cast<CrashDisk*>(vfs->pAppData); }

  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* flags_out) {
    CrashDisk& owner = disk(vfs);
    file->pMethods = nullptr;
    std::shared_ptr<CrashDisk::File> node;
    if (name == nullptr) {
      node = std::make_shared<CrashDisk::File>();
    } else if (const auto found = owner.files_.find(name); found != owner.files_.end()) {
      node = found->second;
    } else if ((flags & SQLITE_OPEN_CREATE) == 0 || owner.stopped()) {
      return SQLITE_CANTOPEN;
    } else {
      node = owner.files_[name] = std::make_shared<CrashDisk::File>();
      owner.names_changed_ = true;
    }
    auto* opened = new (file) CrashFile{{}, &owner, std::move(node)};
    opened->base.pMethods = &reinterpret_cast<CrashVfs*>(vfs)->methods;
    if (flags_out != nullptr) *flags_out = flags;
    return SQLITE_OK;
  }
  static int remove(sqlite3_vfs* vfs, const char* name, int sync_folder) {
    CrashDisk& owner = disk(vfs);
    if (owner.refuse()) return SQLITE_IOERR_DELETE;
    if (owner.files_.erase(name) == 0) return SQLITE_IOERR_DELETE_NOENT;
    owner.names_changed_ = true;
    if (sync_folder != 0) owner.keep_names();
    return SQLITE_OK;
  }
  static int access(sqlite3_vfs* vfs, const char* name, int /*how*/, int* result) {
    *result = disk(vfs).files_.contains(name) ? 1 : 0;
    return SQLITE_OK;
  }
  static int full_path(sqlite3_vfs* /*vfs*/, const char* name, int size, char* into) {
    sqlite3_snprintf(size, into, "%s", name);
    return SQLITE_OK;
  }
  // The same every time: a seed must replay.
  static int randomness(sqlite3_vfs* vfs, int size, char* into) {
    Dice dice(disk(vfs).operations_);
    for (int i = 0; i < size; ++i) into[i] = static_cast<char>(dice.next());
    return size;
  }
  static int sleep(sqlite3_vfs* /*vfs*/, int microseconds) { return microseconds; }
  static int time(sqlite3_vfs* /*vfs*/, double* julian_day) {
    *julian_day = 2'460'000;
    return SQLITE_OK;
  }
};

CrashDisk::CrashDisk() : vfs_(std::make_unique<CrashVfs>()) {
  static std::atomic<int> count{0};  // SQLite's list of names is one for the process
  name_ = "crash" + std::to_string(++count);
  sqlite3_vfs& vfs = vfs_->vfs;
  vfs.iVersion = 1;
  vfs.szOsFile = sizeof(CrashFile);
  vfs.mxPathname = 512;
  vfs.zName = name_.c_str();
  vfs.pAppData = this;
  vfs.xOpen = CrashVfs::open;
  vfs.xDelete = CrashVfs::remove;
  vfs.xAccess = CrashVfs::access;
  vfs.xFullPathname = CrashVfs::full_path;
  vfs.xRandomness = CrashVfs::randomness;
  vfs.xSleep = CrashVfs::sleep;
  vfs.xCurrentTime = CrashVfs::time;
  sqlite3_io_methods& methods = vfs_->methods;
  methods.iVersion = 1;
  methods.xClose = CrashFile::close;
  methods.xRead = CrashFile::read;
  methods.xWrite = CrashFile::write;
  methods.xTruncate = CrashFile::truncate;
  methods.xSync = CrashFile::sync;
  methods.xFileSize = CrashFile::size;
  methods.xLock = CrashFile::lock;
  methods.xUnlock = CrashFile::lock;
  methods.xCheckReservedLock = CrashFile::reserved;
  methods.xFileControl = CrashFile::control;
  methods.xSectorSize = CrashFile::sector_size;
  methods.xDeviceCharacteristics = CrashFile::characteristics;
  GOPMILL_CHECK(sqlite3_vfs_register(&vfs, 0) == SQLITE_OK);
}

CrashDisk::~CrashDisk() { sqlite3_vfs_unregister(&vfs_->vfs); }

bool CrashDisk::refuse() {
  if (stopped()) return true;
  ++operations_;
  return stopped();
}

void CrashDisk::keep_names() {
  if (names_changed_) lasting_names_ = files_;
  names_changed_ = false;
}

void CrashDisk::kill_process() { stop_at_ = 0; }

void CrashDisk::lose_power(Dice& dice) {
  stop_at_ = 0;
  // A name that came or went since the last sync of names may be found either way.
  std::map<std::string, std::shared_ptr<File>> found;
  for (const auto& names : {files_, lasting_names_}) {
    for (const auto& [name, file] : names) {
      const bool sure = files_.contains(name) && lasting_names_.contains(name) && files_[name] == lasting_names_[name];
      if (sure || dice.permille(500)) found[name] = file;
    }
  }
  for (auto& [name, file] : found) {
    for (const Change& change : file->unsynced) {
      if (change.truncation) {
        if (dice.permille(500)) file->lasting.resize(change.offset);
        continue;
      }
      for (std::size_t at = 0; at < change.bytes.size(); at += kSectorBytes) {
        const std::size_t sector = std::min(kSectorBytes, change.bytes.size() - at);
        const std::int64_t fate = dice.between(0, 9);  // 0 to 4: kept; 5 to 8: lost; 9: torn
        const std::size_t kept = fate < 5   ? sector
                                 : fate < 9 ? 0
                                            : static_cast<std::size_t>(dice.between(1, static_cast<std::int64_t>(sector)));
        if (kept > 0) put(file->lasting, change.offset + at, change.bytes.data() + at, kept);
      }
    }
    file->unsynced.clear();
    file->present = file->lasting;
  }
  files_ = std::move(found);
  names_changed_ = true;
  keep_names();
}

std::uint64_t CrashDisk::bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [name, file] : files_) sum += file->present.size();
  return sum;
}

}  // namespace gopmill::test
