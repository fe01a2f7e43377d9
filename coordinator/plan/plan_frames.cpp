#include "coordinator/plan/plan_frames.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <numeric>

#include "base/check.h"

namespace gopmill {
namespace {

using Wide = __int128;  // products of a day of ticks with the terms of a base and of a rate

// Whether the source has one rate: every distance of two frames is within a tick or 2 % of the median. 2 % is far
// above the rounding of 90 kHz stamps and far below a dropped frame. Millisecond stamps at high rates (Matroska) fail
// this and are thinned as variable rate, with the same frames kept.
bool is_steady(const std::vector<SourceFrame>& frames) {
  if (frames.size() < 3) return true;
  std::vector<std::int64_t> distances(frames.size() - 1);
  for (std::size_t i = 0; i + 1 < frames.size(); ++i) distances[i] = frames[i + 1].pts - frames[i].pts;
  const auto middle = distances.begin() + static_cast<std::ptrdiff_t>(distances.size() / 2);
  std::nth_element(distances.begin(), middle, distances.end());
  const std::int64_t median = *middle;
  const std::int64_t slack = std::max<std::int64_t>(1, median / 50);
  return std::ranges::all_of(distances, [&](std::int64_t distance) { return std::abs(distance - median) <= slack; });
}

// A rate up to 1 % above fps_max is taken for fps_max: cameras run off their nominal rate by less, and halving the rate
// of a video at 60.02 frames/s for a limit of 60 would serve nobody.
constexpr int kRateSlackPercent = 1;

// Constant rate: every k-th frame, with the smallest k whose rate is within the limit.
std::uint64_t keep_every(const VideoTrack& track, Rational fps_max) {
  const std::int64_t span = track.frames.back().pts;
  if (span == 0) return 1;
  const Wide rate = static_cast<Wide>(track.frames.size() - 1) * track.base.den * fps_max.den * 100;
  const Wide limit = static_cast<Wide>(span) * track.base.num * fps_max.num * (100 + kRateSlackPercent);
  return static_cast<std::uint64_t>(std::max<Wide>(1, (rate + limit - 1) / limit));
}

// Variable rate: a leaky bucket over the whole list. A frame is kept when it is due, or early by no more than a tenth
// of a period (or a millisecond, the grain of Matroska's stamps); each kept one makes the next due a period later,
// counted from when it was due itself if it came early. So jitter costs no frame, and yet the mean stays within the
// limit, which a rule that looks only at the distance from the last kept frame cannot have both.
std::vector<std::uint32_t> keep_when_due(const VideoTrack& track, Rational fps_max) {
  // Everything is counted in 1 / (1010 x fps_max.num x base.num) of a tick, where every term is whole.
  const Wide tick = static_cast<Wide>(10 * (100 + kRateSlackPercent)) * fps_max.num * track.base.num;
  const Wide period = static_cast<Wide>(1000) * fps_max.den * track.base.den;
  const Wide millisecond = static_cast<Wide>(10 * (100 + kRateSlackPercent)) * fps_max.num * track.base.den / 1000;
  const Wide early = std::max(period / 10, millisecond);
  std::vector<std::uint32_t> kept;
  Wide due = 0;
  for (std::uint32_t i = 0; i < track.frames.size(); ++i) {
    const Wide now = tick * track.frames[i].pts;
    if (now + early < due) continue;
    kept.push_back(i);
    due = std::max(now, due) + period;
  }
  return kept;
}

// Whether any one second shows more frames than the limit lets a device decode in it. Screen recorders write two frames
// a few milliseconds apart and then none for long: such a burst asks nothing of a decoder, and no frame is lost for it.
bool is_ever_faster(const VideoTrack& track, Rational fps_max) {
  const std::int64_t second = track.base.den / track.base.num;
  const auto in_a_second =
      static_cast<std::size_t>((fps_max.num * (100 + kRateSlackPercent) + fps_max.den * 100 - 1) / (fps_max.den * 100));
  for (std::size_t i = in_a_second; i < track.frames.size(); ++i) {
    if (track.frames[i].pts - track.frames[i - in_a_second].pts < second) return true;
  }
  return false;
}

std::vector<std::uint32_t> shown_frames(const VideoTrack& track, std::optional<Rational> fps_max) {
  const bool steady = is_steady(track.frames);
  if (fps_max && !steady && is_ever_faster(track, *fps_max)) return keep_when_due(track, *fps_max);
  const std::uint64_t step = fps_max && steady ? keep_every(track, *fps_max) : 1;
  std::vector<std::uint32_t> shown;
  shown.reserve(track.frames.size() / step + 1);
  for (std::uint64_t i = 0; i < track.frames.size(); i += step) shown.push_back(static_cast<std::uint32_t>(i));
  return shown;
}

// Where IDR frames are: the first frame, and the first that has reached each k x gop seconds.
class KeyGrid {
 public:
  KeyGrid(Rational base, Rational gop) : base_(base), gop_(gop) {}
  bool is_key(std::int64_t pts) {
    // Counted from k, not from this frame, so that the grid neither drifts nor moves after a gap in the source.
    const std::int64_t reached = multiple_reached(pts, base_, gop_);
    if (reached_ && reached <= *reached_) return false;
    reached_ = reached;
    return true;
  }

 private:
  Rational base_, gop_;
  std::optional<std::int64_t> reached_;  // by the last key
};

// One tick of an output is at most this, so that nobody sees the rounding of what is placed on it.
constexpr std::int64_t kTicksPerSecondMin = 10'000;

// A moment in halves of a frame of a constant rate, rounded up or down.
Wide half_frames(std::int64_t ticks, Rational base, Rational fps, bool up) {
  const Wide num = static_cast<Wide>(ticks) * base.num * fps.num * 2;
  const Wide den = static_cast<Wide>(base.den) * fps.den;
  return (num + (up ? den - 1 : 0)) / den;
}

}  // namespace

std::int64_t multiple_reached(std::int64_t ticks, Rational base, Rational length) {
  constexpr std::int64_t kEarlyMax = 2000;  // parts of a second
  const Wide num = (static_cast<Wide>(ticks) * base.num * kEarlyMax + base.den) * length.den;
  const Wide den = static_cast<Wide>(base.den) * kEarlyMax * length.num;
  return static_cast<std::int64_t>(num / den);
}

FrameList list_frames(const VideoTrack& track, std::optional<Rational> fps_max, Rational gop, std::int64_t shift) {
  GOPMILL_CHECK(!track.frames.empty() && gop.num > 0 && (!fps_max || fps_max->num > 0));
  // The timeline has nothing before 0: doubling a segment's length could never join what lies on both sides of it.
  GOPMILL_CHECK(shift >= 0);
  FrameList list{.base = track.base};
  list.shows = shown_frames(track, fps_max);
  list.frames.reserve(list.shows.size());
  KeyGrid keys(track.base, gop);
  for (const std::uint32_t index : list.shows) {
    const std::int64_t pts = track.frames[index].pts + shift;
    list.frames.push_back({.pts = pts, .key = keys.is_key(pts)});
  }
  // Not the frame's own duration where frames after it were left out: the video must not end earlier for that.
  list.last_duration = track.frames.back().pts + track.last_duration - track.frames[list.shows.back()].pts;
  return list;
}

std::uint64_t constant_frames(const VideoTrack& track, Rational fps) {
  return static_cast<std::uint64_t>(half_frames(track.frames.back().pts, track.base, fps, true) / 2) + 1;
}

FrameList list_constant_frames(const VideoTrack& track, Rational fps, Rational gop, std::int64_t shift) {
  GOPMILL_CHECK(!track.frames.empty() && gop.num > 0 && fps.num > 0 && shift >= 0);
  const std::int64_t per_numerator = (kTicksPerSecondMin + fps.num - 1) / fps.num;  // ticks in 1 / fps.num seconds
  FrameList list{.base = {1, fps.num * per_numerator}};
  const std::int64_t ticks = fps.den * per_numerator;  // of one frame
  // A frame is shown from the first frame on whose middle, 2n + 1 halves, is not before it.
  const auto from = [&](std::size_t i) {
    return static_cast<std::int64_t>(half_frames(track.frames[i].pts + shift, track.base, fps, true) / 2);
  };
  const Wide halves = half_frames(track.frames.back().pts + track.last_duration + shift, track.base, fps, false);
  const auto end = static_cast<std::int64_t>((halves + 1) / 2);  // where the video ends, to the nearest frame
  const std::int64_t last = std::max(from(0), std::min(from(track.frames.size() - 1), end - 1));
  KeyGrid keys(list.base, gop);
  std::uint32_t shown = 0;
  for (std::int64_t n = from(0); n <= last; ++n) {
    while (shown + 1 < track.frames.size() && from(shown + 1) <= n) ++shown;
    list.frames.push_back({.pts = n * ticks, .key = keys.is_key(n * ticks)});
    list.shows.push_back(shown);
  }
  list.last_duration = std::max<std::int64_t>(end - last, 1) * ticks;
  return list;
}

Rational mean_rate(std::size_t frames, std::int64_t span, Rational base) {
  static constexpr auto kCommonRates =
      std::to_array<Rational>({{10, 1}, {12, 1},       {25, 2},  {15000, 1001},  {15, 1},  {24000, 1001}, {24, 1},
                               {25, 1}, {30000, 1001}, {30, 1},  {48000, 1001},  {48, 1},  {50, 1},       {60000, 1001},
                               {60, 1}, {90, 1},       {100, 1}, {120000, 1001}, {120, 1}, {144, 1},      {240, 1}});
  if (frames < 2) return {25, 1};
  const Wide num = static_cast<Wide>(frames - 1) * base.den;
  const Wide den = static_cast<Wide>(span) * base.num;
  // The nearest one decides: 24000/1001 and 24 are themselves only 0.1 % apart.
  Rational best{0, 1};
  Wide best_miss = 0;  // in 1 / (den x best.den) frames per second
  for (const Rational& rate : kCommonRates) {
    const Wide difference = num * rate.den - den * rate.num;
    const Wide miss = difference < 0 ? -difference : difference;
    if (miss * 1000 <= den * rate.num && (best.num == 0 || miss * best.den < best_miss * rate.den)) {
      best = rate;
      best_miss = miss;
    }
  }
  if (best.num != 0) return best;
  const Wide thousandths = std::clamp<Wide>((num * 1000 + den / 2) / den, 1000, 240'000);
  const auto rounded = static_cast<std::int64_t>(thousandths);
  const std::int64_t divisor = std::gcd(rounded, std::int64_t{1000});
  return {rounded / divisor, 1000 / divisor};
}

}  // namespace gopmill
