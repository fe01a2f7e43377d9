// What a source is, seen in its packets and in a few of its frames. One linear read gives every packet's times; a
// second one decodes the beginning (or everything, where packets do not tell) to learn which packets are frames.
// Long because: frames and audio are probed side by side from one linear read, which nothing else should know.

#include <algorithm>
#include <cmath>

#include "media/av/decode/decoder.h"
#include "media/av/decode/demuxer.h"
#include "media/av/frame/frame.h"
#include "media/package/bitstream.h"
#include "media/steps/analyse/scan.h"
#include "media/steps/analyse/side_track_reader.h"
#include "media/steps/analyse/source_colour.h"
#include "media/steps/work.h"
#include "media/timeline/clock.h"
#include "media/timeline/frame_list.h"
#include "media/timeline/losses.h"

namespace gopmill {

namespace {

// Frames decoded to see whether packets tell the truth: more than any reorder depth plus a field-coded second.
constexpr std::size_t kProbeFrames = 32;
// A probe that reads this far without a frame gives up: the track does not decode.
constexpr std::uint32_t kProbePacketsMax = 3000;
// Audio packets decoded after the first audio sample to find one with a timestamp.
constexpr std::uint32_t kProbeAudioPackets = 200;
constexpr int kProbeThreads = 2;
// Where audio begins is known this much finer than to a sample: the plan rounds it once, together with what the frame moves.
constexpr std::int64_t kPartsOfASample = 1000;
// profile_idc of H.264 Baseline (ISO/IEC 14496-10 A.2.1); libavcodec adds flags for constraints above it.
constexpr int kH264ProfileNumber = 0xff;
constexpr int kH264Baseline = 66;
// No video has times beyond this, in ticks of any base; twice it can still be added up.
constexpr std::int64_t kTicksMax = INT64_MAX / 4;

// Everything the linear read gathers.
struct Read {
  std::vector<PacketFacts> video;
  std::uint64_t video_bytes = 0;
  struct Audio {
    std::int64_t first = INT64_MAX, end = INT64_MIN;  // ticks of the stream's base
    std::uint32_t packets = 0;
    std::uint64_t bytes = 0;
    AudioTimes times;
    std::vector<ClockShift> clock;
  };
  std::vector<Audio> audio;           // by stream index
  std::vector<ClockShift> clock;      // of the video track
  std::optional<av::Truncation> cut;  // the file is shorter than it should be
  bool is_broadcast = false;          // its clock may jump and its end is anywhere
  bool counted = false;               // no frame has a time of its own
};

struct Chosen {
  std::optional<std::uint32_t> video;
  std::vector<std::uint32_t> audio;
  std::vector<std::string> notes;
};

std::string track_name(const av::StreamFacts& stream) {
  return std::to_string(stream.index) + " (" + stream.kind + (stream.language.empty() ? "" : ", " + stream.language) + ")";
}

// The track a player would show: the first real video track, and every audio track that has a known codec.
Chosen choose(const std::vector<av::StreamFacts>& streams) {
  Chosen chosen;
  std::size_t frames = 0;
  for (const av::StreamFacts& stream : streams) {
    if (stream.media == av::Media::kVideo && stream.is_still_image) {
      ++frames;
    } else if (stream.media == av::Media::kVideo && !chosen.video) {
      chosen.video = stream.index;
    } else if (stream.media == av::Media::kVideo) {
      chosen.notes.push_back("second video track " + track_name(stream) + " is not carried");
    } else if (stream.media == av::Media::kAudio && stream.kind != "unknown" && stream.parameters.sample_rate > 0) {
      chosen.audio.push_back(stream.index);
    } else if (stream.media == av::Media::kAudio) {
      chosen.notes.push_back("audio track " + track_name(stream) + " has no known codec and is not carried");
    }
  }
  if (frames > 1) chosen.notes.push_back("of " + std::to_string(frames) + " attached pictures only the cover counts");
  return chosen;
}

// The end of a recording, before this packet: what is marked there shared a packet of the multiplexer with what was cut off.
void unmark_end(std::vector<AudioTime>& packets, std::uint32_t end) {
  for (std::uint32_t i = end; i-- > 0 && packets[i].corrupt;) packets[i].corrupt = false;
}

// Puts all times on one clock, and finds where each track of audio begins and ends on it.
void read_clocks(Read& read, const Chosen& chosen, const std::vector<av::StreamFacts>& streams) {
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
    Read::Audio& track = read.audio[index];
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

// Chooses no video where the track that was chosen turns out to be empty.
Result<Read> read_all_packets(int source, Chosen& chosen, SideTrackReader& side_tracks, ParentLine& parent) {
  av::Demuxer demuxer = TRY(av::Demuxer::open(source));
  std::vector<std::uint32_t> keep = chosen.audio;
  if (chosen.video) keep.push_back(*chosen.video);
  keep.insert(keep.end(), side_tracks.streams().begin(), side_tracks.streams().end());
  demuxer.keep_only(keep);
  Read read;
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
    Read::Audio& audio = read.audio[item->stream];
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

struct Probe {
  DecodedFrames frames;
  std::vector<av::FrameFacts> facts;  // of the first kProbeFrames
  DecodeEvents events;
};

// What part of a track is decoded: from this packet on, and how much of it.
struct ProbeRange {
  std::uint32_t first = 0;
  bool whole = false;
  int threads = 1;
};

Result<Probe> probe_frames(int source, std::uint32_t stream, ProbeRange range, ParentLine& parent) {
  av::Demuxer demuxer = TRY(av::Demuxer::open(source));
  demuxer.keep_only({stream});
  av::Decoder decoder =
      TRY(av::Decoder::open(demuxer.streams()[stream].parameters, {.threads = range.threads, .cpu_independent = true}));
  Probe probe;
  probe.frames.whole = true;
  std::uint32_t sending = kAtTheEnd;
  const auto on_frame = [&](AVFrame& frame) -> Result<> {
    const av::FrameFacts facts = av::facts_of(frame);
    if (probe.facts.size() < kProbeFrames) probe.facts.push_back(facts);
    probe.frames.shown.push_back(static_cast<std::uint32_t>(facts.pts));
    probe.frames.given_at.push_back(sending);
    if (facts.damaged) probe.events.concealed.push_back(static_cast<std::uint32_t>(facts.pts));
    return {};
  };
  std::uint32_t packets = 0;
  while (auto item = TRY(demuxer.next())) {
    if (item->packet.ordinal < range.first) continue;
    sending = item->packet.ordinal;
    const std::uint64_t refused = decoder.refused();
    TRY(decoder.send(item->packet, on_frame));
    if (decoder.refused() > refused) probe.events.refused.push_back(sending);
    parent.progress(++packets);
    const bool enough = probe.frames.shown.size() >= kProbeFrames || (packets >= kProbePacketsMax && probe.frames.shown.empty());
    if (!range.whole && enough) {
      probe.frames.whole = false;
      break;
    }
  }
  sending = kAtTheEnd;
  if (probe.frames.whole) TRY(decoder.finish(on_frame));
  probe.events.reason = decoder.refused() > 0 ? decoder.last_refusal() : decoder.complaint();
  return probe;
}

struct FirstAudio {
  std::optional<av::AudioFacts> facts;  // of the first block that decodes; none: nothing of the track does
  std::optional<Timestamp> timed;       // the first timestamp of any block, else of any packet, in the stream's base
  std::int64_t untimed = 0;             // samples before that one; they have the first block's rate
  std::string refusal;

  // How long after `from` the first sample is heard. Within centuries, so that sums of it cannot overflow.
  [[nodiscard]] Timestamp after(Timestamp from) const {
    constexpr std::int64_t kFar = INT64_C(1) << 60;
    const Rational base{1, facts->sample_rate * kPartsOfASample};
    return {std::clamp(ticks_between(from, timed.value_or(from), base), -kFar, kFar) - untimed * kPartsOfASample, base};
  }
};

Result<FirstAudio> probe_audio(int source, std::uint32_t stream) {
  av::Demuxer demuxer = TRY(av::Demuxer::open(source));
  demuxer.keep_only({stream});
  FirstAudio first;
  auto decoder = av::Decoder::open(demuxer.streams()[stream].parameters, {.threads = 1, .cpu_independent = true});
  if (!decoder) {
    first.refusal = decoder.error().text;
    return first;
  }
  const Rational base = demuxer.streams()[stream].parameters.base;
  const auto on_audio = [&](AVFrame& frame) -> Result<> {
    const av::AudioFacts facts = av::audio_facts_of(frame);
    if (first.timed || facts.samples < 1 || facts.sample_rate < 1) return {};
    if (!first.facts) first.facts = facts;
    if (facts.pts != INT64_MIN) {
      first.timed = Timestamp{facts.pts, base};
    } else {
      first.untimed += rescale(facts.samples, {1, facts.sample_rate}, {1, first.facts->sample_rate});
    }
    return {};
  };
  // However much of its beginning is damaged: the task will begin with the first block that decodes, too.
  for (std::uint32_t after = 0; after < kProbeAudioPackets && !first.timed; after += first.facts ? 1 : 0) {
    auto item = TRY(demuxer.next());
    if (!item) {
      TRY(decoder->finish(on_audio));
      break;
    }
    TRY(decoder->send(item->packet, on_audio));
  }
  first.refusal = decoder->last_refusal();
  return first;
}

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
Result<> ask_frames_for_scan(int source, const Read& read, const std::vector<av::FrameFacts>& frames, VideoTrack& track,
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

struct Frames {
  VideoTrack track;
  std::int64_t first_raw = 0;  // ticks of the stream's base, on the first epoch's clock
  std::vector<Loss> losses;
  std::vector<std::string> notes;
};

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
void settle_end(std::vector<PacketFacts>& packets, Probe& probe, bool one_to_one, Frames& result) {
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
void drop_damaged_keys(std::vector<KeyPacket>& keys, const Probe& probe, std::uint32_t packets) {
  std::vector<bool> whole(packets);
  for (const std::uint32_t i : probe.frames.shown) whole[i] = true;
  for (const std::uint32_t i : probe.events.concealed) whole[i] = false;
  for (const std::uint32_t i : probe.events.refused) whole[i] = false;
  std::erase_if(keys, [&](const KeyPacket& key) { return !whole[key.packet]; });
}

// Why the whole track must be decoded before its frames are known; empty: packets tell.
std::string why_decode(const AnalyseRequest& request, const Read& read, const Probe& probe) {
  if (request.decode_all) return "asked for";
  if (request.damage == Damage::kSalvage) return "damage is to be salvaged";
  if (!read.clock.empty()) return "a clock that is set anew";
  if (read.counted) return "packets without timestamps";
  return why_packets_do_not_tell(read.video, probe.frames);
}

Result<> take_frames(const av::StreamFacts& stream, const Read& read, const Probe& probe, Frames& result) {
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

Result<Frames> analyse_video(int source, const av::StreamFacts& stream, Read& read, const AnalyseRequest& request,
                             ParentLine& parent) {
  // Which packet makes a decoder give out a frame, which it refuses and which it conceals is blurred by its threads (libavcodec marks a
  // frame only after it was given out), and counts wherever the whole track is decoded.
  const bool salvage = request.damage == Damage::kSalvage;
  const bool counts = request.decode_all || salvage || read.counted ||
                      std::ranges::any_of(read.video, [](const PacketFacts& p) { return p.pts == INT64_MIN; });
  const ProbeRange range{.whole = request.decode_all || salvage, .threads = counts ? 1 : kProbeThreads};
  Probe probe = TRY(probe_frames(source, stream.index, range, parent));
  if (probe.frames.shown.empty()) {
    return fail(FaultKind::kInput, "no frame of the " + stream.parameters.codec + " track can be decoded" +
                                       (probe.events.reason.empty() ? "" : ": " + probe.events.reason));
  }
  Frames result;
  result.track.evidence_reason = why_decode(request, read, probe);
  const bool decoded = !result.track.evidence_reason.empty();
  if (decoded && (!probe.frames.whole || range.threads > 1))
    probe = TRY(probe_frames(source, stream.index, {.whole = true, .threads = 1}, parent));
  result.track.evidence = decoded ? Evidence::kDecoded : Evidence::kPackets;
  if ((read.is_broadcast || read.counted) && decoded) settle_end(read.video, probe, false, result);
  if (read.is_broadcast && !decoded) {
    Probe end = TRY(probe_frames(source, stream.index, {start_of_end(read.video), true, 1}, parent));
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

// Audio that the container marks as damaged, on the timeline of the frames.
void add_damaged_audio(const Read::Audio& track, Timestamp zero, LossList& losses) {
  for (const AudioTime& packet : track.times.packets) {
    if (!packet.corrupt || packet.pts == INT64_MIN) continue;
    const double from = Timestamp{packet.pts, track.times.base}.seconds() - zero.seconds();
    const double to = from + Timestamp{packet.duration, track.times.base}.seconds();
    losses.add({DamageKind::kAudio, from, to, 1, "the container marks it as incomplete"});
  }
}

// Where the file ends although it should not: behind its last frame or audio.
Loss end_loss(const SourceFacts& facts, const Read& read, Timestamp zero) {
  double end = 0;
  if (facts.video) {
    const VideoTrack& track = *facts.video;
    end = Timestamp{track.frames.back().pts + track.last_duration, track.base}.seconds();
  }
  for (const Read::Audio& audio : read.audio) {
    if (audio.end > audio.first) end = std::max(end, Timestamp{audio.end, audio.times.base}.seconds() - zero.seconds());
  }
  const double until = read.cut->indexed_until ? read.cut->indexed_until->seconds() - zero.seconds() : end;
  return {DamageKind::kEnd, end, std::max(end, until), read.cut->packets, read.cut->text};
}

// What losses count from: the first frame, else the first audio.
Timestamp zero_of(const Read& read, std::optional<Timestamp> frame) {
  std::optional<Timestamp> zero = frame;
  for (const Read::Audio& audio : read.audio) {
    if (audio.first > audio.end || frame) continue;
    const Timestamp first{audio.first, audio.times.base};
    if (!zero || first < *zero) zero = first;
  }
  return zero.value_or(Timestamp{});
}

AudioTrack describe_audio(const av::StreamFacts& stream, const Read::Audio& read, const FirstAudio& first) {
  AudioTrack track;
  track.stream = stream.index;
  track.codec = stream.parameters.codec;
  track.sample_rate = first.facts->sample_rate;
  track.channels = first.facts->channels;
  track.language = stream.language;
  track.title = stream.title;
  track.is_default = stream.is_default;
  track.packets = read.packets;
  track.bytes = read.bytes;
  if (read.first <= read.end) {
    const Timestamp end{read.end, stream.parameters.base};
    track.seconds = std::max(0.0, -first.after(end).seconds());
  }
  track.clock = read.clock;
  return track;
}

// The audio tracks of the file, each with its offset from the frame, or from the earliest of them: when that is, in the file's own
// time, is returned.
Result<std::optional<Timestamp>> analyse_audio_tracks(int source, const Chosen& chosen,
                                                      const std::vector<av::StreamFacts>& streams, const Read& read,
                                                      std::optional<Timestamp> frame, SourceFacts& facts) {
  std::vector<FirstAudio> firsts;
  for (const std::uint32_t index : chosen.audio) {
    if (read.audio[index].packets == 0) {
      facts.notes.push_back("audio track " + track_name(streams[index]) + " has no packets and is not carried");
      continue;
    }
    FirstAudio first = TRY(probe_audio(source, index));
    if (!first.facts) {
      facts.notes.push_back("audio track " + track_name(streams[index]) + " cannot be decoded and is not carried" +
                            (first.refusal.empty() ? "" : ": " + first.refusal));
      continue;
    }
    if (!first.timed) {
      first.untimed = 0;
      const Read::Audio& packets = read.audio[index];
      if (packets.first <= packets.end) first.timed = Timestamp{packets.first, streams[index].parameters.base};
    }
    if (streams[index].is_default && (facts.audio.empty() || !facts.audio[facts.audio_chosen].is_default)) {
      facts.audio_chosen = static_cast<std::uint32_t>(facts.audio.size());
    }
    facts.audio.push_back(describe_audio(streams[index], read.audio[index], first));
    firsts.push_back(std::move(first));
  }
  std::optional<Timestamp> zero = frame;
  for (std::size_t i = 0; !frame && i < firsts.size(); ++i) {
    const Timestamp begins = firsts[i].after({0, {1, 1}});
    if (!zero || begins < *zero) zero = begins;
  }
  for (std::size_t i = 0; i < firsts.size(); ++i) {
    facts.audio[i].starts_after_video = firsts[i].after(*zero);
  }
  return zero;
}

// Audio that begins before the video moves the video by whole ticks. Where these are long, they are made as short as half a sample, so
// that the two stay as far apart as they were and both begin on a tick.
void shorten_ticks_for_audio(VideoTrack& video, const std::vector<AudioTrack>& audio_tracks) {
  for (const AudioTrack& audio : audio_tracks) {
    const Timestamp early{-audio.starts_after_video.ticks, audio.starts_after_video.base};
    if (early.ticks <= 0 || early.in(video.base) == early) continue;
    const std::int64_t parts = (2 * audio.sample_rate + video.base.den - 1) / video.base.den;
    if (parts <= 1 || video.base.den * parts > kTicksPerSecondMax) continue;
    video.base.den *= parts;
    video.last_duration *= parts;
    for (SourceFrame& frame : video.frames) frame.pts *= parts;
    for (KeyPacket& key : video.keys) key.pts *= parts;
  }
}

}  // namespace

Result<SourceFacts> analyse(int source, const AnalyseRequest& request, ParentLine& parent) {
  SourceFacts facts;
  std::vector<av::StreamFacts> streams;
  std::optional<SideTrackReader> side_tracks;
  {
    const av::Demuxer demuxer = TRY(av::Demuxer::open(source));
    streams = demuxer.streams();
    facts.container = demuxer.container();
    facts.bytes = demuxer.bytes();
    side_tracks.emplace(streams, demuxer.claims(), request.burn);
  }
  Chosen chosen = choose(streams);
  if (!chosen.video && chosen.audio.empty()) return fail(FaultKind::kInput, "neither video nor audio inside");
  Read read = TRY(read_all_packets(source, chosen, *side_tracks, parent));
  facts.notes = chosen.notes;
  LossList losses;
  std::optional<Timestamp> frame;
  if (chosen.video) {
    const av::StreamFacts& stream = streams[*chosen.video];
    Frames frames = TRY(analyse_video(source, stream, read, request, parent));
    frame = Timestamp{frames.first_raw, stream.parameters.base};
    facts.video = std::move(frames.track);
    facts.notes.insert(facts.notes.end(), frames.notes.begin(), frames.notes.end());
    for (Loss& loss : frames.losses) losses.add(std::move(loss));
  }
  TRY(analyse_audio_tracks(source, chosen, streams, read, frame, facts));
  if (facts.video) shorten_ticks_for_audio(*facts.video, facts.audio);
  const Timestamp zero = zero_of(read, frame);
  for (const AudioTrack& track : facts.audio) add_damaged_audio(read.audio[track.stream], zero, losses);
  if (!facts.video && facts.audio.empty()) return fail(FaultKind::kInput, "nothing inside can be decoded");
  if (read.cut) losses.add(end_loss(facts, read, zero));
  if (!losses.empty() && request.damage == Damage::kRefuse) return fail(FaultKind::kInput, refusal(losses.all()));
  facts.losses = losses.all();
  SideTrackReader::Found found = side_tracks->finish(zero);
  facts.side_tracks = std::move(found.facts);
  facts.notes.insert(facts.notes.end(), found.notes.begin(), found.notes.end());
  return facts;
}

}  // namespace gopmill
