#include "media/timeline/wanted.h"

#include <algorithm>

namespace gopmill {

WantedFrames::WantedFrames(const VideoTask& task)
    : task_(task), states_(task.sources.size(), State::kMissing), times_(task.sources.size(), -1) {
  for (std::size_t i = 0; i < task.sources.size(); ++i) places_.emplace(task.sources[i], i);
  for (const RenditionTask& rendition : task.renditions) {
    for (const OutputFrame& frame : rendition.frames) {
      const std::int64_t time = rescale(frame.pts, rendition.encoder.base, task.base);
      if (task.woven.empty()) {
        show_at(frame.source, time);
      } else {
        show_at(task.woven[frame.source].top, time);
        show_at(task.woven[frame.source].bottom, time);
      }
    }
  }
}

void WantedFrames::show_at(std::size_t source, std::int64_t time) {
  if (times_[source] < 0) times_[source] = time;
}

WantedFrames::Verdict WantedFrames::take(std::uint32_t packet, bool damaged) {
  const auto place = places_.find(packet);
  if (place == places_.end()) return {};
  const bool shown = times_[place->second] >= 0;
  const bool accepted = !damaged || !shown || task_.damage == Damage::kSalvage || packet >= task_.cut_off;
  states_[place->second] = accepted ? State::kWhole : State::kDamaged;
  any_damaged_ = any_damaged_ || !accepted;
  return {any_damaged_ ? Use::kDrop : Use::kShow, place->second};
}

std::vector<Loss> WantedFrames::gather(State state, DamageKind kind, const std::string& reason) const {
  LossList list;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (states_[i] != state || times_[i] < 0) continue;
    const auto next = std::find_if(times_.begin() + static_cast<std::ptrdiff_t>(i) + 1, times_.end(),
                                   [](std::int64_t time) { return time >= 0; });
    const std::int64_t end = next == times_.end() ? times_[i] : *next;
    list.add({kind, Timestamp{times_[i], task_.base}.seconds(), Timestamp{end, task_.base}.seconds(), 1, reason});
  }
  return list.all();
}

Fault WantedFrames::fault(const std::string& reason) const {
  std::vector<Loss> all = gather(State::kMissing, DamageKind::kFrames, reason);
  std::ranges::move(gather(State::kDamaged, DamageKind::kConcealed, reason), std::back_inserter(all));
  // Every shown frame came, and yet a rendition is not complete.
  if (all.empty()) return {FaultKind::kInternal, "a segment is not complete though all its frames came"};
  return {FaultKind::kInput, refusal(all)};
}

std::vector<Loss> WantedFrames::losses(const std::string& reason) const {
  return gather(State::kMissing, DamageKind::kFrames, reason);
}

}  // namespace gopmill
