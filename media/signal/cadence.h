#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "media/signal/field_stats.h"
#include "media/task/timeline.h"

// From measures of fields to what the film was before it was put into fields. PURE, in integers.
//
// The fields of a track, in the order of time, are cut into film frames: two fields that weave without combing, three where
// the third repeats the first (2:3 pulldown and its kin), or a lone field that fits neither neighbour (true interlace). The
// cut with the least combing over the whole track is found by dynamic programming, so that it has no favourite cadence, and a
// break in the cadence (an edit made after the pulldown) costs one lone field and nothing after it.

namespace gopmill {

class CadenceFinder {
 public:
  explicit CadenceFinder(bool top_first) : top_first_(top_first) {}
  void add(const FieldMeasures& frame);  // in the order shown
  // How many fields each film frame has: 1, 2 or 3; together two for each frame added. Ends the finder's work.
  [[nodiscard]] std::vector<std::uint8_t> lengths() const;
  // What the best cut costs so far: the field order with the lower cost is the right one.
  [[nodiscard]] std::uint64_t cost() const { return best_[0]; }

 private:
  void add_field(std::uint64_t link, std::uint64_t repeat, bool second);

  bool top_first_;
  std::array<std::uint64_t, 3> best_{0, kFar, kFar};  // of everything up to the newest field, the one before, the one before that
  std::uint64_t link_before_ = kFar;
  std::vector<std::uint8_t> chosen_;  // for each field: the length of the film frame that ends with it in the best cut
  static constexpr std::uint64_t kFar = UINT64_MAX / 4;
};

// What samples of a track say about the whole of it.
struct ScanFindings {
  Scan scan = Scan::kProgressive;
  bool top_first = true;
  std::string evidence;  // for report.json
};

// `runs`: frames shown one after the other, from places all over the file; the first of each run has no frame before it.
// `flagged` and `flagged_top_first`: what most frames' own flags say, asked only where nothing moves enough to tell.
//
// Progressive unless one in twenty of the frames that tell are combed: a film that mixes both keeps no combs, at the price of a
// little sharpness in its progressive parts. Telecined if in four of five of the combed frames every field has a partner.
ScanFindings judge_scan(const std::vector<std::vector<FieldMeasures>>& runs, bool flagged, bool flagged_top_first);

}  // namespace gopmill
