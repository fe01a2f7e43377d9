#include "media/steps/verify/listen.h"

#include <algorithm>

#include "media/av/decode/demuxer.h"

namespace gopmill {

namespace {

Result<> open_decoder(const av::StreamFacts& stream, FinishedTrack& track) {
  track.heard.decoder.emplace(TRY(av::Decoder::open(stream.parameters, {.threads = 1})));
  return {};
}

// Unless all is decoded only as much is decoded as gives the first frame, whose format is checked.
bool wants_decoding(const FinishedFile& file, const FinishedTrack& track) {
  return file.heard.decoded_all || (file.is_video(track) && !track.heard.frame);
}

Result<> decoded(const FinishedFile& file, FinishedTrack& track, AVFrame& frame) {
  HeardTrack& heard = track.heard;
  if (file.is_video(track)) {
    const av::FrameFacts facts = av::facts_of(frame);
    if (!heard.frame) heard.frame = facts;
    const auto at = static_cast<std::uint64_t>(facts.pts);
    if (at >= track.shown.samples.size()) return fail(FaultKind::kInput, "a frame from nowhere");
    const std::int64_t pts = track.shown.samples[at].pts;
    if (heard.last_ordinal >= 0 && pts <= track.shown.samples[static_cast<std::size_t>(heard.last_ordinal)].pts)
      heard.in_order = false;
    heard.last_ordinal = facts.pts;
    ++heard.decoded;
  } else {
    const av::AudioFacts facts = av::audio_facts_of(frame);
    if (!heard.first_decoded) heard.first_decoded = facts.pts;
    heard.decoded += static_cast<std::uint64_t>(facts.samples);
  }
  return {};
}

Result<> hear(const FinishedFile& file, FinishedTrack& track, const JournalPacket& packet) {
  HeardTrack& heard = track.heard;
  const std::uint64_t at = heard.packets++;
  heard.bytes += packet.bytes.size();
  const bool agrees =
      at < track.shown.samples.size() && track.shown.samples[at].pts == packet.pts && track.shown.samples[at].dts == packet.dts;
  if (!agrees && !heard.first_difference) heard.first_difference = at;
  if (wants_decoding(file, track)) TRY(heard.decoder->send(packet, [&](AVFrame& frame) { return decoded(file, track, frame); }));
  return {};
}

Result<> finish_decoder(const FinishedFile& file, FinishedTrack& track) {
  if (wants_decoding(file, track)) TRY(track.heard.decoder->finish([&](AVFrame& frame) { return decoded(file, track, frame); }));
  return {};
}

}  // namespace

Result<> listen(int fd, bool decode, FinishedFile& file, ParentLine& parent) {
  av::Demuxer demuxer = TRY(av::Demuxer::open(fd));
  file.heard.decoded_all = decode;
  file.heard.claims = demuxer.claims();
  // A cover is a stream to libav, without a track.
  if (demuxer.streams().size() != file.order.size() + (file.heard.claims.cover ? 1 : 0))
    return fail(FaultKind::kInput, count_of(demuxer.streams().size(), "stream"));
  std::vector<std::uint32_t> kept;
  for (std::uint32_t i = 0; i < file.order.size(); ++i) {
    if (file.order[i]) TRY(open_decoder(demuxer.streams()[i], *file.order[i]));
    if (file.order[i] || file.side_tracks.has(i)) kept.push_back(i);
  }
  demuxer.keep_only(kept);
  while (const auto item = TRY(demuxer.next())) {
    if (!file.order[item->stream]) {
      file.side_tracks.hear(item->stream, item->packet);
      continue;
    }
    FinishedTrack& track = *file.order[item->stream];
    if (file.bucket && file.is_video(track))
      file.bucket->take({item->packet.dts, track.boxes->base()}, item->packet.bytes.size());
    TRY(hear(file, track, item->packet));
    parent.progress(track.heard.packets);
  }
  for (FinishedTrack* track : file.order) {
    if (track) TRY(finish_decoder(file, *track));
  }
  if (const auto truncation = demuxer.truncation()) file.heard.truncation = truncation->text;
  file.heard.turned = static_cast<std::size_t>(std::ranges::count_if(demuxer.streams(), [](const av::StreamFacts& stream) {
    return stream.parameters.media == Media::kVideo && !(stream.orientation == Orientation{});
  }));
  return {};
}

}  // namespace gopmill
