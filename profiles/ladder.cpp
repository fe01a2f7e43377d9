#include "profiles/ladder.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace gopmill {
namespace {

// Far above any frame; keeps every product here within 64 bits.
constexpr std::int64_t kSideMax = std::int64_t{1} << 30;

// a * b / c, to the nearest, halves up; b and c below 2^31 after the caller's bounds.
std::int64_t scaled(std::int64_t a, std::int64_t b, std::int64_t c) {
  const __int128 product = static_cast<__int128>(a) * b;
  return static_cast<std::int64_t>(std::min<__int128>((2 * product + c) / (2 * static_cast<__int128>(c)), kSideMax));
}

int even_below(std::int64_t side) { return static_cast<int>(std::max<std::int64_t>(side / 2 * 2, kFrameSideMin)); }

// `long_side` x `short_side`, the shape every size of one source is derived from.
struct Shape {
  std::int64_t long_side = 1;
  std::int64_t short_side = 1;
};

// The frame with `lines` on its shorter side (at most the shape's own), within the largest frame. Both sides go to the
// nearest even number, halves up, but never above the shape's.
Shape fit(const Shape& shape, std::int64_t lines) {
  lines = std::min({lines, shape.short_side, std::int64_t{kFrameShortMax}});
  // Bounded by the long side, where the shape is longer than the largest frame is.
  if (scaled(shape.long_side, lines, shape.short_side) > kFrameLongMax) {
    lines = std::max<std::int64_t>(scaled(shape.short_side, kFrameLongMax, shape.long_side), 1);
  }
  const auto even = [](std::int64_t num, std::int64_t by, std::int64_t den, std::int64_t max) {
    // To the nearest even number is twice the nearest whole number of half the size.
    const std::int64_t side = 2 * scaled(num, by, 2 * den);
    return std::int64_t{even_below(std::min(side, max))};
  };
  const std::int64_t long_max = std::min<std::int64_t>(shape.long_side, kFrameLongMax);
  return {even(shape.long_side, lines, shape.short_side, long_max),
          even(lines, 1, 1, std::min<std::int64_t>(shape.short_side, kFrameShortMax))};
}

std::string lines_text(std::int64_t lines) { return std::to_string(lines) + (lines == 1 ? " line" : " lines"); }

std::string size_text(const FrameSize& size) { return std::to_string(size.width) + "x" + std::to_string(size.height); }

// "29.97": for people.
std::string rate_text(Rational rate) {
  std::string text = std::to_string(scaled(rate.num, 100, rate.den));
  text.insert(0, text.size() < 3 ? 3 - text.size() : 0, '0');
  text.insert(text.size() - 2, ".");
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

bool differs_in_name_only(const Rung& a, const Rung& b) {
  Rung renamed = a;
  renamed.profile.name = b.profile.name;
  // The height asked for has become a size; "source" and 1080 are the same thing for a source of 1080 lines.
  renamed.profile.height = b.profile.height;
  return renamed == b;
}

Rung size_rung(const RenditionProfile& profile, const Shape& shape, bool upright, std::int64_t lines) {
  const Shape size = fit(shape, lines);
  Rung rung{.profile = profile, .width = static_cast<int>(size.long_side), .height = static_cast<int>(size.short_side)};
  if (upright) std::swap(rung.width, rung.height);
  return rung;
}

// `lines` is what the rung would have if there were no largest frame.
void note_bounds(const Rung& rung, const StoredFrame& source, std::int64_t lines, std::vector<std::string>& notes) {
  if (std::min(rung.width, rung.height) < even_below(lines)) {
    notes.push_back(rung.profile.name + " made " + size_text({rung.width, rung.height}) +
                    ": its full size is above the largest frame, " + size_text({kFrameLongMax, kFrameShortMax}));
  }
  if (rung.profile.fps_max && source.fps && *source.fps > *rung.profile.fps_max) {
    notes.push_back(rung.profile.name + " has at most " + rate_text(*rung.profile.fps_max) +
                    " frames per second: the source has " + rate_text(*source.fps));
  }
}

}  // namespace

FrameSize display_size(const StoredFrame& source) {
  // Containers hold 32 bits per part of an aspect; anything larger or not positive is noise.
  constexpr std::int64_t kAspectPartMax = INT32_MAX;
  const Rational aspect = source.sample_aspect;
  const bool known = aspect.num > 0 && aspect.den > 0 && aspect.num <= kAspectPartMax && aspect.den <= kAspectPartMax;
  const std::int64_t stored = std::clamp<std::int64_t>(source.width, 1, kSideMax);
  const auto lines = static_cast<int>(std::clamp<std::int64_t>(source.height, 1, kSideMax));
  const auto width = static_cast<int>(known ? std::max<std::int64_t>(scaled(stored, aspect.num, aspect.den), 1) : stored);
  const bool turned = source.quarter_turns % 2 != 0;
  return turned ? FrameSize{lines, width} : FrameSize{width, lines};
}

Ladder fit_ladder(const Profile& profile, const StoredFrame& source) {
  Ladder ladder;
  if (profile.renditions.empty()) return ladder;
  const FrameSize shown = display_size(source);
  const bool upright = shown.height > shown.width;
  const Shape shape{std::max(shown.width, shown.height), std::min(shown.width, shown.height)};
  const auto lines_of = [&](const RenditionProfile& rendition) {
    return std::int64_t{rendition.height.value_or(static_cast<int>(shape.short_side))};
  };

  std::int64_t least = kSideMax;
  for (const RenditionProfile& rendition : profile.renditions) least = std::min(least, lines_of(rendition));
  // Rungs of several codecs may share the smallest size; dropping a codec would be worse than keeping one rung too many.
  const bool all_above = least > shape.short_side;
  for (const RenditionProfile& rendition : profile.renditions) {
    const bool above = lines_of(rendition) > shape.short_side;
    if (above && !(all_above && lines_of(rendition) == least)) {
      ladder.notes.push_back(rendition.name + " dropped: the source has " + lines_text(shape.short_side));
      continue;
    }
    Rung rung = size_rung(rendition, shape, upright, lines_of(rendition));
    const auto same = std::ranges::find_if(ladder.rungs, [&](const Rung& other) { return differs_in_name_only(rung, other); });
    if (same != ladder.rungs.end()) {
      ladder.notes.push_back(rendition.name + " dropped: it would be the same as " + same->profile.name);
      continue;
    }
    if (above) {
      ladder.notes.push_back(rendition.name + " kept at the source's size, " + size_text({rung.width, rung.height}) +
                             ": the source has " + lines_text(shape.short_side) + ", fewer than any rendition");
    }
    note_bounds(rung, source, std::min(lines_of(rendition), shape.short_side), ladder.notes);
    ladder.rungs.push_back(std::move(rung));
  }
  return ladder;
}

}  // namespace gopmill
