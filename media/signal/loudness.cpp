#include "media/signal/loudness.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "base/check.h"

namespace gopmill {

namespace {

// BS.1770-4 Annex 1: LKFS = -0.691 + 10 log10 of the weighted sum of mean squares; the offset makes 997 Hz read as it is.
constexpr double kOffset = -0.691;
constexpr double kRelativeGate = -10;     // LU below the mean of what passes the absolute gate
constexpr double kSurroundWeight = 1.41;  // 1.5 dB: audio from behind is louder
constexpr int kStepsPerSecond = 10;
constexpr std::size_t kStepsPerBlock = 4;
constexpr std::size_t kPhases = 4;
constexpr std::size_t kPeakTaps = 12;

// BS.1770-4 Annex 2, table: the interpolating filter by phases. Phases 2 and 3 are 1 and 0 backwards.
constexpr std::array<std::array<double, kPeakTaps>, 2> kInterpolator = {
    {{0.0017089843750, 0.0109863281250, -0.0196533203125, 0.0332031250000, -0.0594482421875, 0.1373291015625, 0.9721679687500,
      -0.1022949218750, 0.0476074218750, -0.0266113281250, 0.0148925781250, -0.0083007812500},
     {-0.0291748046875, 0.0292968750000, -0.0517578125000, 0.0891113281250, -0.1665039062500, 0.4650878906250, 0.7797851562500,
      -0.2003173828125, 0.1015625000000, -0.0582275390625, 0.0330810546875, -0.0189208984375}}};

constexpr double kNothing = 1e-30;  // 600 dB below full scale

constexpr double kLn10 = 2.302585092994045684;
constexpr double kLn2 = 0.693147180559945309;

// ln by the series of the inverse hyperbolic tangent, on a mantissa of 0.7 to 1.4, where twenty terms are more than double holds.
double natural_log(double x) {
  int exponent = 0;
  double mantissa = std::frexp(x, &exponent);
  if (mantissa < 0.70710678118654752) {
    mantissa *= 2;
    --exponent;
  }
  const double s = (mantissa - 1) / (mantissa + 1);
  double power = s, sum = 0;
  for (int k = 1; k < 40; k += 2) {
    sum += power / k;
    power *= s * s;
  }
  return 2 * sum + exponent * kLn2;
}

// e^x by its series on an argument of at most ln 2, doubled back.
double exponential(double x) {
  const int exponent = static_cast<int>(x / kLn2);
  const double rest = x - exponent * kLn2;
  double term = 1, sum = 1;
  for (int k = 1; k < 24; ++k) {
    term *= rest / k;
    sum += term;
  }
  return std::ldexp(sum, exponent);
}

double loudness_of(double mean_square) { return kOffset + power_decibels(mean_square); }

double mean_of(const std::vector<double>& values) {
  return values.empty() ? 0 : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

double power_decibels(double ratio) { return 10 * natural_log(ratio) / kLn10; }
double amplitude_of(double decibels) { return exponential(decibels * kLn10 / 20); }

LoudnessMeter::LoudnessMeter(int sample_rate, int channels) : step_samples_(sample_rate / kStepsPerSecond) {
  GOPMILL_CHECK((sample_rate == 44100 || sample_rate == 48000) && channels >= 1 && channels <= kChannelsMax);
  static_assert(kTaps == kPeakTaps);
  // At 48 kHz the coefficients of BS.1770-4, tables 1 and 2; at 44.1 kHz the same analogue filters, by the bilinear transform.
  if (sample_rate == 48000) {
    shelf_ = {1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585};
    high_pass_ = {1, -2, 1, -1.99004745483398, 0.99007225036621};
  } else {
    shelf_ = {1.53084123005035, -2.65097999515473, 1.16907907992159, -1.66365511325602, 0.71259542807323};
    high_pass_ = {1, -2, 1, -1.98916967362980, 0.98919903578704};
  }
  channels_.resize(static_cast<std::size_t>(channels));
  if (channels == kChannelsMax) {
    channels_[3].weight = 0;  // LFE does not count
    channels_[4].weight = channels_[5].weight = kSurroundWeight;
  }
}

void LoudnessMeter::take_peak(Channel& channel, float sample) {
  channel.recent[recent_at_] = sample;
  for (std::size_t phase = 0; phase < kPhases; ++phase) {
    const auto& taps = kInterpolator[phase < 2 ? phase : 3 - phase];
    double sum = 0;
    for (std::size_t i = 0, at = recent_at_; i < kTaps; ++i, at = at == 0 ? kTaps - 1 : at - 1) {
      sum += static_cast<double>(channel.recent[at]) * taps[phase < 2 ? i : kTaps - 1 - i];
    }
    peak_ = std::max(peak_, std::abs(sum));
  }
  peak_ = std::max(peak_, static_cast<double>(std::abs(sample)));
}

void LoudnessMeter::take(const float* const* planes, int samples) {
  for (int i = 0; i < samples; ++i) {
    for (std::size_t c = 0; c < channels_.size(); ++c) {
      Channel& channel = channels_[c];
      take_peak(channel, planes[c][i]);
      if (channel.weight == 0) continue;
      // Both filters in the transposed direct form II.
      auto& s = channel.state;
      const double x = planes[c][i];
      const double shelved = shelf_.b0 * x + s[0];
      s[0] = shelf_.b1 * x - shelf_.a1 * shelved + s[1];
      s[1] = shelf_.b2 * x - shelf_.a2 * shelved;
      const double y = high_pass_.b0 * shelved + s[2];
      s[2] = high_pass_.b1 * shelved - high_pass_.a1 * y + s[3];
      s[3] = high_pass_.b2 * shelved - high_pass_.a2 * y;
      step_energy_ += channel.weight * y * y;
    }
    recent_at_ = recent_at_ + 1 == kTaps ? 0 : recent_at_ + 1;
    if (++step_filled_ == step_samples_) end_step();
  }
}

void LoudnessMeter::end_step() {
  steps_[steps_done_++ % kStepsPerBlock] = step_energy_ / step_samples_;
  step_energy_ = 0;
  step_filled_ = 0;
  // What is left of audio long past would be counted in denormal numbers, a hundred times slower.
  for (Channel& channel : channels_) {
    for (double& value : channel.state) value = std::abs(value) < kNothing ? 0 : value;
  }
  if (steps_done_ >= kStepsPerBlock) blocks_.push_back(std::accumulate(steps_.begin(), steps_.end(), 0.0) / kStepsPerBlock);
}

double LoudnessMeter::integrated() const {
  std::vector<double> heard = blocks_;
  if (heard.empty()) {
    const double samples = static_cast<double>(steps_done_) * step_samples_ + step_filled_;
    const double energy = std::accumulate(steps_.begin(), steps_.end(), 0.0) * step_samples_ + step_energy_;
    if (samples > 0) heard.push_back(energy / samples);
  }
  const auto gate = [&heard](double lufs) {
    std::erase_if(heard, [lufs](double block) { return block <= 0 || loudness_of(block) <= lufs; });
  };
  gate(kSilentLufs);
  if (heard.empty()) return kSilentLufs;
  gate(loudness_of(mean_of(heard)) + kRelativeGate);
  return std::max(kSilentLufs, loudness_of(mean_of(heard)));
}

Gain choose_gain(double lufs, double true_peak, std::optional<double> target, double ceiling) {
  if (lufs <= kSilentLufs && target) return {};
  const double wanted = target ? *target - lufs : 0;
  const double allowed = ceiling - true_peak;
  return allowed < wanted ? Gain{allowed, true} : Gain{wanted, false};
}

double LoudnessMeter::true_peak() const { return peak_ > 1e-6 ? 2 * power_decibels(peak_) : kSilentDb; }

}  // namespace gopmill
