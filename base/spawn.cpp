#include "base/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/file.h"

namespace gopmill {

namespace {

// Descriptors are first duplicated above this, so that placing one never overwrites another that is still to be placed.
constexpr int kParkingFd = 64;

Result<Fd> park(int fd) {
  Fd parked(::fcntl(fd, F_DUPFD_CLOEXEC, kParkingFd));
  if (!parked) return fail(FaultKind::kMachine, std::string("cannot duplicate a descriptor: ") + std::strerror(errno));
  return parked;
}

// What posix_spawn does to the new process besides starting it.
class SpawnActions {
 public:
  SpawnActions() {
    GOPMILL_CHECK(posix_spawn_file_actions_init(&files_) == 0);
    GOPMILL_CHECK(posix_spawnattr_init(&attributes_) == 0);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  ~SpawnActions() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }
  void open(const std::filesystem::path& path, int flags, int at) {
    GOPMILL_CHECK(posix_spawn_file_actions_addopen(&files_, at, path.c_str(), flags, 0600) == 0);
  }
  void place(int fd, int at) { GOPMILL_CHECK(posix_spawn_file_actions_adddup2(&files_, fd, at) == 0); }
  // The number of the error, or 0.
  int start(pid_t& pid, char** arguments, char** environment) const {
    return posix_spawn(&pid, "/proc/self/exe", &files_, &attributes_, arguments, environment);
  }

 private:
  posix_spawn_file_actions_t files_{};
  posix_spawnattr_t attributes_{};
};

}  // namespace

Result<pid_t> spawn_self(const Spawn& spawn) {
  SpawnActions actions;
  actions.open("/dev/null", O_RDONLY, STDIN_FILENO);
  for (const Spawn::Opened& file : spawn.opened) actions.open(file.path, file.flags, file.at);
  std::vector<Fd> parked;
  for (const Spawn::HandedDown& handed : spawn.handed_down) {
    GOPMILL_CHECK(handed.at > STDIN_FILENO && handed.at < kParkingFd);
    parked.push_back(TRY(park(handed.fd)));
    actions.place(parked.back().get(), handed.at);
  }
  std::vector<std::string> arguments = spawn.arguments;
  arguments.insert(arguments.begin(), "gopmill");
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  char* nothing[] = {nullptr};
  pid_t pid = -1;
  const int error = actions.start(pid, pointers.data(), spawn.keeps_environment ? environ : nothing);
  if (error != 0) return fail(FaultKind::kMachine, "cannot start " + spawn.what + ": " + std::strerror(error));
  return pid;
}

Result<> die_with_parent(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // It may have ended before the line above.
  if (::getppid() != parent) return fail(FaultKind::kMachine, "the process that started this one has ended");
  return {};
}

}  // namespace gopmill
