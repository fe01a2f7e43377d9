#include "coordinator/plan/plan_film.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "base/check.h"

namespace gopmill {
namespace {

// A frame shown for three fields lasts 1.5 times as long as one shown for two; MPEG stamps are exact to a thousandth.
constexpr double kThreeToTwo = 1.5;
constexpr double kThreeToTwoSlack = 0.1;

// One film frame: fields [first, first + count) of the track, counted in time.
struct Film {
  std::uint64_t first = 0;
  std::uint8_t count = 2;
};

std::vector<Film> source_of(const VideoTrack& track) {
  std::vector<Film> film;
  std::uint64_t at = 0;
  for (const std::uint8_t count : track.film) {
    film.push_back({at, count});
    at += count;
  }
  GOPMILL_CHECK(at == 2 * track.frames.size());
  return film;
}

// Two of its fields, of one source frame if possible: that one then needs no weaving.
WovenFrame weave(const Film& film, bool top_first) {
  const std::uint64_t from = film.first % 2 != 0 && film.count == 3 ? film.first + 1 : film.first;
  const auto a = static_cast<std::uint32_t>(from / 2);
  if (film.count == 1) return {a, a, true};
  const auto b = static_cast<std::uint32_t>((from + 1) / 2);
  const bool a_is_top = (from % 2 == 0) == top_first;
  return a_is_top ? WovenFrame{a, b, false} : WovenFrame{b, a, false};
}

// The time of a field: a frame's second one is midway to the next frame.
std::int64_t time_of(const VideoTrack& track, std::uint64_t field) {
  const auto frame = static_cast<std::size_t>(field / 2);
  const std::int64_t pts = track.frames[frame].pts;
  if (field % 2 == 0) return pts;
  const std::int64_t next =
      frame + 1 < track.frames.size() ? track.frames[frame + 1].pts : pts + std::max<std::int64_t>(track.last_duration, 2);
  return pts + (next - pts) / 2;
}

// In quarters of a frame, so that all is whole: a film frame's middle from that of source frame i.
std::uint64_t distance(const Film& film, std::uint64_t i) {
  const auto middle = static_cast<std::int64_t>(2 * film.first + film.count);
  return static_cast<std::uint64_t>(std::abs(middle - static_cast<std::int64_t>(4 * i + 2)));
}

void keep_rate(const VideoTrack& track, const std::vector<Film>& film, FilmFrames& result) {
  std::size_t at = 0;
  for (std::uint64_t i = 0; i < track.frames.size(); ++i) {
    while (film[at].first + film[at].count <= 2 * i) ++at;  // now the one that holds the frame's first field
    const bool both = film[at].first + film[at].count >= 2 * i + 2;
    const bool next = !both && distance(film[at + 1], i) < distance(film[at], i);
    // A lone field on either side: no film frame has been this one's all along, so its own weave is deinterlaced.
    const Film& shown = next ? film[at + 1] : film[at];
    const auto own = static_cast<std::uint32_t>(i);
    result.woven.push_back(shown.count == 1 ? WovenFrame{own, own, true} : weave(shown, track.top_first));
    result.frames.push_back(track.frames[i]);
  }
}

void film_rate(const VideoTrack& track, const std::vector<Film>& film, FilmFrames& result) {
  for (const Film& each : film) {
    const WovenFrame woven = weave(each, track.top_first);
    // The second lone field of one frame: the first has deinterlaced it already.
    const bool again = !result.woven.empty() && result.woven.back() == woven;
    if (again) continue;
    std::int64_t pts = time_of(track, each.first);
    if (!result.frames.empty()) pts = std::max(pts, result.frames.back().pts + 1);
    result.woven.push_back(woven);
    result.frames.push_back({pts, track.frames[std::min(woven.top, woven.bottom)].packet});
  }
}

// Do most frames last one and a half times as long as a neighbour, or two thirds as long? Flags that repeat fields do that.
bool repeats_by_flags(const std::vector<SourceFrame>& frames) {
  if (frames.size() < 5) return false;
  std::size_t uneven = 0;
  for (std::size_t i = 2; i < frames.size(); ++i) {
    const auto a = static_cast<double>(frames[i - 1].pts - frames[i - 2].pts);
    const auto b = static_cast<double>(frames[i].pts - frames[i - 1].pts);
    const double ratio = a > b ? a / b : b / a;
    if (std::abs(ratio - kThreeToTwo) < kThreeToTwoSlack) ++uneven;
  }
  return 2 * uneven > frames.size();
}

Rational times(Rational rate, std::int64_t num, std::int64_t den) {
  const Rational product{rate.num * num, rate.den * den};
  const std::int64_t divisor = std::gcd(product.num, product.den);
  return {product.num / divisor, product.den / divisor};
}

// From how far apart frames of three fields are, not from a count: where nothing moves, repeated fields cannot be told from
// new frames. 2:3 has one frame of two fields between them, 25 in 60 fields by turns one and two.
Rational film_rate_of(const VideoTrack& track) {
  const Rational source = mean_rate(track.frames.size(), track.frames.back().pts, track.base);
  std::size_t between = 0;
  std::size_t ones = 0;
  std::size_t twos = 0;
  bool any = false;
  for (const std::uint8_t count : track.film) {
    if (count == 3) {
      if (any && between == 1) ++ones;
      if (any && between == 2) ++twos;
      any = true;
    }
    between = count == 2 ? between + 1 : 0;
  }
  if (!any) return source;  // frames paired wrong, and none repeated
  return 2 * twos > ones ? times(source, 5, 6) : times(source, 4, 5);
}

// Of frames that last two and three fields by their times: five fields for two of them.
Rational flagged_rate_of(const VideoTrack& track) {
  std::int64_t shortest = track.last_duration;
  for (std::size_t i = 1; i < track.frames.size(); ++i) {
    const std::int64_t distance = track.frames[i].pts - track.frames[i - 1].pts;
    const std::int64_t next = i + 1 < track.frames.size() ? track.frames[i + 1].pts - track.frames[i].pts : 0;
    if (std::abs(static_cast<double>(next) / static_cast<double>(distance) - kThreeToTwo) < kThreeToTwoSlack) {
      shortest = distance;
      break;
    }
  }
  return times(mean_rate(2, shortest, track.base), 4, 5);
}

}  // namespace

FilmFrames film_frames(const VideoTrack& track, Telecine telecine) {
  FilmFrames result;
  if (track.film.empty()) {
    if (telecine == Telecine::kFilm && repeats_by_flags(track.frames)) result.rate = flagged_rate_of(track);
    return result;
  }
  const std::vector<Film> film = source_of(track);
  if (telecine == Telecine::kFilm) {
    film_rate(track, film, result);
    result.rate = film_rate_of(track);
  } else {
    keep_rate(track, film, result);
  }
  return result;
}

std::vector<std::uint32_t> frames_of(const std::vector<std::uint32_t>& shown, const std::vector<WovenFrame>& woven) {
  if (woven.empty()) return shown;
  std::vector<std::uint32_t> frames;
  for (const std::uint32_t each : shown) {
    frames.push_back(woven[each].top);
    frames.push_back(woven[each].bottom);
  }
  std::ranges::sort(frames);
  const auto repeated = std::ranges::unique(frames);
  frames.erase(repeated.begin(), repeated.end());
  return frames;
}

}  // namespace gopmill
