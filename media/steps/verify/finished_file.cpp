#include "media/steps/verify/finished_file.h"

#include <utility>

namespace gopmill {

Result<> FinishedFile::find_tracks() {
  for (std::uint32_t stream = 0; stream < layout.tracks.size(); ++stream) {
    const Mp4Track& boxes = layout.tracks[stream];
    if (side_tracks.take(layout, boxes, stream)) {
      order.push_back(nullptr);
      continue;
    }
    const bool shows = boxes.handler == "vide";
    if ((!shows && boxes.handler != "soun") || (shows && video))
      return fail(FaultKind::kInput, "a track too many, of kind '" + boxes.handler + "'");
    FinishedTrack* const track = shows ? &video.emplace() : &audio_tracks.emplace_back();
    track->boxes = &boxes;
    track->shown = TRY(presentation_of(layout, boxes));
    order.push_back(track);
  }
  if (!video && audio_tracks.empty()) return fail(FaultKind::kInput, "no tracks");
  return {};
}

std::string count_of(std::uint64_t count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

Check one_description(std::string name, const Mp4Track& track) {
  return {std::move(name), track.entries.size() == 1, count_of(track.entries.size(), "sample description")};
}

}  // namespace gopmill
