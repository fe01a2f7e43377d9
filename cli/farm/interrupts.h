#pragma once

#include <csignal>
#include <thread>

#include "base/file.h"
#include "base/time.h"

namespace gopmill {

// SIGINT, SIGTERM and SIGHUP as bytes on a pipe, one each, from construction to destruction. Made by a command's first
// thread before any other thread, so that every thread inherits the blocked mask; media children and farm processes get
// a clean one. A signal that was ignored when the process started stays ignored: that is how a shell keeps Ctrl-C from
// its background jobs, and nohup keeps a farm alive.
class Interrupts {
 public:
  Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
  ~Interrupts();

  // Readable while there is a signal nobody took; one byte per signal.
  [[nodiscard]] int fd() const { return read_end_.get(); }
  // Takes one. False if there is none; never blocks.
  bool take();
  // Waits for a signal, without taking it. False if none came in time.
  bool wait(Duration time_max) const;

 private:
  void forward();
  sigset_t before_{};
  Fd signals_;
  Fd read_end_, write_end_;
  Fd quit_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace gopmill
