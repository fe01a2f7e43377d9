#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "media/task/timeline.h"
#include "profiles/profile.h"

namespace gopmill::test {

// Makes the facts an analysis would have found of a clip that never existed, so that planner tests read as sentences:
//
//   clip().at(25).frames(500).closed_gops(50).audio_after(-20).facts()
//
// Frames are 1280x720, in ticks of 1/90000 s unless said otherwise. Packets are in the order an encoder with two B
// frames between references writes them; in open GOPs the B frames before a key frame come after it in the file.
class SourceBuilder {
 public:
  SourceBuilder& base(Rational ticks);  // before any frames
  SourceBuilder& at(Rational rate);     // of frames added from now on, frames/s
  SourceBuilder& at(std::int64_t rate) { return at(Rational{rate, 1}); }
  SourceBuilder& frames(std::size_t count);        // go on in this rate
  SourceBuilder& frame_after(std::int64_t ticks);  // one frame, this long after the last
  SourceBuilder& pause(std::int64_t ticks);        // the next frame comes this much later than it would
  SourceBuilder& closed_gops(std::size_t frames);  // clean key frames, this far apart
  SourceBuilder& open_gops(std::size_t frames);    // unclean ones with leading frames
  SourceBuilder& intra_only();
  SourceBuilder& without_keys();
  SourceBuilder& interlaced();
  SourceBuilder& field_packets();  // every frame is two packets, named by the first
  SourceBuilder& size(int width, int height);
  SourceBuilder& colour(Colour colour);
  // A stereo track of 48 kHz as long as the clip; starts this many milliseconds after the video.
  SourceBuilder& audio_after(std::int64_t milliseconds);
  SourceBuilder& audio(AudioTrack track);
  SourceBuilder& no_video();
  [[nodiscard]] SourceFacts facts() const;

 private:
  void order_packets(VideoTrack& track) const;

  enum class Keys : std::uint8_t { kClosed, kOpen, kIntra, kNone };
  SourceFacts facts_;
  bool has_video_ = true;
  VideoTrack track_;
  Rational rate_{25, 1};
  std::int64_t rate_from_ = 0;   // where the current rate's own count began, ticks
  std::int64_t rate_count_ = 0;  // frames since
  Keys keys_ = Keys::kClosed;
  std::size_t gop_ = 250;
  bool field_packets_ = false;
};

SourceBuilder clip();
AudioTrack stereo(int sample_rate = 48000, double seconds = 20);

// A rendition at the source's own height, CRF 23, x264 medium.
RenditionProfile rendition(const std::string& name = "source");
// GOPs of 2 s, segments of 10 s, AAC stereo.
Profile profile_with(std::vector<RenditionProfile> renditions);
Profile audio_profile();

}  // namespace gopmill::test
