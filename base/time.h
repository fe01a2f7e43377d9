#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>

#include "base/check.h"

namespace gopmill {

// ---- Time of the machine. Pure code is given `now`; only shells read a clock. ----

using Duration = std::chrono::milliseconds;

// A point on a monotonic clock whose zero means nothing. Only differences count.
struct Instant {
  Duration since_zero{0};
  friend auto operator<=>(const Instant&, const Instant&) = default;
  friend Instant operator+(Instant at, Duration by) { return {at.since_zero + by}; }
  friend Duration operator-(Instant a, Instant b) { return a.since_zero - b.since_zero; }
};

// Reads CLOCK_MONOTONIC.
Instant monotonic_now();
// Milliseconds since 1970, for people to read: that clock jumps, so nothing is decided by it.
std::int64_t unix_ms_now();
// What this process and its threads have used so far, in user and kernel time.
std::uint64_t process_cpu_ms();

// ---- Time of the media. Exact: integers in a time base, never floating point. ----

// A fraction, den > 0. As a time base it is the length of one tick in seconds; as a rate, frames per second.
struct Rational {
  std::int64_t num = 0;
  std::int64_t den = 1;
  friend bool operator==(const Rational& a, const Rational& b) {
    return static_cast<__int128>(a.num) * b.den == static_cast<__int128>(b.num) * a.den;
  }
  friend std::strong_ordering operator<=>(const Rational& a, const Rational& b) {
    return static_cast<__int128>(a.num) * b.den <=> static_cast<__int128>(b.num) * a.den;
  }
  [[nodiscard]] double value() const { return static_cast<double>(num) / static_cast<double>(den); }
};

// Rounds to the same side always, so that neighbours never change order; kNearest rounds halves up.
enum class Rounding : unsigned char { kDown, kUp, kNearest };

// `ticks` of `from` as ticks of `to`; 128-bit inside, so no intermediate overflow for any 64-bit ticks and 32-bit bases.
std::int64_t rescale(std::int64_t ticks, Rational from, Rational to, Rounding rounding = Rounding::kNearest);

// A moment of media time that carries its base. Compared exactly across bases.
struct Timestamp {
  std::int64_t ticks = 0;
  Rational base{1, 1};
  [[nodiscard]] double seconds() const { return static_cast<double>(ticks) * base.value(); }
  [[nodiscard]] Timestamp in(Rational other, Rounding rounding = Rounding::kNearest) const {
    return {rescale(ticks, base, other, rounding), other};
  }
  friend std::strong_ordering operator<=>(const Timestamp& a, const Timestamp& b) {
    return static_cast<__int128>(a.ticks) * a.base.num * b.base.den <=> static_cast<__int128>(b.ticks) * b.base.num * a.base.den;
  }
  friend bool operator==(const Timestamp& a, const Timestamp& b) { return (a <=> b) == 0; }
};

// `later` - `earlier` in ticks of `base`, rounded once to the nearest: two roundings could be a tick off. Only where the exact product
// does not fit 128 bits, which takes stamps of centuries, it is the difference of two rounded times.
std::int64_t ticks_between(Timestamp earlier, Timestamp later, Rational base);

// For people: "1.920 s"; and where a frame's own time is meant, "1.920000 s".
std::string seconds_text(double seconds);
std::string fine_seconds_text(double seconds);

}  // namespace gopmill
