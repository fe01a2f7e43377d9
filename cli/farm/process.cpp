#include "cli/farm/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/spawn.h"

namespace gopmill {

Result<OwnProcess> OwnProcess::start(std::vector<std::string> arguments, const std::filesystem::path& log) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(FaultKind::kMachine, std::string("cannot make a pipe: ") + std::strerror(errno));
  OwnProcess process;
  process.output_ = Fd(ends[0]);
  const Fd write_end(ends[1]);
  arguments.emplace_back(kParentOption);
  arguments.push_back(std::to_string(::getpid()));
  process.pid_ = TRY(spawn_self({.what = "another gopmill process",
                                 .arguments = std::move(arguments),
                                 .keeps_environment = true,
                                 .handed_down = {{write_end.get(), STDOUT_FILENO}},
                                 .opened = {{log, O_WRONLY | O_CREAT | O_APPEND, STDERR_FILENO}}}));
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
