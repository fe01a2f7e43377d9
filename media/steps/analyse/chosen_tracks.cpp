#include "media/steps/analyse/chosen_tracks.h"

namespace gopmill {

std::string track_name(const av::StreamFacts& stream) {
  return std::to_string(stream.index) + " (" + stream.kind + (stream.language.empty() ? "" : ", " + stream.language) + ")";
}

ChosenTracks choose_tracks(const std::vector<av::StreamFacts>& streams) {
  ChosenTracks chosen;
  std::size_t still_images = 0;
  for (const av::StreamFacts& stream : streams) {
    if (stream.parameters.media == Media::kVideo && stream.is_still_image) {
      ++still_images;
    } else if (stream.parameters.media == Media::kVideo && !chosen.video) {
      chosen.video = stream.index;
    } else if (stream.parameters.media == Media::kVideo) {
      chosen.notes.push_back("second video track " + track_name(stream) + " is not carried");
    } else if (stream.parameters.media == Media::kAudio && stream.kind != "unknown" && stream.parameters.sample_rate > 0) {
      chosen.audio.push_back(stream.index);
    } else if (stream.parameters.media == Media::kAudio) {
      chosen.notes.push_back("audio track " + track_name(stream) + " has no known codec and is not carried");
    }
  }
  if (still_images > 1) chosen.notes.push_back("of " + std::to_string(still_images) + " attached pictures only the cover counts");
  return chosen;
}

}  // namespace gopmill
