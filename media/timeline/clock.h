#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "media/task/timeline.h"
#include "media/timeline/frame_list.h"

// Sources whose clock is set anew on the way: recordings joined end to end, a broadcast spliced or its multiplexer
// restarted. PURE.
//
// The timeline is cut into epochs where the video track's decoding times break, and each epoch begins where the one
// before it ends: nothing is shown twice, nothing is lost, and no still frame fills hours that never were. A step back
// is a break in every container, because decoding times never fall. A step forward is one only where the container's
// clock may jump (MPEG transport and program streams) and only beyond kClockForwardMax, the limit other players use;
// elsewhere, and below it, it is a gap and stays one. An outage of the transmission and a reset of its clock look alike
// in the stream; taking the first for the second costs nobody a frame.
// Why: docs/decisions/19-epochs.md.
//
// Audio follows the frame's epochs, packet by packet, so it stays beside it: of the epochs near its place in the file a
// packet belongs to the one that continues what was heard before. Without frames the audio's own breaks count.

namespace gopmill {

inline constexpr Rational kClockBackMax{1, 10};     // s; a fall in decoding times below it is jitter of a bad multiplexer
inline constexpr Rational kClockForwardMax{10, 1};  // s

// A packet of audio as the linear read saw it; its place in the vector is its ordinal.
struct AudioTime {
  std::int64_t pts = INT64_MIN;  // ticks of the stream's base
  std::int32_t duration = 0;
  std::uint32_t frames_before = 0;  // packets of the video track that stand before it in the file
  bool corrupt = false;             // the container marks it as damaged
};
struct AudioTimes {
  std::vector<AudioTime> packets;
  Rational base{1, 1};
};

// Elementary streams have no clock, only a rate: where no packet has a time, each is given the sum of the durations before it, in
// the order of the file, which is that of decoding. True where that was so.
bool count_times(std::vector<PacketFacts>& packets, Rational base);

// Where the video track's clock breaks. `jumps_forward`: the container is one whose clock may; a gap through which any
// audio goes on is one of the frames alone, and stays.
std::vector<ClockShift> frame_clock(const std::vector<PacketFacts>& packets, Rational base, bool jumps_forward,
                                    const std::vector<AudioTimes>& audio);

// `frame`: what frame_clock() found, in `frame_base`; `alone`: there is no video track.
std::vector<ClockShift> audio_clock(const AudioTimes& audio, const std::vector<ClockShift>& frame, Rational frame_base,
                                    bool alone, bool jumps_forward);

// What is added to the times of packet `ordinal`, which never falls from call to call.
class ClockFollower {
 public:
  explicit ClockFollower(const std::vector<ClockShift>& shifts) : shifts_(shifts) {}
  std::int64_t at(std::uint32_t ordinal) {
    while (next_ < shifts_.size() && shifts_[next_].packet <= ordinal) ticks_ = shifts_[next_++].ticks;
    return ticks_;
  }

 private:
  const std::vector<ClockShift>& shifts_;
  std::size_t next_ = 0;
  std::int64_t ticks_ = 0;
};

// Puts all times of the track on the first epoch's clock.
void join_epochs(std::vector<PacketFacts>& packets, const std::vector<ClockShift>& shifts);

// For people: "the source's clock jumps 2 times (first by -3600.000 s); the parts follow each other without a gap".
// Precondition: `shifts` is not empty.
std::string clock_note(const std::vector<ClockShift>& shifts, Rational base);

}  // namespace gopmill
