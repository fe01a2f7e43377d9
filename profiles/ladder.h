#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "profiles/profile.h"

namespace gopmill {

// Which renditions of a profile one source gets, and how large each is. Pure: no clock, no file, no encoder.

// The largest frame made, as longer x shorter side: what H.264 levels 6 to 6.2 allow (MaxFS 139,264 macroblocks,
// ITU-T H.264 table A-1), which is also within AV1's and VP9's level 6.
inline constexpr int kFrameLongMax = 8192;
inline constexpr int kFrameShortMax = 4352;

// The smallest: 4:2:0 frames have even sides.
inline constexpr int kFrameSideMin = 2;

// A source's frames as they are stored, cropping applied.
struct StoredFrame {
  int width = 0;  // pixels; below 1 counts as 1
  int height = 0;
  Rational sample_aspect{1, 1};  // width of a stored pixel over its height; not positive: unknown, counts as 1:1
  int quarter_turns = 0;         // to be turned clockwise before it is shown
  std::optional<Rational> fps;   // mean rate in frames/s, where known; only used for notes
};

struct FrameSize {
  int width = 0;
  int height = 0;
  friend bool operator==(const FrameSize&, const FrameSize&) = default;
};

// The size in square pixels, upright. Lines are kept and the width is stretched or squeezed (720x576 at 64:45 is shown
// as 1024x576, 720x480 at 8:9 as 640x480), which is how broadcasters and players have always shown such frames; then
// the frame is turned. May be odd. Sides are at least 1 and at most 2^30.
FrameSize display_size(const StoredFrame& source);

struct Rung {
  RenditionProfile profile;  // as in the profile, unchanged
  int width = 0;             // pixels of the output, square, upright, even
  int height = 0;
  friend bool operator==(const Rung&, const Rung&) = default;
};

struct Ladder {
  std::vector<Rung> rungs;         // in the profile's order, largest first; empty only if the profile has no renditions
  std::vector<std::string> notes;  // for people and the report: what was dropped or bounded, and why
  friend bool operator==(const Ladder&, const Ladder&) = default;
};

// Sizes every rendition of `profile` for a source. A rendition's height means the SHORTER side of the frame as shown,
// so 1080x1920 held upright is "1080p" as 1920x1080 is. Nothing is upscaled: a rung with more lines than the source is
// dropped with a note; if that would drop all, the smallest rung is kept at the source's size. The aspect is kept, sides
// are rounded to the nearest even number (never above the source's, but at least 2) and bounded by kFrameLongMax x
// kFrameShortMax. Rungs of the same size are all kept unless nothing but their name differs.
Ladder fit_ladder(const Profile& profile, const StoredFrame& source);

}  // namespace gopmill
