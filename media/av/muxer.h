#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "media/task/colour.h"
#include "media/task/journal.h"
#include "media/task/side_tracks.h"

namespace gopmill::av {

// One track of the file to be, as known before its first byte is written. Times in ticks of 1/timescale; media time 0 is
// the decode time of the first sample.
struct MuxTrack {
  StreamParameters parameters;  // extradata included; the packets' own base does not matter here
  std::uint32_t timescale = 0;
  Rational frame_rate{0, 1};                  // mean, for level tables only; 0: audio
  std::optional<MasteringDisplay> mastering;  // become boxes of the sample entry
  std::optional<ContentLight> light;
  std::int64_t starts = 0;       // when the first shown tick is presented
  std::int64_t skips = 0;        // media time of the first shown tick: reorder delay, priming
  std::int64_t lasts = 0;        // ticks shown
  std::string language = "und";  // ISO 639-2/T
  std::string title;             // for people who choose among tracks; empty: none
  bool enabled = true;           // played unless somebody chooses another of its kind
  // For the size of the index. Upper bounds; samples are exact.
  std::uint64_t samples = 0;
  std::uint64_t bytes = 0;
  std::uint64_t duration_runs = 0;  // runs of equal sample durations
  std::uint64_t offset_runs = 0;    // runs of equal pts - dts; 0: all are 0
  std::uint64_t keys = 0;           // 0: every sample is one
};

// What the movie has beside its tracks.
struct MuxSideTracks {
  std::vector<Chapter>
      chapters;              // ms, rising from 0; as a text track and as Nero's list, so that every player finds one it reads
  std::int64_t ends_ms = 0;  // of the last chapter
  std::optional<std::int64_t> created_unix_s;
  std::string user_data;  // whole boxes (media/package/mp4_metadata.h)
};

struct MuxSample {
  std::int64_t dts = 0;  // media time, from 0
  std::int64_t pts = 0;
  std::int64_t duration = 0;  // > 0
  bool key = false;
};

// Writes one progressive MP4 in one pass, `moov` first, over libavformat's muxer. Nothing is written twice: the index goes
// into a gap left in front, whose size is computed from the tables' lengths, and what is left of it becomes a `free` box.
// The same calls give the same bytes: no dates, no encoder names. Edit lists are our own (media/package/mp4_boxes.h), because
// libavformat 5.1 plays the priming of audio that starts late: it writes an empty edit, and then media time 0.
//
// The caller chooses the order of samples across tracks; within one, dts rises. Holds about 80 bytes per sample. Not
// thread-safe; the descriptor is the caller's, an empty file opened for reading and writing, and outlives the muxer. A muxer that is
// not finished leaves rubbish in the file.
class Muxer {
 public:
  // `pieces`: at most so many times the track changes from one sample to the next. kInternal for a codec MP4 cannot hold, kMachine where the disk fails.
  static Result<Muxer> create(int fd, std::vector<MuxTrack> tracks, std::uint64_t pieces, MuxSideTracks side_tracks = {});
  Muxer(Muxer&&) noexcept;
  ~Muxer();

  Result<> write(std::size_t track, const MuxSample& sample, const std::string& bytes);
  Result<> finish();

 private:
  struct State;
  explicit Muxer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gopmill::av
