#include "cli/farm/one_child.h"

#include <poll.h>

#include <utility>
#include <variant>

#include "base/time.h"

namespace gopmill {

namespace {

// A video of a day is read at the speed of a disk; a child that needs longer hangs.
constexpr ChildLimits kLimits{.wall_max = Duration{12 * 3600'000}};
// How often a child's own time limit is looked at.
constexpr int kLookEveryMs = 500;

}  // namespace

Result<std::string> do_in_child(ChildWork work, const std::string& request, int file) {
  MediaChild child = TRY(MediaChild::start(work, request, {file}, kLimits, monotonic_now()));
  while (true) {
    pollfd fd{child.event_fd(), POLLIN, 0};
    ::poll(&fd, 1, kLookEveryMs);
    for (ChildEvent& event : child.poll(monotonic_now())) {
      if (auto* ended = std::get_if<ChildEnded>(&event)) return std::move(ended->result);
    }
  }
}

}  // namespace gopmill
