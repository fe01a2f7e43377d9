#include "cli/farm/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace gopmill {

namespace {

// What posix_spawn does to the child besides starting it.
class SpawnPlan {
 public:
  SpawnPlan() { GOPMILL_CHECK(posix_spawn_file_actions_init(&actions_) == 0 && posix_spawnattr_init(&attributes_) == 0); }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  Result<pid_t> spawn(const std::filesystem::path& log, int output, std::vector<std::string>& arguments) {
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_t pid = -1;
    const int error = posix_spawn(&pid, "/proc/self/exe", &actions_, &attributes_, argv.data(), environ);
    if (error != 0)
      return fail(FaultKind::kMachine, std::string("cannot start another gopmill process: ") + std::strerror(error));
    return pid;
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

}  // namespace

Result<> die_with_parent(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // It may have ended before the line above.
  if (::getppid() != parent) return fail(FaultKind::kMachine, "the process that started this one has ended");
  return {};
}

Result<OwnProcess> OwnProcess::start(std::vector<std::string> arguments, const std::filesystem::path& log) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(FaultKind::kMachine, std::string("cannot make a pipe: ") + std::strerror(errno));
  OwnProcess process;
  process.output_ = Fd(ends[0]);
  const Fd write_end(ends[1]);
  arguments.insert(arguments.begin(), "gopmill");
  arguments.emplace_back(kParentOption);
  arguments.push_back(std::to_string(::getpid()));
  SpawnPlan plan;
  process.pid_ = TRY(plan.spawn(log, write_end.get(), arguments));
  return process;
}

OwnProcess::OwnProcess(OwnProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      status_(std::exchange(other.status_, std::nullopt)),
      output_(std::move(other.output_)) {}

OwnProcess& OwnProcess::operator=(OwnProcess&& other) noexcept {
  if (this != &other) {
    kill();
    pid_ = std::exchange(other.pid_, -1);
    status_ = std::exchange(other.status_, std::nullopt);
    output_ = std::move(other.output_);
  }
  return *this;
}

OwnProcess::~OwnProcess() { kill(); }

bool OwnProcess::running() {
  if (pid_ < 0 || status_) return false;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return true;
  status_ = status;
  return false;
}

std::string OwnProcess::ending() const {
  if (!status_) return "no ending";
  if (WIFSIGNALED(*status_)) return "signal " + std::to_string(WTERMSIG(*status_)) + " (" + sigdescr_np(WTERMSIG(*status_)) + ")";
  return "exit code " + std::to_string(WEXITSTATUS(*status_));
}

void OwnProcess::signal(int number) {
  // Not waited for yet, so the id is still its own.
  if (running()) ::kill(pid_, number);
}

void OwnProcess::kill() {
  if (pid_ < 0 || status_) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {}
  status_ = status;
}

}  // namespace gopmill
