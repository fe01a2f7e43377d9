#include "media/av/encode/encoder_clock.h"

#include <algorithm>

namespace gopmill::av {

namespace {

// x264's MIN_FRAME_DURATION and MAX_FRAME_DURATION.
constexpr Rational kShortest{1, 100};
constexpr Rational kLongest{1, 1};

}  // namespace

EncoderClock::EncoderClock(Rational base, Rational frame_rate)
    : step_min_(std::max<std::int64_t>(1, std::min(rescale(1, kShortest, base, Rounding::kDown),
                                                   rescale(1, {frame_rate.den, 2 * frame_rate.num}, base, Rounding::kDown)))),
      step_max_(std::max(step_min_, rescale(1, kLongest, base, Rounding::kDown))) {}

std::int64_t EncoderClock::told(std::int64_t planned) {
  if (step_min_ == 0) {
    last_ = first_ ? 0 : last_ + 1;
  } else if (first_) {
    last_ = planned;
  } else {
    const std::int64_t due = std::max(planned - behind_, last_ + step_min_);
    last_ = std::min(due, last_ + step_max_);
    behind_ += due - last_;
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
