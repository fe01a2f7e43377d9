#include "media/encoder/rate_search.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "media/encoder/encoder_facts.h"
#include "media/package/joined.h"

namespace gopmill {

namespace {

// Quality is lowered at least so much for the buffer's sake: where the buffer rules, the frames are already coarser than
// quality asks, and small steps change nothing.
constexpr double kBufferStepMin = 1.5;
constexpr double kBufferStepMargin = 1.25;

double settable(const QualityScale& scale, double quality) {
  return std::clamp(std::round(quality * scale.steps) / scale.steps, 0.0, scale.max);
}

double bits_of(const std::vector<CodedFrame>& body) {
  double bits = 0;
  for (const CodedFrame& frame : body) bits += 8.0 * frame.bytes;
  return bits;
}

}  // namespace

RateSearch::RateSearch(const RenditionTask& task) : task_(task), quality_(task.encoder.rate.quality) {}

// How many bits too many there are: what is missing in the buffer at its emptiest, or at the end for the next segment.
// 0 or less: none.
double RateSearch::missing_bits(const std::vector<CodedFrame>& body) const {
  const RateControl& rate = task_.encoder.rate;
  if (!rate.maxrate || !rate.bufsize || *rate.maxrate < 1 || *rate.bufsize < 1) return 0;
  RenditionPlan segment{.base = task_.encoder.base};
  for (std::uint32_t i = 0; i < task_.body; ++i) {
    const OutputFrame& frame = task_.frames[task_.lead + i];
    segment.frames.push_back({frame.pts, frame.key});
  }
  segment.last_duration = std::max<std::int64_t>(1, task_.grant.next_pts - segment.frames.back().pts);
  JoinedFrames joined(segment);
  for (const CodedFrame& frame : body) {
    // A misfit is the stitcher's to name; here it only means that there is nothing to judge.
    if (!joined.add(frame.pts, frame.bytes, frame.key)) return 0;
  }
  if (!joined.finish()) return 0;
  LeakyBucket bucket(*rate.maxrate, *rate.bufsize, kBufferJoinFullness);
  for (std::size_t i = 0; i < joined.size(); ++i) bucket.take({joined.dts(i), segment.base}, joined.sizes()[i]);
  const std::size_t last = joined.size() - 1;
  const double left = bucket.fullness_at({joined.dts(last) + joined.duration(last), segment.base});
  const double at_the_end = task_.grant.ends_rendition ? 0 : kBufferJoinFullness - left;
  return std::max(-bucket.lowest(), at_the_end) * static_cast<double>(*rate.bufsize);
}

// Between the two nearest tries, or along the measured slope from the one there is.
double RateSearch::quality_for(double size_log2) const {
  const Point& last = seen_.back();
  double halving = task_.grant.halving;
  if (seen_.size() >= 2) {
    const Point& before = seen_[seen_.size() - 2];
    const double measured = (last.quality - before.quality) / (before.size_log2 - last.size_log2);
    if (std::isfinite(measured) && measured > 1 && measured < 30) halving = measured;
  }
  return last.quality + (last.size_log2 - size_log2) * halving;
}

bool RateSearch::move_to(double quality) {
  const double next = settable(facts_of(task_.encoder.encoder).quality, quality);
  const auto tried = [&](const Point& point) { return point.quality == next; };
  if (tries_ >= kTriesMax || std::ranges::any_of(seen_, tried)) return false;
  quality_ = next;
  return true;
}

bool RateSearch::wants_another(const std::vector<CodedFrame>& body) {
  ++tries_;
  const double bits = bits_of(body);
  if (!quality_ || task_.measure || bits <= 0) return false;
  seen_.push_back({*quality_, std::log2(bits)});
  if (const double missing = missing_bits(body); missing > 0) {
    granted_ = false;
    const double wanted = std::log2(std::max(bits - missing, bits / 16));
    const double step = std::max((seen_.back().size_log2 - wanted) * task_.grant.halving * kBufferStepMargin,
                                 kBufferStepMin * static_cast<double>(tries_));
    return move_to(*quality_ + step);
  }
  granted_ = true;
  if (!task_.grant.budget_bytes || *task_.grant.budget_bytes == 0) return false;
  const double budget = 8.0 * static_cast<double>(*task_.grant.budget_bytes);
  // A buffer that had to be kept before is not risked again for the sake of spending more.
  const bool buffer_ruled =
      bits < budget &&
      std::ranges::any_of(seen_, [&](const Point& p) { return p.quality < *quality_; }) && task_.encoder.rate.maxrate.has_value();
  granted_ = std::abs(bits / budget - 1) <= kBudgetSlack || buffer_ruled;
  return !granted_ && move_to(quality_for(std::log2(budget)));
}

}  // namespace gopmill
