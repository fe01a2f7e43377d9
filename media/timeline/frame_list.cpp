#include "media/timeline/frame_list.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "base/check.h"

namespace gopmill {

namespace {

constexpr std::int64_t kTicksPerSecondMin = 10'000;
// A last frame shown for longer than this is a container's fancy (a whole file's duration written into one sample).
constexpr std::int64_t kLastDurationSecondsMax = 10;

std::int64_t time_of(const PacketFacts& packet) { return packet.pts != INT64_MIN ? packet.pts : packet.dts; }

bool is_listed(const PacketFacts& packet) { return packet.visible && !packet.discard && time_of(packet) != INT64_MIN; }

struct Shown {
  std::int64_t raw = 0;
  std::uint32_t packet = 0;
};

std::vector<Shown> from_packets(const std::vector<PacketFacts>& packets, const DecodedFrames& decoded) {
  const std::int64_t first = time_of(packets[decoded.shown.front()]);
  std::vector<Shown> shown;
  for (std::uint32_t i = 0; i < packets.size(); ++i) {
    if (is_listed(packets[i]) && time_of(packets[i]) >= first) shown.push_back({time_of(packets[i]), i});
  }
  std::sort(shown.begin(), shown.end(), [](const Shown& a, const Shown& b) { return a.raw < b.raw; });
  return shown;
}

// Where packets carry only decoding times (AVI), a frame is shown when the decoder gives it out: at the decoding time of the
// packet that made it do so, which is how every player that reads AVI has always timed it. The last ones, given out when
// there are no more packets, follow at the distance of those before.
std::vector<std::int64_t> decoding_times(const std::vector<PacketFacts>& packets, const DecodedFrames& decoded) {
  std::vector<std::int64_t> times;
  for (std::size_t i = 0; i < decoded.shown.size(); ++i) {
    const std::uint32_t at = i < decoded.given_at.size() ? decoded.given_at[i] : decoded.shown[i];
    if (at != kAtTheEnd && packets[at].dts != INT64_MIN) {
      times.push_back(packets[at].dts);
    } else if (times.size() >= 2) {
      times.push_back(2 * times.back() - times[times.size() - 2]);
    } else {
      times.push_back(packets[decoded.shown[i]].dts);
    }
  }
  return times;
}

// The decoder's order is the truth; times are dealt out to it in rising order, so a clock that jumps back moves no frame.
std::vector<Shown> from_frames(const std::vector<PacketFacts>& packets, const DecodedFrames& decoded) {
  const bool all_have_pts =
      std::all_of(decoded.shown.begin(), decoded.shown.end(), [&](std::uint32_t i) { return packets[i].pts != INT64_MIN; });
  const std::vector<std::int64_t> by_decoding = all_have_pts ? std::vector<std::int64_t>() : decoding_times(packets, decoded);
  std::vector<Shown> shown;
  std::vector<std::int64_t> times;
  for (std::size_t i = 0; i < decoded.shown.size(); ++i) {
    const PacketFacts& packet = packets[decoded.shown[i]];
    if (packet.discard) continue;
    const std::int64_t raw = packet.pts != INT64_MIN ? packet.pts : by_decoding[i];
    if (raw == INT64_MIN) continue;
    shown.push_back({raw, decoded.shown[i]});
    times.push_back(raw);
  }
  std::sort(times.begin(), times.end());
  for (std::size_t i = 0; i < shown.size(); ++i) shown[i].raw = times[i];
  return shown;
}

std::int64_t median_distance(const std::vector<SourceFrame>& frames) {
  if (frames.size() < 2) return 0;
  std::vector<std::int64_t> distances;
  for (std::size_t i = 1; i < frames.size(); ++i) distances.push_back(frames[i].pts - frames[i - 1].pts);
  const auto middle = distances.begin() + static_cast<std::ptrdiff_t>(distances.size() / 2);
  std::nth_element(distances.begin(), middle, distances.end());
  return *middle;
}

}  // namespace

Rational refined_base(Rational stream_base) {
  GOPMILL_CHECK(stream_base.den > 0);
  if (stream_base.num <= 0) return {1, 90'000};
  std::int64_t den = stream_base.den;
  while (den < kTicksPerSecondMin) den *= den * 10 <= kTicksPerSecondMin ? 10 : 2;
  return {1, std::min(den, kTicksPerSecondMax)};
}

std::string why_packets_do_not_tell(const std::vector<PacketFacts>& packets, const DecodedFrames& probe) {
  std::unordered_set<std::int64_t> seen;
  for (const PacketFacts& packet : packets) {
    if (!packet.visible) continue;
    if (packet.pts == INT64_MIN) return "packets without timestamps";
    if (!seen.insert(packet.pts).second) return "packets that share a timestamp";
  }
  const std::unordered_set<std::uint32_t> frames(probe.shown.begin(), probe.shown.end());
  const std::int64_t from = time_of(packets[probe.shown.front()]);
  const std::int64_t to = time_of(packets[probe.shown.back()]);
  if (frames.size() != probe.shown.size()) return "packets that give more than one frame";
  for (std::size_t i = 1; i < probe.shown.size(); ++i) {
    if (time_of(packets[probe.shown[i]]) < time_of(packets[probe.shown[i - 1]]))
      return "frames that come out of the order of their timestamps";
  }
  for (std::uint32_t i = 0; i < packets.size(); ++i) {
    if (packets[i].visible && packets[i].pts >= from && packets[i].pts <= to && !frames.contains(i)) {
      return "packets that give no frame of their own";
    }
  }
  return {};
}

SourceFrameList list_frames(const std::vector<PacketFacts>& packets, Rational stream_base, const DecodedFrames& decoded) {
  GOPMILL_CHECK(!decoded.shown.empty());
  SourceFrameList list;
  const std::vector<Shown> shown = decoded.whole ? from_frames(packets, decoded) : from_packets(packets, decoded);
  if (shown.empty()) return list;
  const Rational base = refined_base(stream_base);
  list.first_raw = shown.front().raw;
  list.frames.reserve(shown.size());
  std::unordered_map<std::uint32_t, std::int64_t> shown_at;  // better known than what a packet says of itself
  for (const Shown& frame : shown) {
    std::int64_t pts = rescale(frame.raw - list.first_raw, stream_base, base);
    if (!list.frames.empty() && pts <= list.frames.back().pts) {
      pts = list.frames.back().pts + 1;
      ++list.moved;
    }
    list.frames.push_back({pts, frame.packet});
    if (decoded.whole) shown_at.emplace(frame.packet, pts);
  }
  for (std::uint32_t i = 0; i < packets.size(); ++i) {
    const std::int64_t time = time_of(packets[i]);
    const auto known = shown_at.find(i);
    if (packets[i].key && time != INT64_MIN) {
      const std::int64_t pts = known != shown_at.end() ? known->second : rescale(time - list.first_raw, stream_base, base);
      list.keys.push_back({i, pts, packets[i].clean});
    }
    if (packets[i].visible && !packets[i].discard && time != INT64_MIN && time < list.first_raw) ++list.undecodable_head;
  }
  const std::int64_t median = median_distance(list.frames);
  const std::int64_t claimed = rescale(packets[list.frames.back().packet].duration, stream_base, base);
  const bool sane = claimed > 0 && claimed <= base.den * kLastDurationSecondsMax;
  list.last_duration = std::max<std::int64_t>(1, sane ? claimed : median > 0 ? median : base.den / 25);
  return list;
}

}  // namespace gopmill
