#include "media/steps/analyse/linear_read.h"

#include <algorithm>

#include "media/package/bitstream.h"

namespace gopmill {

namespace {

// No video has times beyond this, in ticks of any base; twice it can still be added up.
constexpr std::int64_t kTicksMax = INT64_MAX / 4;

// The end of a recording, before this packet: what is marked there shared a packet of the multiplexer with what was cut off.
void unmark_end(std::vector<AudioTime>& packets, std::uint32_t end) {
  for (std::uint32_t i = end; i-- > 0 && packets[i].corrupt;) packets[i].corrupt = false;
}

// Puts all times on one clock, and finds where each track of audio begins and ends on it.
void read_clocks(LinearRead& read, const ChosenTracks& chosen, const std::vector<av::StreamFacts>& streams) {
  std::vector<AudioTimes> audio;
  for (const std::uint32_t index : chosen.audio) {
    read.audio[index].times.base = streams[index].parameters.base;
    audio.push_back(read.audio[index].times);
  }
  const Rational frame_base = chosen.video ? streams[*chosen.video].parameters.base : Rational{1, 1};
  read.clock = frame_clock(read.video, frame_base, read.is_broadcast, audio);
  // Where recordings were joined, the counters of a transport stream break too, and libav marks the packet before the join
  // as damaged. It was whole in its own recording; if it was not, its decoder will tell.
  for (const ClockShift& shift : read.clock) {
    for (std::uint32_t i = shift.packet; i-- > 0 && (i + 1 == shift.packet || read.video[i].corrupt);)
      read.video[i].corrupt = false;
  }
  join_epochs(read.video, read.clock);
  for (const std::uint32_t index : chosen.audio) {
    LinearRead::Audio& track = read.audio[index];
    track.clock = audio_clock(track.times, read.clock, frame_base, !chosen.video, read.is_broadcast);
    for (const ClockShift& shift : track.clock) unmark_end(track.times.packets, shift.packet);
    // The last packet of a broadcast is where its recording was stopped.
    if (read.is_broadcast && track.packets > 1 && track.times.packets.back().corrupt) {
      track.times.packets.pop_back();
      unmark_end(track.times.packets, --track.packets);
    }
    ClockFollower clock(track.clock);
    for (std::uint32_t i = 0; i < track.times.packets.size(); ++i) {
      AudioTime& packet = track.times.packets[i];
      if (packet.pts == INT64_MIN) continue;
      packet.pts += clock.at(i);
      track.first = std::min(track.first, packet.pts);
      track.end = std::max(track.end, packet.pts + packet.duration);
    }
  }
}

}  // namespace

Result<LinearRead> read_all_packets(int source, ChosenTracks& chosen, SideTrackReader& side_tracks, ParentLine& parent) {
  av::Demuxer demuxer = TRY(av::Demuxer::open(source));
  std::vector<std::uint32_t> keep = chosen.audio;
  if (chosen.video) keep.push_back(*chosen.video);
  keep.insert(keep.end(), side_tracks.streams().begin(), side_tracks.streams().end());
  demuxer.keep_only(keep);
  LinearRead read;
  read.audio.resize(demuxer.streams().size());
  std::uint64_t packets = 0;
  while (auto item = TRY(demuxer.next())) {
    JournalPacket& packet = item->packet;
    if (packet.pts > kTicksMax || packet.pts < -kTicksMax) packet.pts = INT64_MIN;
    if (packet.dts > kTicksMax || packet.dts < -kTicksMax) packet.dts = INT64_MIN;
    parent.progress(++packets);
    if (chosen.video && item->stream == *chosen.video) {
      if (read.video.size() >= kSourceFramesMax)
        return fail(FaultKind::kInput, "more than " + std::to_string(kSourceFramesMax) + " frames");
      const StreamParameters& parameters = demuxer.streams()[item->stream].parameters;
      PacketFacts facts{packet.pts,     packet.dts,   packet.duration,
                        packet.key,     false,        shows_frame(parameters.codec, packet.bytes),
                        packet.discard, item->corrupt};
      facts.clean = packet.key && starts_cleanly(parameters.codec, parameters.extradata, packet.bytes);
      read.video.push_back(facts);
      read.video_bytes += packet.bytes.size();
      continue;
    }
    if (side_tracks.wants(item->stream)) {
      TRY(side_tracks.take(item->stream, packet));
      continue;
    }
    LinearRead::Audio& audio = read.audio[item->stream];
    if (++audio.packets > kSourceFramesMax)
      return fail(FaultKind::kInput, "more than " + std::to_string(kSourceFramesMax) + " packets of audio");
    audio.bytes += packet.bytes.size();
    audio.times.packets.push_back({packet.discard ? INT64_MIN : packet.pts,
                                   static_cast<std::int32_t>(std::clamp<std::int64_t>(packet.duration, 0, INT32_MAX)),
                                   static_cast<std::uint32_t>(read.video.size()), item->corrupt});
  }
  read.cut = demuxer.truncation();
  read.is_broadcast = demuxer.clock_may_jump();
  if (chosen.video && read.video.empty()) {
    if (chosen.audio.empty()) return fail(FaultKind::kInput, "the video track has no packets");
    chosen.notes.push_back("video track " + track_name(demuxer.streams()[*chosen.video]) + " has no packets and is not carried");
    chosen.video.reset();
  }
  if (chosen.video) read.counted = count_times(read.video, demuxer.streams()[*chosen.video].parameters.base);
  read_clocks(read, chosen, demuxer.streams());
  return read;
}

}  // namespace gopmill
