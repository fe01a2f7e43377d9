#pragma once

#include "media/task/timeline.h"

// Where a frame goes in a rendition's frame. PURE.

namespace gopmill {

// The frame that a rendition's size was computed from: the source's first.
struct FrameShape {
  int width = 0, height = 0;     // as decoded, lying as it was coded
  Rational sample_aspect{1, 1};  // of the file: the container's word, or else the stream's
  Rational coded_aspect{0, 1};   // the stream's own; 0: it says none
  int quarter_turns = 0;
  friend bool operator==(const FrameShape&, const FrameShape&) = default;
};

struct FrameBox {
  int x = 0, y = 0, width = 0, height = 0;
  friend bool operator==(const FrameBox&, const FrameBox&) = default;
};

// All of a frame of target_width x target_height for a frame like `planned`. For one that has changed its size or its own
// sample aspect on the way (a broadcast that goes from 16:9 to 4:3): the largest box in the middle that keeps its aspect, and
// black bars round it; sides and places are even, and bars of less than two pixels are none. `own_aspect`: 0 if it says none.
FrameBox box_for(const FrameShape& planned, int width, int height, Rational own_aspect, int target_width, int target_height);

}  // namespace gopmill
