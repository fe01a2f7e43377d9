#include "media/task/frame_shape.h"

#include <algorithm>
#include <cstdint>

namespace gopmill {

namespace {

using Wide = __int128;

bool same_ratio(Rational a, Rational b) { return static_cast<Wide>(a.num) * b.den == static_cast<Wide>(b.num) * a.den; }

// `side` scaled by num / den to an even number within [2, most].
int even_side(Wide num, Wide den, int most) {
  const Wide halves = (num + den) / (2 * den);
  return static_cast<int>(std::clamp<Wide>(halves * 2, 2, std::max(most, 2)));
}

}  // namespace

FrameBox box_for(const FrameShape& planned, int width, int height, Rational own_aspect, int target_width, int target_height) {
  const FrameBox all{0, 0, target_width, target_height};
  const bool says = own_aspect.num > 0 && own_aspect.den > 0;
  const bool said = planned.coded_aspect.num > 0;
  const bool same_aspect = !says || (said && same_ratio(own_aspect, planned.coded_aspect));
  if (same_aspect && width == planned.width && height == planned.height) return all;
  // What the container says replaces the stream's word; a change of that word changes it alike.
  Wide aspect_num = planned.sample_aspect.num;
  Wide aspect_den = planned.sample_aspect.den;
  if (!same_aspect && said) {
    aspect_num *= static_cast<Wide>(own_aspect.num) * planned.coded_aspect.den;
    aspect_den *= static_cast<Wide>(own_aspect.den) * planned.coded_aspect.num;
  } else if (!same_aspect) {
    aspect_num = own_aspect.num;
    aspect_den = own_aspect.den;
  }
  // As doubles: three terms of 32 bits and a side do not fit, and a box is a matter of whole pixels.
  double across = width * (static_cast<double>(aspect_num) / static_cast<double>(aspect_den));
  double down = height;
  if (planned.quarter_turns % 2 != 0) std::swap(across, down);
  constexpr double kGrain = 1 << 20;
  const auto a = std::max<Wide>(1, static_cast<Wide>(across * kGrain));
  const auto d = std::max<Wide>(1, static_cast<Wide>(down * kGrain));
  FrameBox box = all;
  if (a * target_height > d * target_width) {
    box.height = even_side(d * target_width, a, target_height);
  } else {
    box.width = even_side(a * target_height, d, target_width);
  }
  if (target_width - box.width <= 2 && target_height - box.height <= 2) return all;
  box.x = (target_width - box.width) / 4 * 2;
  box.y = (target_height - box.height) / 4 * 2;
  return box;
}

}  // namespace gopmill
