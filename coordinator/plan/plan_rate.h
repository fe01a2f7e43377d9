#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/plan/plan.h"

// How `bitrate:` becomes bits. PURE. Segments that were each given the same bitrate would look alike in size and unlike in quality
// (measured: a jump of 1.8 dB at a join, 0.8 in one two-pass encode). So each segment is first measured: encoded twice,
// quickly, at two qualities, which tells how its size falls. One quality is then found at which all segments together come
// to the bitrate, and each segment's task is given that quality to start from and its own size at it as a budget, which it meets
// within media/encoder/rate_search.h's slack. Where maxrate caps a segment's share, the others have what is left.
// Why: docs/decisions/10-bitrate.md.

namespace gopmill {

// The two qualities a segment is measured at: far enough apart that what lies between is a straight line in the logarithm.
std::array<double, 2> measured_qualities(Encoder encoder);
// With which preset: as quick as one can be that spreads its bits as the slower ones do.
std::string measuring_preset(const EncoderSettings& encoder);

// Sizes of one body at measured_qualities(), in bytes, and how long it is shown.
struct MeasuredSegment {
  std::array<std::uint64_t, 2> bytes{};
  double seconds = 0;
};

// One rendition's share for each segment. `bitrate` and `maxrate` in bits/s.
std::vector<SegmentRate> share_bitrate(const std::vector<MeasuredSegment>& segments, Encoder encoder, std::int64_t bitrate,
                                       std::optional<std::int64_t> maxrate);

}  // namespace gopmill
