#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// A stranger's eyes and ears for finished files: plain libav, no code of gopmill's but the handles. A file that cannot be opened
// ends the test program.

namespace gopmill::test {

struct SeenFrame {
  double seconds = 0;
  std::int64_t pts = 0;  // ticks of the stream's base
  std::uint32_t number = 0;
  double luma = 0;  // mean, 0 to 255
  bool key = false;
};
struct HeardAudio {
  int sample_rate = 0;
  int channels = 0;
  std::int64_t first = 0;  // samples after zero, of the first sample
  std::vector<std::vector<float>> planes;
  bool contiguous = true;  // every block's time followed from the one before, to the sample
};
struct SeenFile {
  std::vector<SeenFrame> frames;
  std::optional<HeardAudio> audio;
  std::uint64_t refused = 0;
};
SeenFile look_at(int file);

// What the frames of a packet journal hold, sample for sample: one hash for each, in the order shown.
std::vector<std::string> frame_hashes(int journal);

// The luma of each frame, 8 bits or the upper 8 of them.
struct SeenLuma {
  int width = 0, height = 0;
  std::vector<std::uint8_t> samples;  // line by line
  [[nodiscard]] std::uint8_t at(int x, int y) const {
    return samples[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)];
  }
  friend bool operator==(const SeenLuma&, const SeenLuma&) = default;
};
std::vector<SeenLuma> luma_of_frames(int journal);
// The number drawn into the top of a clip's frame.
std::uint32_t number_in(const SeenLuma& frame);

// The luma of each frame's middle column.
std::vector<std::vector<std::uint8_t>> middle_columns(int journal);

// Times of beeps in seconds from zero: the middle of each run of loud audio.
std::vector<double> beeps_in(const HeardAudio& audio);
// The largest residual of predicting each sample of a pure tone from the two before it, in [from, to) of the audio's own samples: a
// jump in phase or level shows as a spike.
double worst_residual(const HeardAudio& audio, double hz, std::size_t from, std::size_t to);

// In file order, how far apart in seconds of decode time neighbouring tracks ever get: what a player must buffer.
double interleaving_of(int file);

// The luma in which a clip's frame number is drawn, and where (clips.cpp): for frames of this width, the side of one square.
int code_square_of(int width);
inline constexpr int kCodeBits = 16;

}  // namespace gopmill::test
