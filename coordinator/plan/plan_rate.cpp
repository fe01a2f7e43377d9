#include "coordinator/plan/plan_rate.h"

#include <algorithm>
#include <cmath>

#include "media/encoder/encoder_facts.h"

namespace gopmill {
namespace {

// Steps of quality that halve a size. Video lies between 4 and 9 on the scale of x264; what is outside is noise of tiny segments.
constexpr double kHalvingMin = 3, kHalvingMax = 20;
constexpr int kBisections = 40;  // of a range of 50: far below what an encoder can tell apart
constexpr int kCapRounds = 8;    // each takes at least one segment out of the sharing; more than a few are never needed

class SizeCurve {
 public:
  SizeCurve(const MeasuredSegment& segment, const QualityScale& scale) : scale_(scale) {
    const double low = std::max<double>(1, static_cast<double>(segment.bytes[0]));
    const double high = std::max<double>(1, static_cast<double>(segment.bytes[1]));
    size_ = low;
    halving_ = std::clamp((scale.measured_coarse - scale.measured_fine) / std::max(1e-3, std::log2(low / high)), kHalvingMin,
                          kHalvingMax);
  }
  [[nodiscard]] double at(double quality) const { return size_ * std::exp2((scale_.measured_fine - quality) / halving_); }
  [[nodiscard]] double halving() const { return halving_; }

 private:
  const QualityScale& scale_;
  double size_ = 1;
  double halving_ = 6;
};

}  // namespace

std::array<double, 2> measured_qualities(Encoder encoder) {
  const QualityScale& scale = facts_of(encoder).quality;
  return {scale.measured_fine, scale.measured_coarse};
}

std::string measuring_preset(const EncoderSettings& encoder) {
  const EncoderFacts& facts = facts_of(encoder.encoder);
  const bool quicker = std::ranges::find(facts.quicker_presets, encoder.preset) != facts.quicker_presets.end();
  return quicker ? encoder.preset : std::string(facts.measuring_preset);
}

std::vector<SegmentRate> share_bitrate(const std::vector<MeasuredSegment>& segments, Encoder encoder, std::int64_t bitrate,
                                       std::optional<std::int64_t> maxrate) {
  const QualityScale& scale = facts_of(encoder).quality;
  std::vector<SizeCurve> curves;
  double left = 0;  // bytes to share
  for (const MeasuredSegment& segment : segments) {
    curves.emplace_back(segment, scale);
    left += static_cast<double>(bitrate) / 8 * segment.seconds;
  }
  std::vector<SegmentRate> shares(segments.size());
  std::vector<bool> capped(segments.size(), false);
  for (int round = 0; round < kCapRounds; ++round) {
    double finest = scale.shared_finest, coarsest = scale.shared_coarsest;
    const auto total = [&](double quality) {
      double bytes = 0;
      for (std::size_t i = 0; i < curves.size(); ++i) bytes += capped[i] ? 0 : curves[i].at(quality);
      return bytes;
    };
    for (int i = 0; i < kBisections; ++i) {
      const double middle = (finest + coarsest) / 2;
      (total(middle) > left ? finest : coarsest) = middle;
    }
    const double quality = coarsest;
    const double scaled = left / std::max(1.0, total(quality));
    bool more = false;
    for (std::size_t i = 0; i < curves.size(); ++i) {
      if (capped[i]) continue;
      double bytes = curves[i].at(quality) * scaled;
      const double most = maxrate ? static_cast<double>(*maxrate) / 8 * segments[i].seconds : bytes;
      if (bytes > most) {
        bytes = most;
        capped[i] = more = true;
      }
      shares[i] = {quality, static_cast<std::uint64_t>(bytes), curves[i].halving()};
    }
    if (!more) break;
    left = 0;
    for (std::size_t i = 0; i < segments.size(); ++i) {
      left +=
          static_cast<double>(bitrate) / 8 * segments[i].seconds - (capped[i] ? static_cast<double>(shares[i].budget_bytes) : 0);
    }
  }
  return shares;
}

std::optional<SegmentRates> segment_rates(const Plan& plan, const MeasuredSizes& sizes) {
  std::vector<std::uint32_t> measures, segments;
  for (std::uint32_t i = 0; i < plan.tasks.size(); ++i) {
    switch (plan.tasks[i].kind) {
      case PlannedTask::Kind::kAudio: break;
      case PlannedTask::Kind::kMeasure: measures.push_back(i); break;
      case PlannedTask::Kind::kSegment: segments.push_back(i); break;
    }
  }
  SegmentRates rates;
  if (measures.empty()) return rates;
  std::size_t output = 0;  // of a measure task: two for each rendition that has a bitrate
  for (std::size_t r = 0; r < plan.renditions.size(); ++r) {
    const EncoderSettings& encoder = plan.renditions[r].encoder;
    if (!encoder.rate.bitrate) continue;
    std::vector<MeasuredSegment> measured;
    for (const std::uint32_t measure : measures) {
      const auto found = sizes.find(measure);
      if (found == sizes.end() || found->second.size() < output + 2) return std::nullopt;
      measured.push_back({{found->second[output], found->second[output + 1]}, plan.tasks[measure].media_seconds});
    }
    const std::vector<SegmentRate> shares = share_bitrate(measured, encoder.encoder, *encoder.rate.bitrate, encoder.rate.maxrate);
    for (std::size_t i = 0; i < segments.size(); ++i) {
      rates[segments[i]].resize(plan.renditions.size());
      rates[segments[i]][r] = shares[i];
    }
    output += 2;
  }
  return rates;
}

}  // namespace gopmill
