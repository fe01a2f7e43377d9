#include "base/time.h"

namespace gopmill {

Instant monotonic_now() { return {std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())}; }

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

}  // namespace gopmill
