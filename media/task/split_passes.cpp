#include "media/task/split_passes.h"

#include <algorithm>

namespace gopmill {

std::vector<std::uint32_t> split_passes(const std::vector<PacketRun>& runs) {
  std::vector<std::uint32_t> ends;
  std::vector<PacketRun> open;
  for (std::uint32_t i = 0; i < runs.size(); ++i) {
    // Runs of different tracks cannot be compared and count as overlapping.
    std::erase_if(open, [&](const PacketRun& run) { return run.stream == runs[i].stream && run.end <= runs[i].first; });
    if (open.size() == kRunsOpenMax) {
      ends.push_back(i);
      open.clear();
    }
    open.push_back(runs[i]);
  }
  if (!runs.empty()) ends.push_back(static_cast<std::uint32_t>(runs.size()));
  return ends;
}

}  // namespace gopmill
