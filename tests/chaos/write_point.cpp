// Loaded into the coordinator with LD_PRELOAD by write_points.py. It numbers what the process does to the files of the folder
// named in GOPMILL_WRITE_FOLDER (writes, syncs, truncations, new names, removals), and at the number in GOPMILL_WRITE_POINT kills the
// process: SIGKILL before the call, or after half of what it was to write, so that what is found is half written.
// What it was killed at is left in the file named in GOPMILL_WRITE_LOG.

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdlib>
#include <cstring>

namespace {

template <class Call>
Call real(const char* name) {
  return reinterpret_cast<Call>(::dlsym(RTLD_NEXT, name));
}

struct Settings {
  const char* folder = std::getenv("GOPMILL_WRITE_FOLDER");
  const char* log = std::getenv("GOPMILL_WRITE_LOG");
  long point = std::getenv("GOPMILL_WRITE_POINT") ? std::atol(std::getenv("GOPMILL_WRITE_POINT")) : 0;
};
const Settings& settings() {
  static const Settings read;
  return read;
}
std::atomic<long> calls{0};

bool ours(const char* path) {
  const char* folder = settings().folder;
  return folder && path && std::strncmp(path, folder, std::strlen(folder)) == 0;
}

// Empty for what is not a file in the folder: sockets, pipes, nameless files.
void path_of(int fd, char (&path)[PATH_MAX]) {
  char link[64];
  ::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = ::readlink(link, path, sizeof path - 1);
  path[size > 0 ? size : 0] = '\0';
}

[[noreturn]] void die(const char* call, const char* path) {
  const int fd = ::open(settings().log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd >= 0) ::dprintf(fd, "%s %s\n", call, path);
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

// True: this is the call not to survive.
bool counts(const char* path) { return ours(path) && ++calls == settings().point; }

void pass(const char* call, const char* path) {
  if (counts(path)) die(call, path);
}
void pass(const char* call, int fd) {
  char path[PATH_MAX];
  path_of(fd, path);
  pass(call, path);
}

}  // namespace

extern "C" {

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
  static const auto call = real<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
  char path[PATH_MAX];
  path_of(fd, path);
  if (counts(path)) {
    if (settings().point % 2 == 0) (void)call(fd, bytes, size / 2, offset);
    die("pwrite", path);
  }
  return call(fd, bytes, size, offset);
}
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) { return pwrite64(fd, bytes, size, offset); }

ssize_t write(int fd, const void* bytes, size_t size) {
  static const auto call = real<ssize_t (*)(int, const void*, size_t)>("write");
  pass("write", fd);
  return call(fd, bytes, size);
}

int fsync(int fd) {
  static const auto call = real<int (*)(int)>("fsync");
  pass("fsync", fd);
  return call(fd);
}

int fdatasync(int fd) {
  static const auto call = real<int (*)(int)>("fdatasync");
  pass("fdatasync", fd);
  return call(fd);
}

int ftruncate64(int fd, off64_t size) noexcept {
  static const auto call = real<int (*)(int, off64_t)>("ftruncate64");
  pass("ftruncate", fd);
  return call(fd, size);
}
int ftruncate(int fd, off_t size) noexcept { return ftruncate64(fd, size); }

int rename(const char* from, const char* to) noexcept {
  static const auto call = real<int (*)(const char*, const char*)>("rename");
  pass("rename", to);
  return call(from, to);
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  static const auto call = real<int (*)(int, const char*, int, const char*, unsigned)>("renameat2");
  pass("rename", to);
  return call(from_folder, from, to_folder, to, flags);
}

int mkdir(const char* path, mode_t mode) noexcept {
  static const auto call = real<int (*)(const char*, mode_t)>("mkdir");
  pass("mkdir", path);
  return call(path, mode);
}

// Removing what is not there does nothing, and is no point.
int unlink(const char* path) noexcept {
  static const auto call = real<int (*)(const char*)>("unlink");
  if (::access(path, F_OK) == 0) pass("unlink", path);
  return call(path);
}

int unlinkat(int folder, const char* path, int flags) noexcept {
  static const auto call = real<int (*)(int, const char*, int)>("unlinkat");
  char whole[PATH_MAX];
  path_of(folder, whole);
  pass("unlink", folder == AT_FDCWD ? path : whole);
  return call(folder, path, flags);
}

int remove(const char* path) noexcept {
  static const auto call = real<int (*)(const char*)>("remove");
  if (::access(path, F_OK) == 0) pass("unlink", path);
  return call(path);
}

}  // extern "C"
