#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "media/av/decode/demuxer.h"
#include "media/child/parent_line.h"
#include "media/steps/analyse/chosen_tracks.h"
#include "media/steps/analyse/side_track_reader.h"
#include "media/timeline/clock.h"
#include "media/timeline/frame_list.h"

// The one read of a source from end to end: what every packet says, nothing decoded.

namespace gopmill {

// Everything the linear read gathers.
struct LinearRead {
  std::vector<PacketFacts> video;
  std::uint64_t video_bytes = 0;
  struct Audio {
    std::int64_t first = INT64_MAX, end = INT64_MIN;  // ticks of the stream's base
    std::uint32_t packets = 0;
    std::uint64_t bytes = 0;
    AudioTimes times;
    std::vector<ClockShift> clock;
  };
  std::vector<Audio> audio;           // by stream index
  std::vector<ClockShift> clock;      // of the video track
  std::optional<av::Truncation> cut;  // the file is shorter than it should be
  bool is_broadcast = false;          // its clock may jump and its end is anywhere
  bool counted = false;               // no frame has a time of its own
};

// All times are put on one clock. Chooses no video where the track that was chosen turns out to be empty.
Result<LinearRead> read_all_packets(int source, ChosenTracks& chosen, SideTrackReader& side_tracks, ParentLine& parent);

}  // namespace gopmill
