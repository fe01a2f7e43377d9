#include "media/timeline/clock.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/check.h"

namespace gopmill {

namespace {

using Wide = __int128;  // sums of times that a file may claim to be anything

// Where only presentation times are known, reordering makes them fall by a few frames all the time.
constexpr Rational kClockBackMaxReordered{3, 1};
// Audio that begins again later than this after its last packet may have changed its epoch.
constexpr Rational kAudioGapMax{1, 1};
// Audio of an epoch may stand in the file before its first frame, and after its last: multiplexers keep both within a few seconds.
constexpr std::uint32_t kFramesAhead = 600;
constexpr std::size_t kEpochsAhead = 4;
// A last packet's duration is believed up to this, in seconds; then the next epoch follows at once.
constexpr Rational kDurationMax{1, 1};

Wide ticks_of(Rational seconds, Rational base) { return rescale(1, seconds, base); }

// The duration to assume for the packet at the end of an epoch.
Wide sane_duration(Wide step, Rational base) {
  return step > 0 && step <= ticks_of(kDurationMax, base) ? step : ticks_of({1, 25}, base);
}

// Does any audio that stands near frame packet `at` in the file audio between these two moments of its clock?
bool audio_goes_on(const std::vector<AudioTimes>& audio, std::uint32_t at, Timestamp from, Timestamp to) {
  for (const AudioTimes& track : audio) {
    const std::uint32_t first = at - std::min(at, kFramesAhead);
    auto packet = std::lower_bound(track.packets.begin(), track.packets.end(), first,
                                   [](const AudioTime& p, std::uint32_t before) { return p.frames_before < before; });
    for (; packet != track.packets.end() && packet->frames_before <= at + kFramesAhead; ++packet) {
      const Timestamp time{packet->pts, track.base};
      if (packet->pts != INT64_MIN && time > from && time < to) return true;
    }
  }
  return false;
}

}  // namespace

bool count_times(std::vector<PacketFacts>& packets, Rational base) {
  const auto timed = [](const PacketFacts& p) { return p.pts != INT64_MIN || p.dts != INT64_MIN; };
  if (packets.empty() || std::any_of(packets.begin(), packets.end(), timed)) return false;
  std::int64_t time = 0;
  for (PacketFacts& packet : packets) {
    packet.pts = time;
    time += static_cast<std::int64_t>(sane_duration(packet.duration, base));
  }
  return true;
}

std::vector<ClockShift> frame_clock(const std::vector<PacketFacts>& packets, Rational base, bool jumps_forward,
                                    const std::vector<AudioTimes>& audio) {
  const bool decoding_times =
      std::any_of(packets.begin(), packets.end(), [](const PacketFacts& p) { return p.dts != INT64_MIN; });
  const Wide back_max = ticks_of(decoding_times ? kClockBackMax : kClockBackMaxReordered, base);
  const Wide forward_max = ticks_of(kClockForwardMax, base);
  std::vector<ClockShift> shifts;
  Wide shift = 0, last = 0, shown_until = 0, step = 0;
  bool any = false;
  for (std::uint32_t i = 0; i < packets.size(); ++i) {
    const std::int64_t raw = decoding_times ? packets[i].dts : packets[i].pts;
    if (raw == INT64_MIN) continue;
    // A second or more of each end of a gap may hold audio of its own epoch.
    const auto is_gap = [&] {
      const std::int64_t from = static_cast<std::int64_t>(last - shift) + rescale(2, {1, 1}, base);
      return audio_goes_on(audio, i, {from, base}, {raw - rescale(2, {1, 1}, base), base});
    };
    const bool forward = any && jumps_forward && raw + shift > last + forward_max;
    if (any && (raw + shift < last - back_max || (forward && !is_gap()))) {
      shift = last + sane_duration(step, base) - raw;
      // An epoch with a shorter reorder delay would begin before the last frames of the one before it are shown.
      if (packets[i].pts != INT64_MIN) shift = std::max(shift, shown_until - packets[i].pts);
      shifts.push_back({i, static_cast<std::int64_t>(shift)});
    } else if (any) {
      step = raw + shift - last;
    }
    last = any && !decoding_times ? std::max(last, raw + shift) : raw + shift;
    if (packets[i].pts != INT64_MIN)
      shown_until = std::max(any ? shown_until : packets[i].pts + shift, packets[i].pts + shift + sane_duration(step, base));
    any = true;
  }
  return shifts;
}

std::vector<ClockShift> audio_clock(const AudioTimes& track, const std::vector<ClockShift>& frame, Rational frame_base,
                                    bool alone, bool jumps_forward) {
  const std::vector<AudioTime>& audio = track.packets;
  const Rational base = track.base;
  std::vector<Wide> epochs{0};
  for (const ClockShift& shift : frame) epochs.push_back(rescale(shift.ticks, frame_base, base));
  // Where there is video, the audio's own step back is dropped as an overlap, up to where that would lose too much.
  const Wide back_max = ticks_of(alone ? kClockBackMax : kClockForwardMax, base);
  const Wide forward_max = ticks_of(kClockForwardMax, base);
  const Wide jitter = ticks_of(kClockBackMax, base);
  const Wide gap = ticks_of(kAudioGapMax, base);
  std::vector<ClockShift> shifts;
  std::size_t epoch = 0;
  Wide own = 0, expected = 0;
  bool any = false;
  for (std::uint32_t i = 0; i < audio.size(); ++i) {
    if (audio[i].pts == INT64_MIN) continue;
    const auto step_in = [&](std::size_t e) { return audio[i].pts + epochs[e] + own - expected; };
    const auto size = [](Wide step) { return step < 0 ? -step : step; };
    if (any && (step_in(epoch) < -jitter || step_in(epoch) > gap)) {
      std::size_t best = epoch;
      for (std::size_t e = epoch + 1; e < epochs.size() && e <= epoch + kEpochsAhead; ++e) {
        if (frame[e - 1].packet > audio[i].frames_before + kFramesAhead) break;
        if (size(step_in(e)) < size(step_in(best))) best = e;
      }
      const Wide step = step_in(best);
      const bool own_break = step < -back_max || (jumps_forward && step > forward_max);
      if (own_break) own -= step;
      if (own_break || best != epoch) shifts.push_back({i, static_cast<std::int64_t>(epochs[best] + own)});
      epoch = best;
    }
    expected = audio[i].pts + epochs[epoch] + own + std::max(0, audio[i].duration);
    any = true;
  }
  return shifts;
}

void join_epochs(std::vector<PacketFacts>& packets, const std::vector<ClockShift>& shifts) {
  ClockFollower clock(shifts);
  for (std::uint32_t i = 0; i < packets.size(); ++i) {
    const std::int64_t ticks = clock.at(i);
    if (packets[i].pts != INT64_MIN) packets[i].pts += ticks;
    if (packets[i].dts != INT64_MIN) packets[i].dts += ticks;
  }
}

std::string clock_note(const std::vector<ClockShift>& shifts, Rational base) {
  GOPMILL_CHECK(!shifts.empty());
  char first[64];
  std::snprintf(first, sizeof first, "%.3f s", -Timestamp{shifts.front().ticks, base}.seconds());
  return "the source's clock is set anew " + std::to_string(shifts.size()) + (shifts.size() == 1 ? " time" : " times") +
         ", first by " + first + "; what comes after follows without a gap";
}

}  // namespace gopmill
