#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

// How well the fields of neighbouring frames fit together, measured in integers on luma planes, so that every machine finds the
// same. PURE. A pixel combs where both of its neighbours above and below, which belong to the other field, agree with each
// other and not with it; what a film shows at rest does not comb, whatever its detail.

namespace gopmill {

// A luma plane as a decoder gives it. The bytes live as long as the view.
struct LumaPlane {
  const std::uint8_t* data = nullptr;
  std::ptrdiff_t stride = 0;  // bytes from line to line
  int width = 0, height = 0;  // pixels
  int step = 1;               // bytes from pixel to pixel
  bool wide = false;          // two bytes per sample, host order
  int shift = 0;              // bits to drop to reach 8
};

// One frame and the one shown before it. Sums over all pixels, in 1/256 of a level of 8 bits per pixel. Top lines are 0, 2, 4…
struct FieldMeasures {
  std::uint32_t own = 0;           // combing of the frame as it is
  std::uint32_t top_after = 0;     // of its top lines woven with the bottom lines before: neighbours in time if top comes first
  std::uint32_t bottom_after = 0;  // of its bottom lines woven with the top lines before: neighbours if bottom comes first
  std::uint32_t top_moved = 0;     // mean difference of its top lines from the top lines before
  std::uint32_t bottom_moved = 0;
  friend bool operator==(const FieldMeasures&, const FieldMeasures&) = default;
};

// A frame that could not be measured: at home in its own fields, a stranger to those before.
inline constexpr FieldMeasures kUnmeasured{0, UINT32_MAX / 256, UINT32_MAX / 256, UINT32_MAX / 256, UINT32_MAX / 256};

// Sees the frames of one run in the order they are shown.
class FieldMeter {
 public:
  // kUnmeasured's strangers for the first frame, and after a change of size.
  FieldMeasures see(const LumaPlane& plane);

 private:
  struct Luma {
    std::vector<std::uint8_t> values;
    int width = 0, height = 0;
  };
  Luma now_, before_;
};

}  // namespace gopmill
