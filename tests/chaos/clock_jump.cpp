// Loaded into coordinator and workers with LD_PRELOAD by the chaos run: the wall clock jumps by as many seconds as the file
// named in GOPMILL_CLOCK_JUMP says, at once and as often as the harness writes another number there. Clocks that cannot jump
// (monotonic) are left alone.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

// The first eight bytes of the file, shared with the harness; none where there is no file.
const std::atomic<std::int64_t>* jump() {
  static const std::atomic<std::int64_t>* const seconds = [] {
    const char* path = std::getenv("GOPMILL_CLOCK_JUMP");
    const int fd = path ? ::open(path, O_RDONLY | O_CLOEXEC) : -1;
    void* page = fd < 0 ? MAP_FAILED : ::mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, fd, 0);
    if (fd >= 0) ::close(fd);
    return page == MAP_FAILED ? nullptr : static_cast<const std::atomic<std::int64_t>*>(page);
  }();
  return seconds;
}

std::int64_t jump_seconds() { return jump() ? jump()->load(std::memory_order_relaxed) : 0; }

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
  static const auto real = reinterpret_cast<int (*)(clockid_t, timespec*)>(::dlsym(RTLD_NEXT, "clock_gettime"));
  const int result = real(clock, now);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += jump_seconds();
  return result;
}

extern "C" int gettimeofday(timeval* now, void* zone) noexcept {
  static const auto real = reinterpret_cast<int (*)(timeval*, void*)>(::dlsym(RTLD_NEXT, "gettimeofday"));
  const int result = real(now, zone);
  if (result == 0) now->tv_sec += jump_seconds();
  return result;
}

extern "C" time_t time(time_t* into) noexcept {
  static const auto real = reinterpret_cast<time_t (*)(time_t*)>(::dlsym(RTLD_NEXT, "time"));
  const time_t now = real(nullptr) + jump_seconds();
  if (into) *into = now;
  return now;
}
