#include "media/av/encoder_clock.h"

#include <algorithm>

namespace gopmill::av {

namespace {

constexpr Rational kStepMax{1, 100};  // x264's MIN_FRAME_DURATION

}  // namespace

EncoderClock::EncoderClock(Rational base, Rational frame_rate)
    : step_min_(std::max<std::int64_t>(1, std::min(rescale(1, kStepMax, base, Rounding::kDown),
                                                   rescale(1, {frame_rate.den, 2 * frame_rate.num}, base, Rounding::kDown)))) {}

std::int64_t EncoderClock::told(std::int64_t planned) {
  if (step_min_ == 0) {
    last_ = first_ ? 0 : last_ + 1;
  } else {
    last_ = first_ ? planned : std::max(planned, last_ + step_min_);
  }
  first_ = false;
  planned_.emplace(last_, planned);
  return last_;
}

std::int64_t EncoderClock::planned(std::int64_t told) {
  const auto found = planned_.find(told);
  if (found == planned_.end()) return told;
  const std::int64_t time = found->second;
  planned_.erase(found);
  return time;
}

}  // namespace gopmill::av
