#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "media/task/frame_shape.h"
#include "media/task/timeline.h"
#include "profiles/profile.h"

struct AVFrame;

namespace gopmill::av {

struct FrameTarget {
  int width = 0, height = 0;
  PixelFormat format = PixelFormat::kYuv420p;
  std::optional<ColourChange> recolour;  // none: as the source, but of limited range
};

// Turns source frames into what each rendition encodes: deinterlaced where asked, upright, square pixels, limited
// range, right size and format; the source's colours are kept, or changed where a target says so (media/signal/tone_map.h). Rebuilt by itself
// when the source changes size, aspect or format on
// the way, so its outputs never change shape. Bit-exact scaling paths. Not thread-safe.
class FrameFilter {
 public:
  struct Settings {
    Orientation orientation;
    FrameShape shape;  // frames of another shape get bars (media/task/frame_shape.h)
    Colour colour;
    bool deinterlace =
        false;  // bwdif on frames that set_fields() calls combed, one out for each in; looks one back and one ahead
    std::vector<FrameTarget> targets;
  };
  // `index` is the one given to push; `target` the place in Settings::targets. The frame lives for the call and may be altered.
  using OnFrame = std::function<Result<>(std::size_t target, std::int64_t index, AVFrame& frame)>;

  explicit FrameFilter(Settings settings);
  FrameFilter(FrameFilter&&) noexcept;
  ~FrameFilter();
  // Indexes rise. The frame is referenced, not copied.
  Result<> push(AVFrame& frame, std::int64_t index, const OnFrame& on_frame);
  Result<> finish(const OnFrame& on_frame);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gopmill::av
