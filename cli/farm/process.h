#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace gopmill {

// The hidden option of `coordinator` and `worker` that takes the parent's process id: they die with it, and the coordinator
// writes a line to stdout once it listens.
inline constexpr const char* kParentOption = "--with-parent";

// A child that is this same program with other arguments, in a process group of its own, so that a terminal's Ctrl-C
// reaches the parent alone. Destruction kills it and waits for it.
class OwnProcess {
 public:
  // stdin is empty, stderr is appended to `log`; kParentOption is added to `arguments`. Faults are kMachine.
  static Result<OwnProcess> start(std::vector<std::string> arguments, const std::filesystem::path& log);
  OwnProcess(OwnProcess&& other) noexcept;
  OwnProcess& operator=(OwnProcess&& other) noexcept;
  ~OwnProcess();

  // The read end of its stdout: readable when it wrote something or ended.
  [[nodiscard]] int output_fd() const { return output_.get(); }
  // False once it has ended. Never blocks.
  bool running();
  // Of one that has ended: "exit code 73", "signal 9 (Killed)".
  [[nodiscard]] std::string ending() const;
  // Nothing happens where it has ended already.
  void signal(int number);
  void kill();

 private:
  OwnProcess() = default;
  pid_t pid_ = -1;
  std::optional<int> status_;
  Fd output_;
};

}  // namespace gopmill
