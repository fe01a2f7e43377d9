#include "coordinator/plan/plan_colour.h"

#include <algorithm>
#include <string>

namespace gopmill {
namespace {

constexpr std::uint32_t kMasteringUnits = 10'000;  // per cd/m2

std::uint32_t peak_of(const VideoTrack& track) {
  if (track.colour.transfer == kTransferHlg) return kPeakUsual;
  std::optional<std::uint32_t> peak;
  if (track.mastering && makes_sense(*track.mastering)) peak = track.mastering->luminance_max / kMasteringUnits;
  if (track.light && track.light->max >= kContentPeakMin)
    peak = std::min<std::uint32_t>(track.light->max, peak.value_or(kPeakMax));
  return std::clamp(peak.value_or(kPeakUsual), kSdrWhite, kPeakMax);  // Below white there is nothing to bring down.
}

bool is_wide(std::uint8_t primaries) {
  return primaries == kPrimariesBt2020 || primaries == kPrimariesDciP3 || primaries == kPrimariesDisplayP3;
}

// A matrix that players guess wrong.
bool is_rare(std::uint8_t matrix) {
  return matrix == kMatrixFcc || matrix == kMatrixSmpte240 || matrix == kMatrixYcgco || matrix == kMatrixBt2020;
}

// Those that are a change of weights only. The others need light (constant luminance, ICtCp) or primaries (derived ones).
Result<> check_matrix(std::uint8_t matrix) {
  if (matrix <= kMatrixBt2020 && matrix != 3) return {};
  return fail(FaultKind::kInput,
              "colours of matrix " + std::to_string(matrix) +
                  " (ISO/IEC 23091-2) cannot be changed to BT.709; encode the source with BT.2020 non-constant "
                  "luminance or BT.709");
}

// What scaled frames are: of limited range, and no longer red, green and blue.
Colour scaled(Colour colour) {
  colour.full_range = false;
  if (colour.matrix == kMatrixRgb) colour.matrix = colour.primaries == kPrimariesBt2020 ? kMatrixBt2020 : kMatrixBt709;
  if (is_hdr(colour) && colour.primaries == kUnspecified) colour.primaries = kPrimariesBt2020;
  if (colour.primaries == kPrimariesBt2020 && colour.matrix == kUnspecified) colour.matrix = kMatrixBt2020;
  return colour;
}

RenditionColour kept_hdr(const VideoTrack& track) {
  RenditionColour result{.tags = scaled(track.colour), .done = "kept"};
  if (track.mastering && makes_sense(*track.mastering)) result.mastering = track.mastering;
  if (track.light && track.light->max >= kContentPeakMin) result.light = track.light;
  if (track.mastering && !result.mastering) result.done += "; its mastering display makes no sense and is left out";
  return result;
}

Result<RenditionColour> tone_mapped(const VideoTrack& track) {
  ColourChange change{.from = scaled(track.colour), .peak = peak_of(track)};
  TRY(check_matrix(change.from.matrix));
  change.to = {.primaries = kPrimariesBt709, .transfer = kTransferBt709, .matrix = kMatrixBt709, .chroma_location = kChromaLeft};
  return RenditionColour{.tags = change.to,
                         .recolour = change,
                         .done = "tone-mapped from " + std::string(track.colour.transfer == kTransferPq ? "PQ" : "HLG") +
                                 " with a peak of " + std::to_string(change.peak) + " cd/m2"};
}

Result<RenditionColour> kept_sdr(const VideoTrack& track) {
  RenditionColour result{.tags = scaled(track.colour), .done = "kept"};
  const Colour from = result.tags;
  const bool wide = is_wide(from.primaries);
  if (track.colour.matrix == kMatrixRgb) result.done = "from red, green and blue to BT.709";
  if (!wide && !is_rare(from.matrix)) return result;
  TRY(check_matrix(from.matrix));
  Colour& to = result.tags;
  to.matrix = kMatrixBt709;
  to.chroma_location = kChromaLeft;
  if (wide) {
    to.primaries = kPrimariesBt709;
    // BT.2020's transfers are BT.709's with more digits.
    const bool as_bt709 =
        to.transfer == kUnspecified || to.transfer == kTransferBt2020Ten || to.transfer == kTransferBt2020Twelve;
    if (as_bt709) to.transfer = kTransferBt709;
  }
  result.recolour = ColourChange{.from = from, .to = to};
  result.done = wide ? "from a wide gamut to BT.709" : "from matrix " + std::to_string(from.matrix) + " to that of BT.709";
  return result;
}

}  // namespace

bool makes_sense(const MasteringDisplay& display) {
  const auto inside = [](const Chromaticity& point) { return point.x > 0 && point.y > 0 && point.x + point.y <= 50'000; };
  return display.luminance_max >= kMasteringPeakMin * kMasteringUnits && display.luminance_max <= kPeakMax * kMasteringUnits &&
         display.luminance_min < display.luminance_max && inside(display.red) && inside(display.green) && inside(display.blue) &&
         inside(display.white);
}

Result<RenditionColour> rendition_colour(const VideoTrack& track, DynamicRange wanted) {
  if (!is_hdr(track.colour)) return kept_sdr(track);
  if (wanted == DynamicRange::kHdr) return kept_hdr(track);
  return tone_mapped(track);
}

}  // namespace gopmill
