#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace gopmill {

namespace {

std::string why(int error) { return std::strerror(error); }

FaultKind kind_of_create_error(int error) {
  return error == ENOSPC || error == EDQUOT || error == EIO || error == EMFILE || error == ENFILE ? FaultKind::kMachine
                                                                                                  : FaultKind::kCannotCreate;
}

// O_TMPFILE is refused by some file systems (overlayfs of old kernels, NFS): there a named file is unlinked at once.
Result<Fd> unlinked_file(const std::string& folder) {
  std::string name = folder + "/.gopmill-XXXXXX";
  Fd fd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd) return fail(kind_of_create_error(errno), "cannot create a temporary file in " + folder + ": " + why(errno));
  ::unlink(name.c_str());
  return fd;
}

}  // namespace

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<Fd> open_source(const std::filesystem::path& path) {
  // O_NONBLOCK so that a FIFO without a writer is refused below instead of waited for.
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return fail(FaultKind::kNoInput, "cannot open " + path.string() + ": " + why(errno));
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return fail(FaultKind::kNoInput, "cannot read " + path.string() + ": " + why(errno));
  if (S_ISDIR(info.st_mode)) return fail(FaultKind::kNoInput, path.string() + " is a folder, not a file");
  if (!S_ISREG(info.st_mode)) return fail(FaultKind::kNoInput, path.string() + " is not a regular file");
  return fd;
}

Result<Fd> temporary_file(const std::filesystem::path& folder) {
  std::string where = folder.string();
  if (where.empty()) {
    const char* from_environment = std::getenv("TMPDIR");
    where = from_environment && *from_environment ? from_environment : "/var/tmp";
  }
  Fd fd(::open(where.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (fd) return fd;
  return unlinked_file(where);
}

Result<Fd> memory_file(std::span<const std::byte> bytes) {
  Fd fd(::memfd_create("gopmill", MFD_CLOEXEC));
  if (!fd) return fail(FaultKind::kMachine, "cannot create a memory file: " + why(errno));
  TRY(write_at(fd.get(), 0, bytes));
  return fd;
}

Result<> write_at(int fd, std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return fail(FaultKind::kMachine, "cannot write: " + why(errno));
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
    offset += static_cast<std::uint64_t>(wrote);
  }
  return {};
}

Result<std::size_t> read_at(int fd, std::uint64_t offset, std::span<std::byte> into) {
  std::size_t filled = 0;
  while (filled < into.size()) {
    const ssize_t got = ::pread(fd, into.data() + filled, into.size() - filled, static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(FaultKind::kMachine, "cannot read: " + why(errno));
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

Result<std::uint64_t> file_size(int fd) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return fail(FaultKind::kMachine, "cannot stat: " + why(errno));
  return static_cast<std::uint64_t>(info.st_size);
}

Result<> truncate_file(int fd) {
  if (::ftruncate(fd, 0) != 0) return fail(FaultKind::kMachine, "cannot empty a file: " + why(errno));
  return {};
}

Result<> sync_path(const std::filesystem::path& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return fail(FaultKind::kMachine, "cannot sync " + path.string() + ": " + why(errno));
  return {};
}

Result<std::string> read_all(int fd, std::uint64_t bytes_max) {
  const std::uint64_t size = TRY(file_size(fd));
  if (size > bytes_max) {
    return fail(FaultKind::kInput, std::to_string(size) + " bytes, more than the " + std::to_string(bytes_max) + " allowed");
  }
  std::string text(size, '\0');
  text.resize(TRY(read_at(fd, 0, std::as_writable_bytes(std::span(text)))));
  return text;
}

Result<std::string> read_file(const std::filesystem::path& path, std::uint64_t bytes_max) {
  const Fd fd = TRY(open_source(path));
  auto text = read_all(fd.get(), bytes_max);
  if (!text) return std::unexpected(std::move(text.error()).within(path.string()));
  return text;
}

Result<AtomicFile> AtomicFile::create(const std::filesystem::path& path, bool replace) {
  if (!replace && ::faccessat(AT_FDCWD, path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
    return fail(FaultKind::kCannotCreate, path.string() + " exists already");
  }
  const auto part = path.parent_path() / ("." + path.filename().string() + ".part");
  Fd fd(::open(part.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd) return fail(kind_of_create_error(errno), "cannot create " + path.string() + ": " + why(errno));
  return AtomicFile(std::move(fd), part, path, replace);
}

AtomicFile::AtomicFile(Fd fd, std::filesystem::path part, std::filesystem::path path, bool replace)
    : fd_(std::move(fd)), part_(std::move(part)), path_(std::move(path)), replace_(replace) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : fd_(std::move(other.fd_)),
      part_(std::exchange(other.part_, {})),
      path_(std::exchange(other.path_, {})),
      replace_(other.replace_) {}

AtomicFile::~AtomicFile() {
  if (!part_.empty()) ::unlink(part_.c_str());
}

Result<> AtomicFile::finish() {
  if (::fsync(fd_.get()) != 0) return fail(FaultKind::kMachine, "cannot sync " + path_.string() + ": " + why(errno));
  const unsigned flags = replace_ ? 0U : static_cast<unsigned>(RENAME_NOREPLACE);
  int renamed = ::renameat2(AT_FDCWD, part_.c_str(), AT_FDCWD, path_.c_str(), flags);
  // Some file systems know no flags; there the check at create() has to do.
  if (renamed != 0 && errno == EINVAL) renamed = ::rename(part_.c_str(), path_.c_str());
  if (renamed != 0) return fail(kind_of_create_error(errno), "cannot name " + path_.string() + ": " + why(errno));
  part_.clear();
  return sync_path(path_.parent_path().empty() ? "." : path_.parent_path());
}

}  // namespace gopmill
