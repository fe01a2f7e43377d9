#include "media/steps/analyse/audio_tracks.h"

#include <algorithm>

#include "media/av/decode/decoder.h"
#include "media/av/frame/frame.h"

namespace gopmill {

namespace {

// Audio packets decoded after the first audio sample to find one with a timestamp.
constexpr std::uint32_t kProbeAudioPackets = 200;
// Where audio begins is known this much finer than to a sample: the plan rounds it once, together with how far the video is moved.
constexpr std::int64_t kPartsOfASample = 1000;

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
  auto decoder = av::Decoder::open(demuxer.streams()[stream].parameters, {.threads = 1});
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

AudioTrack describe_audio(const av::StreamFacts& stream, const LinearRead::Audio& read, const FirstAudio& first) {
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

}  // namespace

Result<> analyse_audio_tracks(int source, const ChosenTracks& chosen, const std::vector<av::StreamFacts>& streams,
                              const LinearRead& read, std::optional<Timestamp> first_frame, SourceFacts& facts) {
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
      const LinearRead::Audio& packets = read.audio[index];
      if (packets.first <= packets.end) first.timed = Timestamp{packets.first, streams[index].parameters.base};
    }
    if (streams[index].is_default && (facts.audio.empty() || !facts.audio[facts.audio_chosen].is_default)) {
      facts.audio_chosen = static_cast<std::uint32_t>(facts.audio.size());
    }
    facts.audio.push_back(describe_audio(streams[index], read.audio[index], first));
    firsts.push_back(std::move(first));
  }
  std::optional<Timestamp> zero = first_frame;
  for (std::size_t i = 0; !first_frame && i < firsts.size(); ++i) {
    const Timestamp begins = firsts[i].after({0, {1, 1}});
    if (!zero || begins < *zero) zero = begins;
  }
  for (std::size_t i = 0; i < firsts.size(); ++i) {
    facts.audio[i].starts_after_video = firsts[i].after(*zero);
  }
  return {};
}

}  // namespace gopmill
