#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "media/task/task.h"

struct AVFrame;

namespace gopmill::av {

// Says of a picture what was decided for the whole file, whatever its own flags say.
void set_fields(AVFrame& picture, bool combed, bool top_first);

// Puts pictures together from the fields of two, as the plan lists them: lines 0, 2, 4… of every plane from one, the others from
// the other. Where both are the same picture it goes through untouched. Not thread-safe.
class Weaver {
 public:
  // `index`: place in `woven`. The frame lives for the call.
  using OnPicture = std::function<Result<>(std::int64_t index, AVFrame& picture)>;
  // `woven` outlives the weaver; no entry needs a picture older than two before the newest that it needs.
  Weaver(const std::vector<WovenPicture>& woven, bool top_first);
  Weaver(Weaver&&) noexcept;
  ~Weaver();
  // `place` in VideoTask::sources; places rise. Gives every woven picture that is now whole, in order. A picture that never
  // came leaves those that need it out: the caller misses them.
  Result<> push(AVFrame& picture, std::uint32_t place, const OnPicture& on_picture);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gopmill::av
