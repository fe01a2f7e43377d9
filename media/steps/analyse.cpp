// What a source is, seen in its packets and in a few of its frames. One linear read gives every packet's times; a
// second one decodes the beginning (or everything, where packets do not tell) to learn which packets are frames.

#include <algorithm>
#include <optional>
#include <utility>

#include "media/av/decode/demuxer.h"
#include "media/steps/analyse/audio_tracks.h"
#include "media/steps/analyse/chosen_tracks.h"
#include "media/steps/analyse/linear_read.h"
#include "media/steps/analyse/side_track_reader.h"
#include "media/steps/analyse/video_track.h"
#include "media/steps/work.h"
#include "media/timeline/losses.h"

namespace gopmill {

namespace {

// Audio that the container marks as damaged, on the timeline of the frames.
void add_damaged_audio(const LinearRead::Audio& track, Timestamp zero, LossList& losses) {
  for (const AudioTime& packet : track.times.packets) {
    if (!packet.corrupt || packet.pts == INT64_MIN) continue;
    const double from = Timestamp{packet.pts, track.times.base}.seconds() - zero.seconds();
    const double to = from + Timestamp{packet.duration, track.times.base}.seconds();
    losses.add({DamageKind::kAudio, from, to, 1, "the container marks it as incomplete"});
  }
}

// Where the file ends although it should not: behind its last frame or audio.
Loss end_loss(const SourceFacts& facts, const LinearRead& read, Timestamp zero) {
  double end = 0;
  if (facts.video) {
    const VideoTrack& track = *facts.video;
    end = Timestamp{track.frames.back().pts + track.last_duration, track.base}.seconds();
  }
  for (const LinearRead::Audio& audio : read.audio) {
    if (audio.end > audio.first) end = std::max(end, Timestamp{audio.end, audio.times.base}.seconds() - zero.seconds());
  }
  const double until = read.cut->indexed_until ? read.cut->indexed_until->seconds() - zero.seconds() : end;
  return {DamageKind::kEnd, end, std::max(end, until), read.cut->packets, read.cut->text};
}

// What losses count from: the first frame, else the first audio.
Timestamp zero_of(const LinearRead& read, std::optional<Timestamp> first_frame) {
  std::optional<Timestamp> zero = first_frame;
  for (const LinearRead::Audio& audio : read.audio) {
    if (audio.first > audio.end || first_frame) continue;
    const Timestamp first{audio.first, audio.times.base};
    if (!zero || first < *zero) zero = first;
  }
  return zero.value_or(Timestamp{});
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
  ChosenTracks chosen = choose_tracks(streams);
  if (!chosen.video && chosen.audio.empty()) return fail(FaultKind::kInput, "neither video nor audio inside");
  LinearRead read = TRY(read_all_packets(source, chosen, *side_tracks, parent));
  facts.notes = chosen.notes;
  LossList losses;
  std::optional<Timestamp> first_frame;
  if (chosen.video) {
    const av::StreamFacts& stream = streams[*chosen.video];
    VideoFindings frames = TRY(analyse_video(source, stream, read, request, parent));
    first_frame = Timestamp{frames.first_raw, stream.parameters.base};
    facts.video = std::move(frames.track);
    facts.notes.insert(facts.notes.end(), frames.notes.begin(), frames.notes.end());
    for (Loss& loss : frames.losses) losses.add(std::move(loss));
  }
  TRY(analyse_audio_tracks(source, chosen, streams, read, first_frame, facts));
  if (facts.video) shorten_ticks_for_audio(*facts.video, facts.audio);
  const Timestamp zero = zero_of(read, first_frame);
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
