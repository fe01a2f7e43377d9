#include "media/task/task_check.h"

#include <algorithm>

namespace gopmill {

Result<> check_task(const VideoTask& task, std::size_t outputs) {
  if (task.renditions.empty() || task.renditions.size() != outputs)
    return fail(FaultKind::kInternal, "a task with the wrong number of outputs");
  const std::size_t shown = task.woven.empty() ? task.sources.size() : task.woven.size();
  for (const WovenFrame& woven : task.woven) {
    if (std::max(woven.top, woven.bottom) >= task.sources.size() ||
        std::max(woven.top, woven.bottom) > 1 + std::min(woven.top, woven.bottom))
      return fail(FaultKind::kInternal, "a task that weaves frames it does not have");
  }
  for (const RenditionTask& rendition : task.renditions) {
    const Encoder encoder = rendition.encoder.encoder;
    if (encoder < Encoder::kX264 || encoder > kEncoderLast)
      return fail(FaultKind::kInternal, "a task for an encoder that there is not");
    if (rendition.body == 0 || static_cast<std::uint64_t>(rendition.lead) + rendition.body > rendition.frames.size()) {
      return fail(FaultKind::kInternal, "a task without frames");
    }
    for (const OutputFrame& frame : rendition.frames) {
      if (frame.source >= shown) return fail(FaultKind::kInternal, "a task that shows a frame it does not have");
    }
  }
  return {};
}

}  // namespace gopmill
