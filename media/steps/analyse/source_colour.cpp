#include "media/steps/analyse/source_colour.h"

namespace gopmill {

void describe_colour(VideoTrack& track, const av::StreamFacts& stream, const std::vector<av::FrameFacts>& frames) {
  const av::FrameFacts& first = frames.front();
  track.colour = first.colour;
  if (track.colour.primaries == kUnspecified) track.colour.primaries = static_cast<std::uint8_t>(stream.parameters.primaries);
  if (track.colour.transfer == kUnspecified) track.colour.transfer = static_cast<std::uint8_t>(stream.parameters.transfer);
  // The container's matrix 0 would mean red, green and blue, of which the frames know better.
  if (track.colour.matrix == kUnspecified && stream.parameters.matrix != kMatrixRgb)
    track.colour.matrix = static_cast<std::uint8_t>(stream.parameters.matrix);
  track.mastering = stream.hdr.mastering;
  track.light = stream.hdr.light;
  for (const av::FrameFacts& frame : frames) {
    if (!track.mastering) track.mastering = frame.hdr.mastering;
    if (!track.light) track.light = frame.hdr.light;
  }
  track.has_alpha = first.has_alpha || stream.has_alpha;
}

Result<> note_what_stays(const VideoTrack& track, const av::StreamFacts& stream, const std::vector<av::FrameFacts>& frames,
                         std::vector<std::string>& notes) {
  auto dolby_vision = stream.hdr.dolby_vision;
  bool hdr10_plus = false;
  for (const av::FrameFacts& frame : frames) {
    if (!dolby_vision) dolby_vision = frame.hdr.dolby_vision;
    hdr10_plus = hdr10_plus || frame.hdr.hdr10_plus;
  }
  if (dolby_vision && !dolby_vision->base_shows) {
    return fail(FaultKind::kInput,
                "the frames are Dolby Vision of profile " + av::dolby_vision_name(*dolby_vision) +
                    ", which cannot be shown without its dynamic metadata; export the video with an HDR10 or HLG "
                    "base layer (profile 8)");
  }
  if (dolby_vision)
    notes.push_back("Dolby Vision metadata (profile " + av::dolby_vision_name(*dolby_vision) +
                    ") is not carried: the base layer is used");
  if (hdr10_plus) notes.emplace_back("HDR10+ metadata is not carried: the static metadata is used");
  if (track.has_alpha) notes.emplace_back("transparency is not carried: frames are opaque");
  return {};
}

}  // namespace gopmill
