#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "media/task/task.h"

struct AVFrame;

namespace gopmill::av {

// Says of a frame what was decided for the whole file, whatever its own flags say.
void set_fields(AVFrame& frame, bool combed, bool top_first);

// Puts frames together from the fields of two, as the plan lists them: lines 0, 2, 4… of every plane from one, the others from
// the other. Where both are the same frame it goes through untouched. Not thread-safe.
class Weaver {
 public:
  // `index`: place in `woven`. The frame lives for the call.
  using OnFrame = std::function<Result<>(std::int64_t index, AVFrame& frame)>;
  // `woven` outlives the weaver; no entry needs a frame older than two before the newest that it needs.
  Weaver(const std::vector<WovenFrame>& woven, bool top_first);
  Weaver(Weaver&&) noexcept;
  ~Weaver();
  // `place` in VideoTask::sources; places rise. Gives every woven frame that is now whole, in order. A frame that never
  // came leaves those that need it out: the caller misses them.
  Result<> push(AVFrame& frame, std::uint32_t place, const OnFrame& on_frame);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gopmill::av
