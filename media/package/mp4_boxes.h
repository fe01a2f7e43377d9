#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "media/task/colour.h"

// The structure of an MP4 file as it stands on disk (ISO/IEC 14496-12), read and written without libav: a second opinion
// on what libav's muxer wrote and libav's demuxer makes of it, and the place where edit lists come from. Nothing read here
// is trusted: any misfit is a fault of kind kInput.

namespace gopmill {

struct Mp4Box {
  std::string type;        // four characters
  std::uint64_t at = 0;    // of its size field, in the file or in its parent's text
  std::uint64_t size = 0;  // header included
  std::uint32_t head = 8;  // bytes before the content
};

// How the time of a track's media becomes presentation time (elst).
struct Mp4Edit {
  std::uint64_t duration = 0;   // ticks of the movie's timescale
  std::int64_t media_time = 0;  // ticks of the track's; -1: nothing is shown
};

struct Mp4SampleEntry {
  std::string type;                // "avc1", "mp4a"…
  int width = 0, height = 0;       // video
  std::string configuration_type;  // "avcC", "hvcC", "av1C", "vpcC", "esds", "dOps"; empty: none found
  std::string configuration;       // its content
  // What the entry says of colour in colr (nclx), mdcv and clli boxes; nothing where there is none.
  std::optional<Colour> colour;
  std::optional<MasteringDisplay> mastering;
  std::optional<ContentLight> light;
};

struct Mp4Run {
  std::uint32_t count = 0;
  std::int64_t value = 0;
};

struct Mp4Track {
  std::string handler;  // "vide", "soun"
  std::uint32_t timescale = 0;
  bool enabled = true;
  std::uint32_t alternates = 0;  // the group of which one is played; 0: none
  std::string language;          // "und"
  std::string name;              // for people; empty: none
  bool upright = true;           // the track's matrix changes nothing
  std::vector<Mp4Edit> edits;    // none: as one edit over everything
  std::vector<Mp4SampleEntry> entries;
  std::vector<Mp4Run> durations;    // stts
  std::vector<Mp4Run> offsets;      // ctts; empty: all 0
  bool every_sample_is_key = true;  // no stss
  std::vector<std::uint32_t> keys;  // stss, from 1
  std::uint64_t samples = 0;        // stsz
  [[nodiscard]] Rational base() const { return {1, timescale}; }
};

struct Mp4Layout {
  std::vector<Mp4Box> boxes;    // top level
  std::uint32_t timescale = 0;  // of the movie
  std::vector<Mp4Track> tracks;
};

inline constexpr std::uint64_t kMoovBytesMax = 512ULL << 20;  // a day at 120 frames/s takes 160 MB

// mp4_layout.cpp
Result<Mp4Layout> read_mp4_layout(int file);

// When a track's samples are decoded and shown, edits applied. Ticks of the track's timescale.
struct Mp4Sample {
  std::int64_t dts = 0, pts = 0;
  std::int64_t duration = 0;
};
struct Mp4Presentation {
  std::vector<Mp4Sample> samples;  // in decode order; before the start of what is shown for priming
  std::int64_t starts = 0;         // when the first shown tick is presented; rounded only if the movie's timescale is too coarse
  std::int64_t skips = 0;          // ticks of media before it
  std::int64_t lasts =
      0;              // ticks shown: until the last sample ends, where that is the edit's end rounded up to the movie's ticks
  bool exact = true;  // nothing was rounded
};
// kInput for edit lists that are more than "wait, then play": gopmill writes none. mp4_presentation.cpp
Result<Mp4Presentation> presentation_of(const Mp4Layout& layout, const Mp4Track& track);

// What a track's edit list is to say, in trak order.
struct TrackEdit {
  std::uint64_t starts = 0;      // movie ticks before anything is shown; 0: no empty edit
  std::uint64_t lasts = 0;       // movie ticks shown
  std::uint64_t media_time = 0;  // track ticks skipped
};
// `moov` is a whole box without edit lists. Returns it with one per track, the durations of movie and tracks made to
// fit, and with `user_data` (whole boxes) as the movie's, of which only Nero's list of chapters is kept: libavformat writes an
// empty list of tags. mp4_edit_lists.cpp
Result<std::string> with_edit_lists(const std::string& moov, const std::vector<TrackEdit>& edits,
                                    const std::string& user_data = {});
// Bytes that with_edit_lists adds at most per track, and to the movie.
inline constexpr std::uint64_t kEditListBytesMax = 8 + 16 + 2 * 20 + 12;

}  // namespace gopmill
