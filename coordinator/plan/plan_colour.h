#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "media/task/colour.h"
#include "media/task/timeline.h"
#include "profiles/profile.h"

// What becomes of a source's colours in a rendition. PURE, and one answer for the whole file.
// Why: docs/decisions/15-colours.md.
//
// - HDR (PQ or HLG) in an `sdr` rendition is tone-mapped to BT.709. The curve's peak is the source's own: of PQ the brighter end
//   of its mastering display or MaxCLL, whichever is lower, where they make sense, else 1000 cd/m2; of HLG 1000.
// - HDR in an `hdr` rendition keeps its transfer, primaries and matrix, and the static metadata that makes sense. Where PQ or
//   HLG say nothing of primaries or matrix, BT.2020 is meant: nothing else goes with them (BT.2100).
// - SDR is SDR in both. BT.2020 and P3 become BT.709. Matrices that players do not know (SMPTE 240M, FCC, YCgCo), and BT.2020's
//   where primaries do not say so, become BT.709's; BT.601's stay. Red, green and blue become BT.709. What says nothing
//   keeps saying nothing.
// - Range becomes limited.

namespace gopmill {

// What no mastering display is darker than, cd/m2: SDR's own reference. Files hold zeros, and whole cd/m2 where ten-thousandths belong.
inline constexpr std::uint32_t kMasteringPeakMin = 100;
// The same for MaxCLL: below the white of SDR it would make any curve pointless.
inline constexpr std::uint32_t kContentPeakMin = 100;

struct RenditionColour {
  Colour tags;                           // of the finished file
  std::optional<ColourChange> recolour;  // none: scaled, and of limited range
  std::optional<MasteringDisplay> mastering;
  std::optional<ContentLight> light;
  std::string done;  // for people: "kept", "tone-mapped from PQ…"
};

// kInput where the source's matrix is one that cannot be changed and has to be.
Result<RenditionColour> rendition_colour(const VideoTrack& track, DynamicRange wanted);

// Whether a mastering display can be believed.
bool makes_sense(const MasteringDisplay& display);

}  // namespace gopmill
