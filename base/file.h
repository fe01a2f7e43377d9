#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

#include "base/result.h"

namespace gopmill {

// An owned descriptor. Closes on destruction; moves, never copies.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Fd() { reset(); }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }
  void reset();

 private:
  int fd_ = -1;
};

// Opens for reading; close-on-exec. kNoInput if it is not there, not readable or not a regular file.
Result<Fd> open_source(const std::filesystem::path& path);

// A nameless file in `folder` (O_TMPFILE, with an unlinked file where the file system lacks it): gone with its last
// descriptor, whatever is killed. `folder` defaults to $TMPDIR, then /var/tmp.
Result<Fd> temporary_file(const std::filesystem::path& folder = {});

// An in-memory file (memfd) holding `bytes`, positioned at 0: how typed requests reach media children.
Result<Fd> memory_file(std::span<const std::byte> bytes);

// Whole-buffer reads and writes at an offset; EINTR is retried. A short file is kInput, a full disk kMachine.
Result<> write_at(int fd, std::uint64_t offset, std::span<const std::byte> bytes);
Result<std::size_t> read_at(int fd, std::uint64_t offset, std::span<std::byte> into);  // 0 at end of file
Result<std::uint64_t> file_size(int fd);
Result<> truncate_file(int fd);  // to nothing
// What is in the file, or which names are in the folder, survives a power cut from now on. kMachine.
Result<> sync_path(const std::filesystem::path& path);

// The whole file, refused above `bytes_max`.
Result<std::string> read_all(int fd, std::uint64_t bytes_max);
Result<std::string> read_file(const std::filesystem::path& path, std::uint64_t bytes_max);

// A file that appears under its final name whole or not at all: written beside it as ".NAME.part", synced, renamed.
// Not finished = removed by the destructor.
class AtomicFile {
 public:
  // kCannotCreate with the reason. An existing `path` is refused unless `replace`.
  static Result<AtomicFile> create(const std::filesystem::path& path, bool replace);
  AtomicFile(AtomicFile&&) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();
  [[nodiscard]] int fd() const { return fd_.get(); }
  // fsync, rename, fsync of the folder.
  Result<> finish();

 private:
  AtomicFile(Fd fd, std::filesystem::path part, std::filesystem::path path, bool replace);
  Fd fd_;
  std::filesystem::path part_;
  std::filesystem::path path_;
  bool replace_ = false;
};

}  // namespace gopmill
