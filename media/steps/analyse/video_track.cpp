#include "media/steps/analyse/video_track.h"

#include <algorithm>

#include "media/steps/analyse/frame_probe.h"
#include "media/steps/analyse/scan.h"
#include "media/steps/analyse/source_colour.h"
#include "media/timeline/losses.h"

namespace gopmill {

namespace {

constexpr int kProbeThreads = 2;
// profile_idc of H.264 Baseline (ISO/IEC 14496-10 A.2.1); libavcodec adds flags for constraints above it.
constexpr int kH264ProfileNumber = 0xff;
constexpr int kH264Baseline = 66;

void describe_frames(VideoTrack& track, const av::StreamFacts& stream, const std::vector<av::FrameFacts>& frames) {
  const av::FrameFacts& first = frames.front();
  track.stream = stream.index;
  track.codec = stream.parameters.codec;
  track.width = first.width;
  track.height = first.height;
  track.orientation = stream.orientation;
  const Rational container = stream.parameters.sample_aspect;
  track.sample_aspect = container.num > 0 ? container : first.sample_aspect.num > 0 ? first.sample_aspect : Rational{1, 1};
  track.coded_aspect = first.sample_aspect.num > 0 ? first.sample_aspect : Rational{0, 1};
  describe_colour(track, stream, frames);
  track.bit_depth = first.bit_depth;
}

// By the flags of most frames, for where the frames themselves cannot tell.
Result<> ask_frames_for_scan(int source, const LinearRead& read, const std::vector<av::FrameFacts>& frames, VideoTrack& track,
                             ParentLine& parent) {
  const auto interlaced = std::ranges::count_if(frames, &av::FrameFacts::interlaced);
  const auto bottom_first = std::ranges::count_if(frames, [](const av::FrameFacts& p) { return !p.top_first; });
  const bool flagged = 2 * static_cast<std::size_t>(interlaced) > frames.size();
  return find_scan(source, read.video, flagged, 2 * bottom_first <= interlaced, track, parent);
}

Result<> check_size(const VideoTrack& track) {
  const std::int64_t pixels = static_cast<std::int64_t>(track.width) * track.height;
  if (track.width < 1 || track.height < 1 || track.width > kSourceWidthMax || track.height > kSourceHeightMax ||
      pixels > kSourcePixelsMax) {
    return fail(FaultKind::kInput,
                "frames of " + std::to_string(track.width) + "x" + std::to_string(track.height) + " are outside the limits");
  }
  return {};
}

// Where decoding must begin for the last frame to be right.
std::uint32_t start_of_end(const std::vector<PacketFacts>& packets) {
  int keys = 0;
  for (auto i = static_cast<std::uint32_t>(packets.size()); i-- > 0;) {
    if (packets[i].key) keys += packets[i].clean ? 2 : 1;
    if (keys >= 2) return i;
  }
  return 0;
}

// A recording of a broadcast, or a stream without a container, was stopped somewhere, most often inside its last packet. That
// is no loss: nobody ever had the rest. What decodes of the last frame is shown; where nothing does, it is left out. `probe`
// decoded the end.
// Where packets tell (`one_to_one`), a last packet without a frame is one that was cut off; elsewhere it may be a second field.
void settle_end(std::vector<PacketFacts>& packets, FrameProbe& probe, bool one_to_one, VideoFindings& result) {
  const auto last = static_cast<std::uint32_t>(packets.size() - 1);
  const bool shown = std::ranges::find(probe.frames.shown, last) != probe.frames.shown.end();
  const bool refused = std::erase(probe.events.refused, last) > 0;
  const bool concealed = std::erase(probe.events.concealed, last) > 0;
  if (shown && (refused || concealed || packets[last].corrupt)) {
    result.track.cut_off = last;
    result.notes.emplace_back("the recording ends inside its last frame, which is shown as far as it decodes");
  } else if (!shown && (one_to_one || refused || packets[last].corrupt)) {
    packets[last].discard = true;
    result.notes.emplace_back("the recording ends inside its last frame, which is left out");
  }
  packets[last].corrupt = false;
}

// A run may begin only where decoding alone gives what decoding from the first packet on gave.
void drop_damaged_keys(std::vector<KeyPacket>& keys, const FrameProbe& probe, std::uint32_t packets) {
  std::vector<bool> whole(packets);
  for (const std::uint32_t i : probe.frames.shown) whole[i] = true;
  for (const std::uint32_t i : probe.events.concealed) whole[i] = false;
  for (const std::uint32_t i : probe.events.refused) whole[i] = false;
  std::erase_if(keys, [&](const KeyPacket& key) { return !whole[key.packet]; });
}

// Why the whole track must be decoded before its frames are known; empty: packets tell.
std::string why_decode(const AnalyseRequest& request, const LinearRead& read, const FrameProbe& probe) {
  if (request.decode_all) return "asked for";
  if (request.damage == Damage::kSalvage) return "damage is to be salvaged";
  if (!read.clock.empty()) return "a clock that is set anew";
  if (read.counted) return "packets without timestamps";
  return why_packets_do_not_tell(read.video, probe.frames);
}

Result<> take_frames(const av::StreamFacts& stream, const LinearRead& read, const FrameProbe& probe, VideoFindings& result) {
  VideoTrack& track = result.track;
  SourceFrameList list = list_frames(read.video, stream.parameters.base, probe.frames);
  if (list.frames.empty())
    return fail(FaultKind::kInput, "every frame that can be decoded lies outside of the track's edit list");
  track.base = refined_base(stream.parameters.base);
  if (static_cast<double>(list.frames.back().pts) * track.base.value() > kSourceSecondsMax) {
    return fail(FaultKind::kInput,
                "the frames span more than " + std::to_string(static_cast<int>(kSourceSecondsMax / 3600)) + " hours");
  }
  if (list.undecodable_head > 0) {
    result.notes.push_back(std::to_string(list.undecodable_head) +
                           " packets before the first decodable frame are not carried: the recording starts inside a GOP");
  }
  if (std::ranges::any_of(probe.facts, &av::FrameFacts::has_captions))
    result.notes.emplace_back("captions inside the frame (CEA-608 or 708) are not carried");
  if (list.moved > 0)
    result.notes.push_back(std::to_string(list.moved) + " frames that share a timestamp were moved apart by a tick");
  track.frames = std::move(list.frames);
  track.keys = std::move(list.keys);
  track.packets = static_cast<std::uint32_t>(read.video.size());
  track.bytes = read.video_bytes;
  track.plain_coding = stream.parameters.codec == "h264" && (stream.parameters.profile & kH264ProfileNumber) == kH264Baseline;
  track.last_duration = list.last_duration;
  track.starts_at = static_cast<double>(list.first_raw) * stream.parameters.base.value();
  result.first_raw = list.first_raw;
  return {};
}

}  // namespace

Result<VideoFindings> analyse_video(int source, const av::StreamFacts& stream, LinearRead& read, const AnalyseRequest& request,
                                    ParentLine& parent) {
  // Which packet makes a decoder give out a frame, which it refuses and which it conceals is blurred by its threads (libavcodec marks a
  // frame only after it was given out), and counts wherever the whole track is decoded.
  const bool salvage = request.damage == Damage::kSalvage;
  const bool counts = request.decode_all || salvage || read.counted ||
                      std::ranges::any_of(read.video, [](const PacketFacts& p) { return p.pts == INT64_MIN; });
  const ProbeRange range{.whole = request.decode_all || salvage, .threads = counts ? 1 : kProbeThreads};
  FrameProbe probe = TRY(probe_frames(source, stream.index, range, parent));
  if (probe.frames.shown.empty()) {
    return fail(FaultKind::kInput, "no frame of the " + stream.parameters.codec + " track can be decoded" +
                                       (probe.events.reason.empty() ? "" : ": " + probe.events.reason));
  }
  VideoFindings result;
  result.track.evidence_reason = why_decode(request, read, probe);
  const bool decoded = !result.track.evidence_reason.empty();
  if (decoded && (!probe.frames.whole || range.threads > 1))
    probe = TRY(probe_frames(source, stream.index, {.whole = true, .threads = 1}, parent));
  result.track.evidence = decoded ? Evidence::kDecoded : Evidence::kPackets;
  if ((read.is_broadcast || read.counted) && decoded) settle_end(read.video, probe, false, result);
  if (read.is_broadcast && !decoded) {
    FrameProbe end = TRY(probe_frames(source, stream.index, {start_of_end(read.video), true, 1}, parent));
    settle_end(read.video, end, true, result);
  }
  probe.frames.whole = decoded;
  describe_frames(result.track, stream, probe.facts);
  TRY(check_size(result.track));
  TRY(note_what_stays(result.track, stream, probe.facts, result.notes));
  TRY(take_frames(stream, read, probe, result));
  TRY(ask_frames_for_scan(source, read, probe.facts, result.track, parent));
  if (salvage) drop_damaged_keys(result.track.keys, probe, result.track.packets);
  const Rational base = stream.parameters.base;
  result.losses = decoded ? frame_losses(read.video, probe.frames, probe.events, base, result.first_raw)
                          : marked_losses(read.video, base, result.first_raw);
  if (!read.clock.empty()) result.notes.push_back(clock_note(read.clock, base));
  if (read.counted) {
    const bool rate_named = std::ranges::all_of(read.video, [](const PacketFacts& p) { return p.duration > 0; });
    result.notes.emplace_back(rate_named ? "no frame has a timestamp: they follow each other at the rate that the stream names"
                                         : "no frame has a timestamp, and the stream names no rate: taken for 25 a second");
  }
  return result;
}

}  // namespace gopmill
