#include "base/time.h"

#include <sys/resource.h>

#include <cstdio>

namespace gopmill {

Instant monotonic_now() { return {std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())}; }

std::int64_t unix_ms_now() {
  return std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::uint64_t process_cpu_ms() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& t) {
    return static_cast<std::uint64_t>(t.tv_sec) * 1000 + static_cast<std::uint64_t>(t.tv_usec) / 1000;
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

std::int64_t rescale(std::int64_t ticks, Rational from, Rational to, Rounding rounding) {
  GOPMILL_CHECK(from.den > 0 && to.num > 0);
  const __int128 numerator = static_cast<__int128>(ticks) * from.num * to.den;
  const __int128 denominator = static_cast<__int128>(from.den) * to.num;
  __int128 shifted = numerator;
  if (rounding == Rounding::kUp) shifted += denominator - 1;
  if (rounding == Rounding::kNearest) shifted += denominator / 2;
  __int128 quotient = shifted / denominator;
  if (shifted % denominator < 0) --quotient;  // C++ truncates towards zero; we always round down
  return static_cast<std::int64_t>(quotient);
}

std::int64_t ticks_between(Timestamp earlier, Timestamp later, Rational base) {
  GOPMILL_CHECK(earlier.base.den > 0 && later.base.den > 0 && base.num > 0);
  const __int128 denominator = 2 * static_cast<__int128>(later.base.den) * earlier.base.den;
  __int128 minuend = 0, subtrahend = 0, difference = 0, doubled = 0, divisor = 0;
  bool overflow = __builtin_mul_overflow(static_cast<__int128>(later.ticks) * later.base.num, earlier.base.den, &minuend);
  overflow =
      __builtin_mul_overflow(static_cast<__int128>(earlier.ticks) * earlier.base.num, later.base.den, &subtrahend) || overflow;
  overflow = __builtin_sub_overflow(minuend, subtrahend, &difference) || overflow;
  overflow = __builtin_mul_overflow(difference, 2 * static_cast<__int128>(base.den), &doubled) || overflow;
  overflow = __builtin_mul_overflow(denominator, base.num, &divisor) || overflow;
  overflow = __builtin_add_overflow(doubled, divisor / 2, &doubled) || overflow;
  if (overflow) return rescale(later.ticks, later.base, base) - rescale(earlier.ticks, earlier.base, base);
  __int128 quotient = doubled / divisor;
  if (doubled % divisor < 0) --quotient;
  return static_cast<std::int64_t>(quotient);
}

std::string seconds_text(double seconds) {
  char text[64];
  std::snprintf(text, sizeof text, "%.3f s", seconds);
  return text;
}

std::string fine_seconds_text(double seconds) { return std::to_string(seconds) + " s"; }

}  // namespace gopmill
