#include "media/encoder/key_runs.h"

#include "base/check.h"

namespace gopmill {

std::size_t gop_end(std::span<const OutputFrame> frames, std::size_t first) {
  std::size_t end = first + 1;
  while (end < frames.size() && !frames[end].key) ++end;
  return end;
}

KeyRun key_run(std::span<const OutputFrame> frames, std::size_t first) {
  GOPMILL_CHECK(first < frames.size());
  KeyRun run{gop_end(frames, first), 0};
  run.interval = static_cast<std::uint32_t>(run.end - first);
  while (run.interval > 1 && run.end < frames.size()) {
    const std::size_t end = gop_end(frames, run.end);
    const bool fits = end - run.end == run.interval || (end == frames.size() && end - run.end < run.interval);
    if (!fits) break;
    run.end = end;
  }
  return run;
}

}  // namespace gopmill
