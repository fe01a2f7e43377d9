#include "media/signal/cadence.h"

#include <algorithm>

#include "base/check.h"

namespace gopmill {

namespace {

// In units of FieldMeasures. Measured: fields that belong together comb by 0 to 14 (by 44 in a noisy webcam), others in
// motion by 100 to 500, and by 10 to 20 where next to nothing moves.
constexpr std::uint64_t kLoneField = 32;
// Against cuts that are no better than leaving frames as they are: a still scene is one frame a frame.
constexpr std::uint64_t kLean = 2;
// A repeated field differs from its first showing by what coding did to it, a quarter to a half of what small motion does.
constexpr std::uint64_t kMovedPerUnit = 32;
// Below this nothing can be told.
constexpr std::uint32_t kTells = 4;
constexpr std::uint32_t kCombedOneIn = 20;
constexpr std::uint32_t kCombedMin = 3;

struct Votes {
  std::uint32_t frames = 0, telling = 0, combed = 0, top = 0, bottom = 0;
};

// Whether a frame's own fields belong together, told from how they fit those before.
void vote(const FieldMeasures& m, Votes& votes) {
  ++votes.frames;
  const std::uint32_t low = std::min(m.top_after, m.bottom_after);
  const std::uint32_t high = std::max(m.top_after, m.bottom_after);
  const std::uint32_t least = std::min(low, m.own);
  // The common part is detail that combs at rest too; only what rises well above it tells.
  const std::uint32_t most = std::max(high, m.own);
  if (2 * static_cast<std::uint64_t>(most) < 3 * static_cast<std::uint64_t>(least) + 2 * kTells) return;
  // Where a film climbs by a line a frame, lines fit those of the frame before better than their own, whichever field they
  // are of. In a comb the fields that are further apart in time fit no better.
  const bool climbs = 4 * static_cast<std::uint64_t>(high) < 3 * static_cast<std::uint64_t>(m.own);
  const bool combed = !climbs && m.own >= kTells && 4 * static_cast<std::uint64_t>(m.own) >= 3 * static_cast<std::uint64_t>(low);
  const bool whole = 2 * static_cast<std::uint64_t>(m.own) <= low;
  if (!combed && !whole) return;
  ++votes.telling;
  if (!combed) return;
  ++votes.combed;
  if (5 * static_cast<std::uint64_t>(low) >= 4 * static_cast<std::uint64_t>(high)) return;
  ++(m.top_after < m.bottom_after ? votes.top : votes.bottom);
}

// Of the combed frames of a run, how many have a partner for each of their fields.
void count_partnered(const std::vector<FieldMeasures>& run, bool top_first, std::uint32_t& combed, std::uint32_t& partnered) {
  CadenceFinder finder(top_first);
  for (const FieldMeasures& measures : run) finder.add(measures);
  std::vector<bool> lone;
  for (const std::uint8_t length : finder.lengths()) lone.insert(lone.end(), length, length == 1);
  // The run's first and last fields may have lost their partners to its ends.
  for (std::size_t i = 1; i + 1 < run.size(); ++i) {
    Votes votes;
    vote(run[i], votes);
    if (votes.combed == 0) continue;
    ++combed;
    if (!lone[2 * i] && !lone[2 * i + 1]) ++partnered;
  }
}

std::string order_words(bool top_first) { return top_first ? "top field first" : "bottom field first"; }

}  // namespace

void CadenceFinder::add_field(std::uint64_t link, std::uint64_t repeat, bool second) {
  // A film frame that begins with a frame's second field leans against the source.
  const std::uint64_t lone = best_[0] + kLoneField;
  const std::uint64_t pair = best_[1] + link + (second ? 0 : kLean);
  const std::uint64_t triple = best_[2] + link + link_before_ + repeat + kLean;
  const std::uint64_t least = std::min({lone, pair, triple});
  chosen_.push_back(least == pair ? 2 : least == triple ? 3 : 1);
  best_ = {least, best_[0], best_[1]};
  link_before_ = link;
}

void CadenceFinder::add(const FieldMeasures& frame) {
  const bool first = chosen_.empty();
  const std::uint64_t after = first ? kFar : top_first_ ? frame.top_after : frame.bottom_after;
  add_field(after, (top_first_ ? frame.top_moved : frame.bottom_moved) / kMovedPerUnit, false);
  add_field(frame.own, (top_first_ ? frame.bottom_moved : frame.top_moved) / kMovedPerUnit, true);
}

std::vector<std::uint8_t> CadenceFinder::lengths() const {
  std::vector<std::uint8_t> lengths;
  for (std::size_t end = chosen_.size(); end > 0; end -= chosen_[end - 1]) {
    GOPMILL_CHECK(chosen_[end - 1] <= end);
    lengths.push_back(chosen_[end - 1]);
  }
  std::reverse(lengths.begin(), lengths.end());
  return lengths;
}

ScanFindings judge_scan(const std::vector<std::vector<FieldMeasures>>& runs, bool flagged, bool flagged_top_first) {
  Votes votes;
  for (const auto& run : runs) {
    for (std::size_t i = 1; i < run.size(); ++i) vote(run[i], votes);
  }
  ScanFindings findings{.scan = Scan::kProgressive, .top_first = flagged_top_first};
  const std::string seen = std::to_string(votes.frames) + " frames looked at, " + std::to_string(votes.telling) +
                           " tell by their motion, " + std::to_string(votes.combed) + " of them combed";
  if (votes.telling < kCombedMin) {
    findings.scan = flagged ? Scan::kInterlaced : Scan::kProgressive;
    findings.evidence = seen + "; as flagged" + (flagged ? ", " + order_words(flagged_top_first) : "");
    return findings;
  }
  const std::string against = flagged ? ", though flagged interlaced" : "";
  if (votes.combed < kCombedMin || votes.combed * kCombedOneIn < votes.telling) {
    findings.evidence = seen + against;
    return findings;
  }
  if (votes.top != votes.bottom) findings.top_first = votes.top > votes.bottom;
  std::uint32_t combed = 0;
  std::uint32_t partnered = 0;
  for (const auto& run : runs) count_partnered(run, findings.top_first, combed, partnered);
  findings.scan = combed > 0 && 5 * partnered >= 4 * combed ? Scan::kTelecined : Scan::kInterlaced;
  findings.evidence = seen + ", " + std::to_string(partnered) + " of " + std::to_string(combed) +
                      " with partners for both fields, " + order_words(findings.top_first) +
                      (flagged ? "" : ", though flagged progressive");
  return findings;
}

}  // namespace gopmill
