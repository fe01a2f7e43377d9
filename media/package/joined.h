#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "media/task/task.h"

// What becomes of a rendition's coded frames when all segments are put in a row. PURE.
//
// Decode times are made here, for the whole rendition at once, and whatever encoders said is ignored: encoders start with
// a delay that depends on the segment's length and rate, so that at joins their times overlap (a join of 60 and 24 frames/s
// ran 3152 ticks backwards). Let S be all presentation times in order. Packet i of the decode order gets dts(i) =
// S[i - D], with the smallest D for which dts(i) <= pts(i) everywhere: D is how far the most delayed frame is from its
// place. Before S[0] the clock is continued backwards. S rises strictly, so dts does too.
// Why: docs/decisions/11-stitcher-owns-time.md.

namespace gopmill {

class JoinedFrames {
 public:
  // The plan must outlive this, and its frames rise strictly. Holds 8 bytes per frame.
  explicit JoinedFrames(const RenditionPlan& plan);

  // The next coded frame in decode order. kInternal: a time that is not planned or came before, a key frame missing or
  // where none is planned, a frame shown before the key frame it follows (that GOP would not be closed).
  Result<> add(std::int64_t pts, std::uint32_t bytes, bool key);
  // kInternal if a planned frame is missing, naming the first.
  Result<> finish();

  // After finish(). Times in ticks of the plan's base.
  [[nodiscard]] std::size_t size() const { return places_.size(); }
  [[nodiscard]] std::uint32_t reorder() const { return reorder_; }  // D
  [[nodiscard]] std::int64_t dts(std::size_t i) const;
  [[nodiscard]] std::int64_t pts(std::size_t i) const { return plan_.frames[places_[i]].pts; }
  [[nodiscard]] bool key(std::size_t i) const { return plan_.frames[places_[i]].key; }
  // Until the next frame's dts; the last one's is the plan's last_duration. Always > 0.
  [[nodiscard]] std::int64_t duration(std::size_t i) const;
  [[nodiscard]] std::int64_t first_pts() const { return plan_.frames.front().pts; }
  [[nodiscard]] std::int64_t shown() const;  // from the first frame to the end of the last
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  // Lengths of the tables an MP4 writes in runs of equal values, and of its list of key frames.
  struct Tables {
    std::uint64_t duration_runs = 0;
    std::uint64_t offset_runs = 0;
    std::uint64_t keys = 0;
  };
  [[nodiscard]] Tables tables() const;
  [[nodiscard]] const std::vector<std::uint32_t>& sizes() const { return sizes_; }  // bytes, in decode order

 private:
  const RenditionPlan& plan_;
  std::vector<std::uint32_t> places_;  // place in plan_.frames, in decode order
  std::vector<std::uint32_t> sizes_;
  std::vector<bool> seen_;
  std::uint32_t key_place_ = 0;  // of the newest key frame
  std::uint32_t reorder_ = 0;
  std::int64_t lead_step_ = 1;  // how the clock runs before S[0]
  std::uint64_t bytes_ = 0;
};

// The decoder's buffer as broadcasters and phones model it (ISO/IEC 14496-10 annex C, constant-rate leaky bucket): `bufsize`
// bits, filled at `maxrate` up to the brim, each frame taken out whole at its decode time.
inline constexpr double kBufferStartFullness = 0.9;  // x264's own default, which encoders assume of players
// What a segment finds in the buffer at its first frame, at least, and leaves in it for the next one. Encoders are told to start
// from it (media/av/encode/encoder_open.cpp), so that segments that know nothing of each other fit behind one another in any
// order: each that keeps both ends of the bargain can only find more than it needs.
inline constexpr double kBufferJoinFullness = 0.5;

class LeakyBucket {
 public:
  // Bits per second and bits, both > 0; `start` as a fraction of the bucket.
  LeakyBucket(std::int64_t maxrate, std::int64_t bufsize, double start = kBufferStartFullness)
      : maxrate_(maxrate), bufsize_(bufsize), fullness_(start * static_cast<double>(bufsize)) {}
  // Decode times rise.
  void take(Timestamp dts, std::uint64_t bytes);
  [[nodiscard]] std::uint64_t underflows() const { return underflows_; }  // frames that had not arrived in time
  [[nodiscard]] double lowest() const {
    return lowest_ / static_cast<double>(bufsize_);
  }  // fullness, 1 = full; < 0: so much was missing
  [[nodiscard]] std::optional<Timestamp> first_underflow() const { return first_; }
  // What it holds just before a frame is taken out at `dts`: a fraction; < 0: so much is missing.
  [[nodiscard]] double fullness_at(Timestamp dts) const;

 private:
  std::int64_t maxrate_;
  std::int64_t bufsize_;
  double fullness_;
  double lowest_ = fullness_;
  std::uint64_t underflows_ = 0;
  std::optional<Timestamp> last_;
  std::optional<Timestamp> first_;
};

}  // namespace gopmill
