#pragma once

#include <cstdint>
#include <map>

#include "base/time.h"

namespace gopmill::av {

// The times an encoder is told, which are the plan's except in bursts. Screen recorders and browsers stamp several frames alike;
// the analysis moves them apart by a tick of 0.1 ms, and an encoder that believes such a tick spends next to nothing on
// the frame (x264 0.164 with VBV: level limits times 0.1 ms allow a key frame 69 bytes). So no frame is said to follow
// the one before by less than half a frame's mean time or 10 ms, whichever is less: x264 itself takes shorter ones for
// 10 ms. What a burst is ahead of the truth is made up in the gap that follows.
//
// Nor by more than a second, the longest x264 itself takes one for: its VBV would hold back a twentieth of what arrives while the frame is
// shown, or a quarter in one of few rows, and where that is more than the buffer has, leave the frame next to nothing (a slide of
// 10 s in a buffer of 2 s, seen with x264 0.164). What arrives later than told only fills the buffer more.
//
// Packets get the plan's times back.
//
// libvpx is only told that frames follow one another: by constant quality it has no use for times, but takes each frame for one
// tick long (libavcodec 5.1) and would derive thousands of frames per second from that, and from these how far apart golden frames may be.
class EncoderClock {
 public:
  EncoderClock(Rational base, Rational frame_rate);
  EncoderClock() = default;  // counts frames
  // Plan times rise.
  std::int64_t told(std::int64_t planned);
  // Of a time that was told, once. What was never told comes back as it is: the caller finds it unplanned.
  std::int64_t planned(std::int64_t told);

 private:
  std::int64_t step_min_ = 0;  // ticks; 0: counts
  std::int64_t step_max_ = 0;
  bool first_ = true;
  std::int64_t behind_ = 0;  // what long frames have been cut by
  std::int64_t last_ = 0;
  std::map<std::int64_t, std::int64_t> planned_;  // by told time; as many as the encoder holds back
};

}  // namespace gopmill::av
