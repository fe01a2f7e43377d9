#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "media/task/bitmap.h"
#include "media/task/timeline.h"

namespace gopmill::test {

// The planes of a frame of one value, bitmaps burnt in by the tasks' own code. Samples row by row, without padding.
struct BurntPlane {
  int width = 0, height = 0;
  std::vector<std::uint16_t> samples;
  [[nodiscard]] std::uint16_t at(int x, int y) const {
    return samples[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)];
  }
};
struct GreyFrame {
  int width = 0, height = 0;
  std::string pixel_format = "yuv420p";
  std::uint16_t value = 0;  // of every sample
};
std::vector<BurntPlane> burnt(const GreyFrame& frame, const Bitmap& bitmap, Colour colour);

// A VobSub packet that shows a white box at this place for this long; lines of ClipText take it.
std::string vobsub_packet(int x, int y, int width, int height, int lasts_ms);

}  // namespace gopmill::test
