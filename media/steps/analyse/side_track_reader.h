#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "media/av/decode/claims.h"
#include "media/av/decode/demuxer.h"
#include "media/av/decode/subtitle_decoder.h"
#include "media/task/side_tracks.h"

namespace gopmill {

// Gathers subtitles, chapters, tags and the cover during the linear read of an analysis. Everything hostile in them ends here: what it
// gives is clean text within limits. Used in media children only; not thread-safe.
class SideTrackReader {
 public:
  // `burn`: one track of bitmaps is decoded, too.
  SideTrackReader(const std::vector<av::StreamFacts>& streams, av::Claims claims, const std::optional<BurnRequest>& burn);

  // The streams whose packets it needs.
  [[nodiscard]] const std::vector<std::uint32_t>& streams() const { return wanted_; }
  [[nodiscard]] bool wants(std::uint32_t stream) const;
  // kInput where bitmaps to be burnt in go beyond the limits.
  Result<> take(std::uint32_t stream, const JournalPacket& packet);

  struct Found {
    SideTrackFacts facts;
    std::vector<std::string> notes;  // what is never carried, by kind
  };
  // `zero` is when the first frame (or audio) is shown, in the file's own time.
  Found finish(Timestamp zero);

 private:
  struct Reading {
    SubtitleTrack track;  // its cues in ticks of `base` until finish()
    Rational base{1, 1};
  };
  void begin_burning(const std::vector<av::StreamFacts>& streams, const BurnRequest& burn);
  Result<> take_bitmap(const JournalPacket& packet);
  void take_text(Reading& reading, const JournalPacket& packet);
  void place_cues(Timestamp zero);
  void place_bitmaps(Timestamp zero);
  void place_chapters(Timestamp zero, Found& found) const;
  void check_cover(Found& found) const;

  av::Claims claims_;
  std::vector<std::uint32_t> wanted_;
  std::vector<Reading> readings_;
  std::size_t text_bytes_ = 0;
  std::optional<av::SubtitleDecoder> decoder_;
  std::string burn_fault_;
  std::size_t burning_ = 0;      // place in readings_
  std::vector<Bitmap> bitmaps_;  // microseconds in the file's time; without rects where the screen is cleared
  std::size_t bitmap_bytes_ = 0;
};

}  // namespace gopmill
