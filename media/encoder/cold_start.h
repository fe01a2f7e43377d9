#pragma once

#include <cstdint>
#include <optional>

#include "media/task/task.h"

// How an encoder that starts inside a video is brought to do what one does that has been encoding since the video's first frame.
// PURE. Rate control remembers: what it gives a key frame follows from the frames before it, which a cold encoder has not
// seen. Two cures: tell it what it would have come to by itself, where that can be computed (first_frame_factor), or let it encode
// some of those frames and drop them (memory_of). All numbers are from the encoders' sources (x264 r3095, x265 3.5,
// SVT-AV1 1.4) and proved by tests/bench/joins.
// Why: docs/decisions/06-joins.md.

namespace gopmill {

// How many times the bits a cold start would give its first frame that frame gets inside the video: the `b=` of a zone of
// one frame of x264 and x265. Nothing where it cannot be known beforehand, or where nothing is to be corrected (AV1 and VP9).
std::optional<double> first_frame_factor(const EncoderSettings& encoder);

// How many frames an encoder must have encoded before the rendition's frame number `first`, counted from 0, to be warm there; at
// most that many. These and more, back to the first of their GOP.
std::uint32_t memory_of(const EncoderSettings& encoder, Joins joins, std::uint64_t first);

}  // namespace gopmill
