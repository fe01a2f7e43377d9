#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "media/task/task.h"
#include "media/task/timeline.h"

namespace gopmill {

// Every frame of one rendition, over the whole job.
struct FrameList {
  Rational base{1, 1};               // VideoTrack::base, or that of a constant rate
  std::vector<PlannedFrame> frames;  // on the output timeline, ticks of `base`
  std::vector<std::uint32_t> shows;  // for each: the index of the SourceFrame it shows; never falling
  std::int64_t last_duration = 1;    // ticks until the video ends: every rendition ends at the same moment
};

// Which multiple of `length` seconds a time has reached. Clocks that count micro- or milliseconds say 1.99998 s where they mean 2 s, so a
// time that is up to half a millisecond early has reached it.
std::int64_t multiple_reached(std::int64_t ticks, Rational base, Rational length);

// The frame list of a rendition: which source frames it shows (all, or as few as `fps_max` asks), when (their own time,
// later by `shift` ticks, never negative) and where IDR frames are (the first frame, and the first that has reached each
// k x gop seconds).
// `track` has passed check_facts() and has at least one frame; fps_max and gop are above zero.
FrameList list_frames(const VideoTrack& track, std::optional<Rational> fps_max, Rational gop, std::int64_t shift);

// The same at a constant rate: output frame n is at n / fps on one grid that begins at the timeline's zero, and shows the last
// source frame that begins no later than its middle, so that clocks that tremble on the grid lose and double nothing. The
// first output frame is the first that has a source frame to show; the last is the first that shows the last source frame, and
// lasts as many whole frames as that does: how long is what a container claims, and no reason to repeat it. `base` holds the
// grid exactly, in ticks of at most 0.1 ms. `shift` is in ticks of track.base. `fps` has terms below 2^31.
FrameList list_constant_frames(const VideoTrack& track, Rational fps, Rational gop, std::int64_t shift);

// How many frames that would be, before any is listed.
std::uint64_t constant_frames(const VideoTrack& track, Rational fps);

// Frames per second as an encoder's rate control should assume it, of `frames` frames whose last is `span` ticks after
// the first: the mean, as the common rate it is (24000/1001, 25, 60…) where it is within 0.1 % of one, else in
// thousandths; 25 for a single frame; always in 1..240.
Rational mean_rate(std::size_t frames, std::int64_t span, Rational base);

}  // namespace gopmill
