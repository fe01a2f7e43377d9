#include "media/steps/task_frames.h"

#include <algorithm>

#include "media/av/frame/frame.h"

namespace gopmill {

namespace {

av::FrameFilter make_filter(const VideoTask& task, const std::vector<std::size_t>& open) {
  av::FrameFilter::Settings settings{task.orientation, task.shape, task.colour, task.deinterlace, {}};
  for (const std::size_t i : open) {
    const EncoderSettings& encoder = task.renditions[i].encoder;
    settings.targets.push_back({encoder.width, encoder.height, encoder.pixel_format, task.renditions[i].recolour});
  }
  return av::FrameFilter(std::move(settings));
}

std::string words_of(const av::Decoder& decoder) { return decoder.refused() > 0 ? decoder.last_refusal() : decoder.complaint(); }

}  // namespace

TaskFrames::TaskFrames(const VideoTask& task, const std::vector<std::size_t>& open, ParentLine& parent)
    : task_(task),
      open_(open),
      parent_(parent),
      filter_(make_filter(task, open)),
      weaver_(task.woven, task.top_first),
      burner_(task.overlays, task.colour),
      wanted_(task),
      cursors_(open.size(), 0) {
  const RenditionTask& first = task.renditions.front();
  // Of a woven frame, the older of its two.
  const auto packet_of = [&task](const OutputFrame& frame) {
    if (task.woven.empty()) return task.sources[frame.source];
    const WovenFrame& woven = task.woven[frame.source];
    return task.sources[std::min(woven.top, woven.bottom)];
  };
  body_first_ = body_last_ = packet_of(first.frames[first.lead]);
  for (std::uint32_t i = 0; i < first.body; ++i) {
    const std::uint32_t packet = packet_of(first.frames[first.lead + i]);
    body_first_ = std::min(body_first_, packet);
    body_last_ = std::max(body_last_, packet);
  }
}

bool TaskFrames::all_complete(const Taker& taker) const {
  for (std::size_t place = 0; place < open_.size(); ++place) {
    if (!taker.complete(place)) return false;
  }
  return true;
}

Result<> TaskFrames::run(JournalReader& journal, const Taker& taker, TaskResult& result) {
  av::Decoder decoder = TRY(av::Decoder::open(journal.parameters(), {.threads = 1}));
  const auto on_decoded = [&](AVFrame& frame) {
    clock_.pause();
    auto outcome = decoded(frame, taker);
    clock_.start();
    return outcome;
  };
  bool more = true;
  while (more && !all_complete(taker)) {
    const auto packet = TRY(journal.next());
    more = packet.has_value();
    if (packet) clock_.set_repeating(packet->ordinal < body_first_ || packet->ordinal > body_last_);
    clock_.start();
    TRY(more ? decoder.send(*packet, on_decoded) : decoder.finish(on_decoded));
    clock_.pause();
  }
  if (!all_complete(taker)) TRY(filter_.finish(on_frame(taker)));
  TRY(check_all_came(taker, decoder));
  if (task_.damage == Damage::kSalvage && !more) result.losses = wanted_.losses(words_of(decoder));
  result.decoded += decoded_;
  result.decode_cpu_ms += clock_.total_ms();
  result.repeat_cpu_ms += clock_.repeat_ms();
  return {};
}

av::FrameFilter::OnFrame TaskFrames::on_frame(const Taker& taker) {
  return [this, &taker](std::size_t place, std::int64_t index, AVFrame& frame) -> Result<> {
    // Indexes rise. Where a source is salvaged, a frame also stands in for those before it that never came.
    const auto is_due = [&](const OutputFrame& planned) {
      return planned.source == index || (task_.damage == Damage::kSalvage && planned.source < index);
    };
    const std::vector<OutputFrame>& frames = frames_of(place);
    std::size_t& cursor = cursors_[place];
    while (cursor < frames.size() && is_due(frames[cursor])) {
      const std::size_t at = cursor++;
      TRY(taker.take(place, at, frame));
    }
    done_ = taker.done();
    parent_.progress(done_);
    return {};
  };
}

Result<> TaskFrames::decoded(AVFrame& frame, const Taker& taker) {
  ++decoded_;
  parent_.progress(done_);  // also on the long way to the first frame of the segment
  const av::FrameFacts facts = av::facts_of(frame);
  const auto verdict = wanted_.take(static_cast<std::uint32_t>(facts.pts), facts.damaged);
  if (verdict.use == WantedFrames::Use::kDrop) return {};
  TRY(burner_.burn(frame, static_cast<std::uint32_t>(verdict.index)));
  if (!task_.woven.empty()) {
    return weaver_.push(frame, static_cast<std::uint32_t>(verdict.index),
                        [&](std::int64_t index, AVFrame& woven) { return filter_.push(woven, index, on_frame(taker)); });
  }
  av::set_fields(frame, task_.deinterlace, task_.top_first);
  return filter_.push(frame, static_cast<std::int64_t>(verdict.index), on_frame(taker));
}

// A planned frame that never came, or came damaged, is damage in the source, and named as such: nothing is left out in
// silence.
Result<> TaskFrames::check_all_came(const Taker& taker, const av::Decoder& decoder) const {
  for (std::size_t place = 0; place < open_.size(); ++place) {
    const bool waits = cursors_[place] < frames_of(place).size();
    if (!taker.complete(place) && (waits || wanted_.any_damaged())) return std::unexpected(wanted_.fault(words_of(decoder)));
  }
  return {};
}

}  // namespace gopmill
