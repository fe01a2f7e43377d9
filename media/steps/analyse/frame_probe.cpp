#include "media/steps/analyse/frame_probe.h"

#include "media/av/decode/decoder.h"
#include "media/av/decode/demuxer.h"

namespace gopmill {

namespace {

// A probe that reads this far without a frame gives up: the track does not decode.
constexpr std::uint32_t kProbePacketsMax = 3000;

}  // namespace

Result<FrameProbe> probe_frames(int source, std::uint32_t stream, ProbeRange range, ParentLine& parent) {
  av::Demuxer demuxer = TRY(av::Demuxer::open(source));
  demuxer.keep_only({stream});
  av::Decoder decoder = TRY(av::Decoder::open(demuxer.streams()[stream].parameters, {.threads = range.threads}));
  FrameProbe probe;
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

}  // namespace gopmill
