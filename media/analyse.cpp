// What a source is, seen in its packets and in a few of its pictures. One linear read gives every packet's times; a
// second one decodes the beginning (or everything, where packets do not tell) to learn which packets are pictures.

#include <algorithm>
#include <cmath>

#include "media/av/decoder.h"
#include "media/av/demuxer.h"
#include "media/av/picture.h"
#include "media/bitstream.h"
#include "media/frame_list.h"
#include "media/scan.h"
#include "media/source_colour.h"
#include "media/work.h"

namespace gopmill {

namespace {

// Pictures decoded to see whether packets tell the truth: more than any reorder depth plus a field-coded second.
constexpr std::size_t kProbePictures = 32;
// A probe that reads this far without a picture gives up: the track does not decode.
constexpr std::uint32_t kProbePacketsMax = 3000;
// Sound packets decoded after the first sound to find one with a timestamp.
constexpr std::uint32_t kProbeSoundPackets = 200;
constexpr int kProbeThreads = 2;
// profile_idc of H.264 Baseline (ISO/IEC 14496-10 A.2.1); libavcodec adds flags for constraints above it.
constexpr int kH264ProfileNumber = 0xff;
constexpr int kH264Baseline = 66;

// Everything the linear read gathers.
struct Read {
  std::vector<PacketFacts> video;
  std::uint64_t video_bytes = 0;
  struct Sound {
    std::int64_t first = INT64_MAX, end = INT64_MIN;  // ticks of the stream's base
    std::uint32_t packets = 0;
    std::uint64_t bytes = 0;
  };
  std::vector<Sound> sound;  // by stream index
  std::string complaint;
};

struct Chosen {
  std::optional<std::uint32_t> video;
  std::vector<std::uint32_t> audio;
  std::vector<std::string> notes;
};

std::string track_name(const av::StreamFacts& stream) {
  return std::to_string(stream.index) + " (" + stream.kind + (stream.language.empty() ? "" : ", " + stream.language) + ")";
}

// The track a player would show: the first real picture track, and every sound track that has a known codec.
Chosen choose(const std::vector<av::StreamFacts>& streams) {
  Chosen chosen;
  for (const av::StreamFacts& stream : streams) {
    if (stream.media == av::Media::kVideo && stream.is_picture) {
      chosen.notes.push_back("cover picture in stream " + track_name(stream) + " is not carried");
    } else if (stream.media == av::Media::kVideo && !chosen.video) {
      chosen.video = stream.index;
    } else if (stream.media == av::Media::kVideo) {
      chosen.notes.push_back("second picture track " + track_name(stream) + " is not carried");
    } else if (stream.media == av::Media::kAudio && stream.kind != "unknown" && stream.parameters.sample_rate > 0) {
      chosen.audio.push_back(stream.index);
    } else if (stream.media == av::Media::kAudio) {
      chosen.notes.push_back("sound track " + track_name(stream) + " has no known codec and is not carried");
    } else if (stream.media == av::Media::kSubtitle) {
      chosen.notes.push_back("subtitle track " + track_name(stream) + " is not carried");
    } else {
      chosen.notes.push_back("data track " + track_name(stream) + " is not carried");
    }
  }
  return chosen;
}

Result<Read> read_all_packets(int source, const Chosen& chosen, ParentLine& parent) {
  av::Demuxer demuxer = TRY(av::Demuxer::open(source));
  std::vector<std::uint32_t> keep = chosen.audio;
  if (chosen.video) keep.push_back(*chosen.video);
  demuxer.keep_only(keep);
  Read read;
  read.sound.resize(demuxer.streams().size());
  std::uint64_t packets = 0;
  while (auto item = TRY(demuxer.next())) {
    const JournalPacket& packet = item->packet;
    parent.progress(++packets);
    if (chosen.video && item->stream == *chosen.video) {
      if (read.video.size() >= kSourceFramesMax)
        return fail(FaultKind::kInput, "more than " + std::to_string(kSourceFramesMax) + " pictures");
      const StreamParameters& parameters = demuxer.streams()[item->stream].parameters;
      PacketFacts facts{packet.pts,    packet.dts, packet.duration,
                        packet.key,    false,      shows_picture(parameters.codec, packet.bytes),
                        packet.discard};
      facts.clean = packet.key && starts_cleanly(parameters.codec, parameters.extradata, packet.bytes);
      read.video.push_back(facts);
      read.video_bytes += packet.bytes.size();
      continue;
    }
    Read::Sound& sound = read.sound[item->stream];
    ++sound.packets;
    sound.bytes += packet.bytes.size();
    if (packet.discard || packet.pts == INT64_MIN) continue;
    sound.first = std::min(sound.first, packet.pts);
    sound.end = std::max(sound.end, packet.pts + packet.duration);
  }
  if (const std::string cut = demuxer.truncation(); !cut.empty()) return fail(FaultKind::kInput, "the file is cut off: " + cut);
  read.complaint = demuxer.complaint();
  return read;
}

struct Probe {
  DecodedPictures pictures;
  std::vector<av::PictureFacts> facts;  // of the first kProbePictures
  std::string refusal;                  // FFmpeg's words for the last packet it refused
  std::uint64_t refused = 0;
};

Result<Probe> probe_pictures(int source, std::uint32_t stream, bool whole, int threads, ParentLine& parent) {
  av::Demuxer demuxer = TRY(av::Demuxer::open(source));
  demuxer.keep_only({stream});
  av::Decoder decoder =
      TRY(av::Decoder::open(demuxer.streams()[stream].parameters, {.threads = threads, .cpu_independent = true}));
  Probe probe;
  probe.pictures.whole = true;
  std::uint32_t sending = kAtTheEnd;
  const auto on_picture = [&](AVFrame& frame) -> Result<> {
    const av::PictureFacts facts = av::facts_of(frame);
    if (probe.facts.size() < kProbePictures) probe.facts.push_back(facts);
    probe.pictures.shown.push_back(static_cast<std::uint32_t>(facts.pts));
    probe.pictures.given_at.push_back(sending);
    return {};
  };
  std::uint32_t packets = 0;
  while (auto item = TRY(demuxer.next())) {
    sending = item->packet.ordinal;
    TRY(decoder.send(item->packet, on_picture));
    parent.progress(++packets);
    const bool enough =
        probe.pictures.shown.size() >= kProbePictures || (packets >= kProbePacketsMax && probe.pictures.shown.empty());
    if (!whole && enough) {
      probe.pictures.whole = false;
      break;
    }
  }
  sending = kAtTheEnd;
  if (probe.pictures.whole) TRY(decoder.finish(on_picture));
  probe.refusal = decoder.last_refusal();
  probe.refused = decoder.refused();
  return probe;
}

struct FirstSound {
  std::optional<av::SoundFacts> facts;  // of the first block that decodes; none: nothing of the track does
  std::optional<Timestamp> timed;       // the first timestamp of any block, else of any packet, in the stream's base
  std::int64_t untimed = 0;             // samples before that one; they have the first block's rate
  std::string refusal;

  // When the first sample is heard, after `from`, in samples. Within centuries, so that sums of it cannot overflow.
  [[nodiscard]] std::int64_t samples_after(Timestamp from) const {
    constexpr std::int64_t kFar = INT64_C(1) << 60;
    return std::clamp(ticks_between(from, timed.value_or(from), {1, facts->sample_rate}), -kFar, kFar) - untimed;
  }
};

Result<FirstSound> probe_sound(int source, std::uint32_t stream) {
  av::Demuxer demuxer = TRY(av::Demuxer::open(source));
  demuxer.keep_only({stream});
  FirstSound first;
  auto decoder = av::Decoder::open(demuxer.streams()[stream].parameters, {.threads = 1, .cpu_independent = true});
  if (!decoder) {
    first.refusal = decoder.error().text;
    return first;
  }
  const Rational base = demuxer.streams()[stream].parameters.base;
  const auto on_sound = [&](AVFrame& frame) -> Result<> {
    const av::SoundFacts facts = av::sound_facts_of(frame);
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
  for (std::uint32_t after = 0; after < kProbeSoundPackets && !first.timed; after += first.facts ? 1 : 0) {
    auto item = TRY(demuxer.next());
    if (!item) {
      TRY(decoder->finish(on_sound));
      break;
    }
    TRY(decoder->send(item->packet, on_sound));
  }
  first.refusal = decoder->last_refusal();
  return first;
}

void describe_pictures(VideoTrack& track, const av::StreamFacts& stream, const std::vector<av::PictureFacts>& pictures) {
  const av::PictureFacts& first = pictures.front();
  track.stream = stream.index;
  track.codec = stream.parameters.codec;
  track.width = first.width;
  track.height = first.height;
  track.orientation = stream.orientation;
  const Rational container = stream.parameters.sample_aspect;
  track.sample_aspect = container.num > 0 ? container : first.sample_aspect.num > 0 ? first.sample_aspect : Rational{1, 1};
  track.coded_aspect = first.sample_aspect.num > 0 ? first.sample_aspect : Rational{0, 1};
  describe_colour(track, stream, pictures);
  track.bit_depth = first.bit_depth;
}

// By the flags of most pictures, for where the pictures themselves cannot tell.
Result<> ask_pictures_for_scan(int source, const Read& read, const std::vector<av::PictureFacts>& pictures, VideoTrack& track,
                               ParentLine& parent) {
  const auto interlaced = std::ranges::count_if(pictures, &av::PictureFacts::interlaced);
  const auto bottom_first = std::ranges::count_if(pictures, [](const av::PictureFacts& p) { return !p.top_first; });
  const bool flagged = 2 * static_cast<std::size_t>(interlaced) > pictures.size();
  return find_scan(source, read.video, flagged, 2 * bottom_first <= interlaced, track, parent);
}

Result<> check_size(const VideoTrack& track) {
  const std::int64_t pixels = static_cast<std::int64_t>(track.width) * track.height;
  if (track.width < 1 || track.height < 1 || track.width > kSourceWidthMax || track.height > kSourceHeightMax ||
      pixels > kSourcePixelsMax) {
    return fail(FaultKind::kInput,
                "pictures of " + std::to_string(track.width) + "x" + std::to_string(track.height) + " are outside the limits");
  }
  return {};
}

struct Pictures {
  VideoTrack track;
  std::int64_t first_raw = 0;  // ticks of the stream's base
  std::vector<std::string> notes;
};

Result<Pictures> analyse_video(int source, const av::StreamFacts& stream, const Read& read, bool decode_all, ParentLine& parent) {
  if (read.video.empty()) return fail(FaultKind::kInput, "the picture track has no packets");
  // Which packet makes a decoder give out a picture is blurred by its threads, and counts only where there are no timestamps.
  const bool timeless =
      std::any_of(read.video.begin(), read.video.end(), [](const PacketFacts& p) { return p.pts == INT64_MIN; });
  const int threads = timeless ? 1 : kProbeThreads;
  Probe probe = TRY(probe_pictures(source, stream.index, decode_all, threads, parent));
  if (probe.pictures.shown.empty()) {
    return fail(FaultKind::kInput, "no picture of the " + stream.parameters.codec + " track can be decoded" +
                                       (probe.refusal.empty() ? "" : ": " + probe.refusal));
  }
  Pictures result;
  VideoTrack& track = result.track;
  track.evidence_reason = decode_all ? "asked for" : why_packets_do_not_tell(read.video, probe.pictures);
  if (!track.evidence_reason.empty()) {
    track.evidence = Evidence::kDecoded;
    if (!probe.pictures.whole) probe = TRY(probe_pictures(source, stream.index, true, threads, parent));
    if (probe.refused > 0) {
      return fail(FaultKind::kInput, std::to_string(probe.refused) + " damaged packets in the picture track: " + probe.refusal);
    }
  } else {
    probe.pictures.whole = false;
  }
  describe_pictures(track, stream, probe.facts);
  TRY(check_size(track));
  TRY(note_what_stays(track, stream, probe.facts, result.notes));
  SourceFrameList list = list_frames(read.video, stream.parameters.base, probe.pictures);
  if (list.frames.empty()) return fail(FaultKind::kInput, "no picture of the track is to be shown");
  track.base = refined_base(stream.parameters.base);
  if (static_cast<double>(list.frames.back().pts) * track.base.value() > kSourceSecondsMax) {
    return fail(FaultKind::kInput,
                "the pictures span more than " + std::to_string(static_cast<int>(kSourceSecondsMax / 3600)) + " hours");
  }
  if (list.undecodable_head > 0) {
    result.notes.push_back(std::to_string(list.undecodable_head) +
                           " packets before the first decodable picture are not carried: the recording starts inside a GOP");
  }
  if (list.moved > 0)
    result.notes.push_back(std::to_string(list.moved) + " pictures that share a timestamp were moved apart by a tick");
  track.frames = std::move(list.frames);
  track.keys = std::move(list.keys);
  track.packets = static_cast<std::uint32_t>(read.video.size());
  track.bytes = read.video_bytes;
  track.plain_coding = stream.parameters.codec == "h264" && (stream.parameters.profile & kH264ProfileNumber) == kH264Baseline;
  track.last_duration = list.last_duration;
  track.starts_at = static_cast<double>(list.first_raw) * stream.parameters.base.value();
  result.first_raw = list.first_raw;
  TRY(ask_pictures_for_scan(source, read, probe.facts, track, parent));
  return result;
}

AudioTrack describe_sound(const av::StreamFacts& stream, const Read::Sound& read, const FirstSound& first) {
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
    track.seconds = std::max(0.0, -static_cast<double>(first.samples_after(end)) / track.sample_rate);
  }
  return track;
}

// The sound tracks of the file, each with its offset from the picture, or from the earliest of them.
Result<> analyse_sounds(int source, const Chosen& chosen, const std::vector<av::StreamFacts>& streams, const Read& read,
                        std::optional<Timestamp> picture, SourceFacts& facts) {
  std::vector<FirstSound> firsts;
  for (const std::uint32_t index : chosen.audio) {
    if (read.sound[index].packets == 0) {
      facts.notes.push_back("sound track " + track_name(streams[index]) + " has no packets and is not carried");
      continue;
    }
    FirstSound first = TRY(probe_sound(source, index));
    if (!first.facts) {
      facts.notes.push_back("sound track " + track_name(streams[index]) + " cannot be decoded and is not carried" +
                            (first.refusal.empty() ? "" : ": " + first.refusal));
      continue;
    }
    if (!first.timed) {
      first.untimed = 0;
      const Read::Sound& packets = read.sound[index];
      if (packets.first <= packets.end) first.timed = Timestamp{packets.first, streams[index].parameters.base};
    }
    if (streams[index].is_default && (facts.audio.empty() || !facts.audio[facts.audio_chosen].is_default)) {
      facts.audio_chosen = static_cast<std::uint32_t>(facts.audio.size());
    }
    facts.audio.push_back(describe_sound(streams[index], read.sound[index], first));
    firsts.push_back(std::move(first));
  }
  std::optional<Timestamp> zero = picture;
  for (std::size_t i = 0; !picture && i < firsts.size(); ++i) {
    const Rational samples{1, firsts[i].facts->sample_rate};
    const Timestamp begins{firsts[i].samples_after({0, samples}), samples};
    if (!zero || begins < *zero) zero = begins;
  }
  for (std::size_t i = 0; i < firsts.size(); ++i) {
    facts.audio[i].starts_after_picture = {firsts[i].samples_after(*zero), {1, firsts[i].facts->sample_rate}};
  }
  return {};
}

}  // namespace

Result<SourceFacts> analyse(int source, const AnalyseRequest& request, ParentLine& parent) {
  SourceFacts facts;
  std::vector<av::StreamFacts> streams;
  {
    const av::Demuxer demuxer = TRY(av::Demuxer::open(source));
    streams = demuxer.streams();
    facts.container = demuxer.container();
    facts.bytes = demuxer.bytes();
  }
  const Chosen chosen = choose(streams);
  facts.notes = chosen.notes;
  if (!chosen.video && chosen.audio.empty()) return fail(FaultKind::kInput, "neither picture nor sound inside");
  const Read read = TRY(read_all_packets(source, chosen, parent));
  std::optional<Timestamp> picture;
  if (chosen.video) {
    const av::StreamFacts& stream = streams[*chosen.video];
    Pictures pictures = TRY(analyse_video(source, stream, read, request.decode_all, parent));
    picture = Timestamp{pictures.first_raw, stream.parameters.base};
    facts.video = std::move(pictures.track);
    facts.notes.insert(facts.notes.end(), pictures.notes.begin(), pictures.notes.end());
  }
  TRY(analyse_sounds(source, chosen, streams, read, picture, facts));
  if (!facts.video && facts.audio.empty()) return fail(FaultKind::kInput, "nothing inside can be decoded");
  return facts;
}

}  // namespace gopmill
