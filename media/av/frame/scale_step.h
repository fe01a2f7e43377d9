#pragma once

#include <string>

#include "media/av/frame/filter.h"

namespace gopmill::av {

// The part of a filter graph that brings upright frames of the libav pixel format `from` to a target's size: "scale=…,format=…".
// Frames keep the matrix of `colour`; ranges and chroma positions come out right; red, green and blue become Y'CbCr of
// BT.709 (of BT.2020 where the primaries are). A target that is recoloured comes out as planes of 10 bits without subsampling,
// which is what media/signal/tone_map.h takes.
std::string scale_step(const Colour& colour, int from, const FrameTarget& target);

}  // namespace gopmill::av
