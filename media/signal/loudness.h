#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace gopmill {

// How loud audio is, as ITU-R BS.1770-4 and EBU R 128 measure it: integrated loudness of a whole programme in LUFS, and true peak in
// dBTP. PURE, and in plain double arithmetic without a call into the mathematics library, whose last digit depends on the CPU:
// what is measured becomes a gain, and the same source must give the same bytes everywhere.
// Why: docs/decisions/21-one-gain.md.

inline constexpr double kSilentLufs = -70;  // the absolute gate: what is never louder has no loudness

class LoudnessMeter {
 public:
  // 44100 or 48000 Hz, the rates of outputs; 1, 2 or 6 channels, six as FL FR FC LFE BL BR.
  LoudnessMeter(int sample_rate, int channels);
  void take(const float* const* planes, int samples);
  // Of everything taken so far, at least kSilentLufs. Audio shorter than a block of 400 ms is measured as far as it goes.
  [[nodiscard]] double integrated() const;
  // Over all channels, at four times the rate; -infinity never: silence is kSilentDb.
  [[nodiscard]] double true_peak() const;
  static constexpr double kSilentDb = -120;

 private:
  static constexpr int kChannelsMax = 6;
  static constexpr std::size_t kTaps = 12;
  struct Biquad {
    double b0, b1, b2, a1, a2;
  };
  struct Channel {
    double weight = 1;
    std::array<double, 4> state{};  // of the two filters
    std::array<float, kTaps> recent{};
  };
  void end_step();
  void take_peak(Channel& channel, float sample);

  Biquad shelf_{}, high_pass_{};
  int step_samples_;  // 100 ms: blocks of 400 ms overlap by three quarters
  std::vector<Channel> channels_;
  std::size_t recent_at_ = 0;  // where the newest sample of each channel goes
  double step_energy_ = 0;     // of the step that is being filled
  int step_filled_ = 0;
  std::array<double, 4> steps_{};  // the last four
  std::uint64_t steps_done_ = 0;
  std::vector<double> blocks_;  // mean squares; ten a second
  double peak_ = 0;
};

// 10 log10(ratio) and its inverse for amplitudes, 10^(decibels/20), to fifteen digits; `ratio` > 0.
double power_decibels(double ratio);
double amplitude_of(double decibels);

// The one gain for audio that was heard at `lufs` and `true_peak`: to `target` LUFS, or where there is none 0 dB; in either case no
// more than keeps the peak at `ceiling` dBTP. Silence is left as it is.
struct Gain {
  double decibels = 0;
  bool limited = false;  // the ceiling decided
};
Gain choose_gain(double lufs, double true_peak, std::optional<double> target, double ceiling);

}  // namespace gopmill
