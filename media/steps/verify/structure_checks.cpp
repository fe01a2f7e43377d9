// What is in the file and in which order: its boxes, its tracks, its codecs.

#include "media/package/codec_names.h"
#include "media/steps/verify/checks.h"

namespace gopmill {

void check_boxes(const FinishedFile& file, std::vector<Check>& checks) {
  std::string order;
  std::size_t moov = 0, mdat = 0;
  for (std::size_t i = 0; i < file.layout.boxes.size(); ++i) {
    const std::string& type = file.layout.boxes[i].type;
    order += (order.empty() ? "" : " ") + type;
    if (type == "moov") moov = i;
    if (type == "mdat") mdat = i;
  }
  checks.push_back({"boxes", !file.layout.boxes.empty() && file.layout.boxes.front().type == "ftyp" && moov < mdat, order});
}

void check_tracks(const FinishedFile& file, std::vector<Check>& checks) {
  const std::size_t audio = file.audio_tracks.size();
  std::string found = file.video ? "video" : "";
  if (audio > 0) found += std::string(file.video ? " and " : "") + "audio";
  if (audio > 1) found += " in " + count_of(audio, "track");
  const bool good = !file.plan || (file.plan->has_video == file.video.has_value() && file.plan->audio_tracks.size() == audio);
  checks.push_back({"tracks", good, found});
}

void check_codecs(const FinishedFile& file, std::vector<Check>& checks) {
  for (const FinishedTrack* track : file.order) {
    if (!track || track->boxes->entries.empty()) continue;
    if (const auto name = codec_string(track->boxes->entries.front()); !name)
      checks.push_back({"codecs", false, name.error().text});
  }
}

}  // namespace gopmill
