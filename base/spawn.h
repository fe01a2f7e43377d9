#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace gopmill {

// How another process of this same program starts. Whatever it is: no signal is blocked or ignored in it, its standard input is
// empty, and it is in a process group of its own, because a terminal's Ctrl-C is for its parent to interpret.
struct Spawn {
  struct HandedDown {
    int fd = -1;  // of this process, which keeps it
    int at = -1;  // its number in the new one
  };
  // Opened by the new process, and made with mode 0600 where `flags` say so.
  struct Opened {
    std::filesystem::path path;
    int flags = 0;
    int at = -1;
  };
  std::string what;                    // "a media child": for the fault's text
  std::vector<std::string> arguments;  // after the program's name
  bool keeps_environment = false;      // has this process's environment, else an empty one
  std::vector<HandedDown> handed_down;
  std::vector<Opened> opened;
};

// Returns its process id; whoever calls has to wait for it. Descriptors that are named nowhere and not close-on-exec, stderr among
// them, are its own as well. kMachine.
Result<pid_t> spawn_self(const Spawn& spawn);

// Ties this process to its parent: SIGKILL when that one ends. kMachine if it has ended already.
Result<> die_with_parent(pid_t parent);

}  // namespace gopmill
