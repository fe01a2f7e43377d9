#include "cli/farm/interrupts.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/time.h"

namespace gopmill {

namespace {

bool is_ignored(int signal) {
  struct sigaction action{};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

Interrupts::Interrupts() {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    if (!is_ignored(signal)) sigaddset(&wanted, signal);
  }
  GOPMILL_CHECK(::pthread_sigmask(SIG_BLOCK, &wanted, &before_) == 0);
  signals_ = Fd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  int ends[2] = {-1, -1};
  GOPMILL_CHECK(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
  read_end_ = Fd(ends[0]);
  write_end_ = Fd(ends[1]);
  quit_ = Fd(::eventfd(0, EFD_CLOEXEC));
  GOPMILL_CHECK(signals_ && quit_);
  // A pipe and a thread rather than the signalfd itself: loops that know nothing of signals can read single bytes.
  thread_ = std::thread([this] { forward(); });
}

Interrupts::~Interrupts() {
  const std::uint64_t one = 1;
  GOPMILL_CHECK(::write(quit_.get(), &one, sizeof one) == sizeof one);
  thread_.join();
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void Interrupts::forward() {
  pollfd fds[] = {{signals_.get(), POLLIN, 0}, {quit_.get(), POLLIN, 0}};
  while (true) {
    if (::poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents != 0) return;
    signalfd_siginfo info;
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
      // A full pipe means 65,536 signals that nobody took: one more says nothing new.
      [[maybe_unused]] const ssize_t wrote = ::write(write_end_.get(), "!", 1);
    }
  }
}

bool Interrupts::take() {
  char byte = 0;
  return ::read(read_end_.get(), &byte, 1) == 1;
}

bool Interrupts::wait(Duration time_max) const {
  pollfd fd{read_end_.get(), POLLIN, 0};
  return ::poll(&fd, 1, static_cast<int>(time_max.count())) == 1;
}

}  // namespace gopmill
