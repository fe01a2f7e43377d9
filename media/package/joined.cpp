#include "media/package/joined.h"

#include <algorithm>

namespace gopmill {

namespace {

std::string at_seconds(std::int64_t pts, Rational base) { return std::to_string(static_cast<double>(pts) * base.value()) + " s"; }

}  // namespace

JoinedFrames::JoinedFrames(const RenditionPlan& plan) : plan_(plan), seen_(plan.frames.size(), false) {
  places_.reserve(plan.frames.size());
  sizes_.reserve(plan.frames.size());
}

Result<> JoinedFrames::add(std::int64_t pts, std::uint32_t bytes, bool key) {
  const auto& frames = plan_.frames;
  const auto found = std::lower_bound(frames.begin(), frames.end(), pts,
                                      [](const PlannedFrame& f, std::int64_t value) { return f.pts < value; });
  const std::string when = at_seconds(pts, plan_.base);
  if (found == frames.end() || found->pts != pts)
    return fail(FaultKind::kInternal, "a frame at " + when + " that is not planned");
  const auto place = static_cast<std::uint32_t>(found - frames.begin());
  if (seen_[place]) return fail(FaultKind::kInternal, "the frame at " + when + " comes twice");
  if (key != found->key)
    return fail(FaultKind::kInternal, key ? "a key frame at " + when + " that is not planned" : "no key frame at " + when);
  if (places_.empty() && !key) return fail(FaultKind::kInternal, "the first frame is no key frame");
  if (place < key_place_) return fail(FaultKind::kInternal, "the frame at " + when + " follows the key frame it is shown before");
  if (key) key_place_ = place;
  seen_[place] = true;
  const auto order = static_cast<std::uint32_t>(places_.size());
  if (order > place) reorder_ = std::max(reorder_, order - place);
  places_.push_back(place);
  sizes_.push_back(bytes);
  bytes_ += bytes;
  return {};
}

Result<> JoinedFrames::finish() {
  if (places_.size() != plan_.frames.size()) {
    const auto missing = static_cast<std::size_t>(std::find(seen_.begin(), seen_.end(), false) - seen_.begin());
    return fail(FaultKind::kInternal, std::to_string(plan_.frames.size() - places_.size()) +
                                          " planned frames are missing, the first at " +
                                          at_seconds(plan_.frames[missing].pts, plan_.base));
  }
  // The smallest step near the start, so that a video whose first frame stays for long does not begin far below zero.
  lead_step_ = std::max<std::int64_t>(1, plan_.last_duration);
  for (std::size_t i = 1; i < plan_.frames.size() && i <= reorder_ + 1U; ++i) {
    const std::int64_t step = plan_.frames[i].pts - plan_.frames[i - 1].pts;
    lead_step_ = i == 1 ? step : std::min(lead_step_, step);
  }
  return {};
}

std::int64_t JoinedFrames::dts(std::size_t i) const {
  if (i >= reorder_) return plan_.frames[i - reorder_].pts;
  return plan_.frames.front().pts - static_cast<std::int64_t>(reorder_ - i) * lead_step_;
}

std::int64_t JoinedFrames::duration(std::size_t i) const {
  return i + 1 < places_.size() ? dts(i + 1) - dts(i) : std::max<std::int64_t>(1, plan_.last_duration);
}

std::int64_t JoinedFrames::shown() const {
  return plan_.frames.back().pts + std::max<std::int64_t>(1, plan_.last_duration) - plan_.frames.front().pts;
}

JoinedFrames::Tables JoinedFrames::tables() const {
  Tables tables;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (key(i)) ++tables.keys;
    if (i == 0 || duration(i) != duration(i - 1)) ++tables.duration_runs;
    if (i == 0 || pts(i) - dts(i) != pts(i - 1) - dts(i - 1)) ++tables.offset_runs;
  }
  return tables;
}

double LeakyBucket::fullness_at(Timestamp dts) const {
  const auto size = static_cast<double>(bufsize_);
  if (!last_) return fullness_ / size;
  return std::min(size, fullness_ + static_cast<double>(maxrate_) * (dts.seconds() - last_->seconds())) / size;
}

void LeakyBucket::take(Timestamp dts, std::uint64_t bytes) {
  fullness_ = fullness_at(dts) * static_cast<double>(bufsize_) - static_cast<double>(bytes) * 8;
  lowest_ = std::min(lowest_, fullness_);
  if (fullness_ < 0) {
    ++underflows_;
    if (!first_) first_ = dts;
  }
  last_ = dts;
}

}  // namespace gopmill
