#include "media/signal/field_stats.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace gopmill {

namespace {

// Columns that are looked at: combing is a matter of lines, so wide frames are measured in every second or third column.
constexpr int kColumnsMax = 960;
// Levels of 8 bits that coding noise makes two lines differ by: below this nothing combs.
constexpr int kNoise = 6;

std::uint32_t per_pixel(std::uint64_t sum, std::uint64_t pixels) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(sum * 256 / std::max<std::uint64_t>(pixels, 1), UINT32_MAX / 256));
}

// By how much `line` stands out from `above` and `below`, beyond what these two differ from each other.
std::uint64_t combing(const std::uint8_t* above, const std::uint8_t* line, const std::uint8_t* below, int width) {
  std::uint64_t sum = 0;
  for (int x = 0; x < width; ++x) {
    const int up = above[x] - line[x];
    const int down = below[x] - line[x];
    if ((up ^ down) < 0) continue;  // between the two: a slope, not a comb
    const int least = std::min(std::abs(up), std::abs(down));
    const int most = std::max(std::abs(up), std::abs(down));
    sum += static_cast<std::uint64_t>(std::max(0, 2 * least - most - kNoise));
  }
  return sum;
}

// Of the top lines of one frame woven with the bottom lines of another (or the same).
std::uint32_t weave_combing(const std::vector<std::uint8_t>& top, const std::vector<std::uint8_t>& bottom, int width,
                            int height) {
  std::uint64_t sum = 0;
  const auto line = [&](int y) { return (y % 2 == 0 ? top : bottom).data() + static_cast<std::ptrdiff_t>(y) * width; };
  for (int y = 1; y + 1 < height; ++y) sum += combing(line(y - 1), line(y), line(y + 1), width);
  return per_pixel(sum, static_cast<std::uint64_t>(std::max(height - 2, 0)) * static_cast<std::uint64_t>(width));
}

std::uint32_t moved(const std::vector<std::uint8_t>& now, const std::vector<std::uint8_t>& before, int width, int height,
                    int parity) {
  std::uint64_t sum = 0;
  std::uint64_t pixels = 0;
  for (int y = parity; y < height; y += 2) {
    const auto at = static_cast<std::ptrdiff_t>(y) * width;
    for (int x = 0; x < width; ++x) sum += static_cast<std::uint64_t>(std::abs(now[at + x] - before[at + x]));
    pixels += static_cast<std::uint64_t>(width);
  }
  return per_pixel(sum, pixels);
}

}  // namespace

FieldMeasures FieldMeter::see(const LumaPlane& plane) {
  std::swap(now_, before_);
  const int every = (plane.width + kColumnsMax - 1) / kColumnsMax;
  now_.width = plane.width / std::max(every, 1);
  now_.height = plane.height;
  now_.values.resize(static_cast<std::size_t>(now_.width) * static_cast<std::size_t>(now_.height));
  std::uint8_t* out = now_.values.data();
  for (int y = 0; y < now_.height; ++y) {
    const std::uint8_t* line = plane.data + y * plane.stride;
    for (int x = 0; x < now_.width; ++x) {
      const std::uint8_t* at = line + static_cast<std::ptrdiff_t>(x) * every * plane.step;
      *out++ = plane.wide ? static_cast<std::uint8_t>(*reinterpret_cast<const std::uint16_t*>(at) >> plane.shift) : *at;
    }
  }
  FieldMeasures measures = kUnmeasured;
  const int w = now_.width;
  const int h = now_.height;
  measures.own = weave_combing(now_.values, now_.values, w, h);
  if (before_.width != w || before_.height != h) return measures;
  measures.top_after = weave_combing(now_.values, before_.values, w, h);
  measures.bottom_after = weave_combing(before_.values, now_.values, w, h);
  measures.top_moved = moved(now_.values, before_.values, w, h, 0);
  measures.bottom_moved = moved(now_.values, before_.values, w, h, 1);
  return measures;
}

}  // namespace gopmill
