// One track of audio, whole, from journal to journal.
//
// Level. Audio that keeps its channels keeps its level. Where channels are mixed down, or the profile asks for a loudness, the
// source is read twice: first to hear how loud the result is and how high it peaks, then to encode it with one gain from beginning
// to end. A gain that moves would be heard.
//
// Time. The first surviving sample of the source is AudioTask::first_sample; from there on samples are counted, and each
// decoded block's timestamp is compared with the count. Off by no more than kSlack, it is jitter (Matroska rounds to a
// millisecond, clocks drift) and nothing is touched; beyond, a hole is filled with silence and an overlap dropped, at
// once and exactly. Nothing is ever stretched: that would be heard, and would make every sample depend on every timestamp.

#include <algorithm>
#include <optional>
#include <vector>

#include "base/time.h"
#include "media/av/audio.h"
#include "media/av/decode/decoder.h"
#include "media/av/frame/frame.h"
#include "media/signal/loudness.h"
#include "media/steps/work.h"
#include "media/task/journal.h"
#include "media/task/timeline.h"
#include "media/timeline/clock.h"
#include "media/timeline/losses.h"

namespace gopmill {

namespace {

// Below the 20 ms of a packet of Opus or AMR, so that one that is lost leaves a hole; above what containers round and what is heard.
constexpr Rational kSlack{18, 1000};
// A clock that jumps back further than this has been reset: to drop all audio until it catches up would lose it.
constexpr Rational kOverlapMax{10, 1};

// Where the next decoded block belongs: after how much silence, and from which of its samples on.
struct Placement {
  std::int64_t silence = 0;  // samples of the source's rate
  std::int64_t skip = 0;
};

// Counts source samples against timestamps.
class SourceClock {
 public:
  // `varies`: blocks of the codec differ in length, and multiplexers stamp them by their beginnings or by their ends.
  SourceClock(Rational base, bool varies) : base_(base), varies_(varies) {}

  // kInput where the source's clock cannot be believed.
  Result<Placement> place(const av::AudioFacts& block) {
    const Rational rate{1, block.sample_rate};
    if (block.sample_rate != sample_rate_) change_rate(block.sample_rate);
    if (block.pts == INT64_MIN) return take(block, {});
    if (!first_) {
      // Audio before it had no timestamps; it counts.
      first_ = block.pts - position().in(base_).ticks;
      first_samples_ = block.samples;
    }
    // A source cannot span more than its limit, so differences beyond it are damage, and could overflow.
    const Timestamp limit{static_cast<std::int64_t>(kSourceSecondsMax), {1, 1}};
    const Timestamp due{block.pts / 2 - *first_ / 2, {base_.num * 2, base_.den}};
    if (due > limit || due < Timestamp{-limit.ticks, limit.base})
      return fail(FaultKind::kInput, "audio " + std::to_string(due.seconds()) + " s away from the first");
    const std::int64_t want = rescale(block.pts - *first_, base_, rate);
    const std::int64_t have = position().in(rate).ticks;
    const std::int64_t slack = rescale(1, kSlack, rate);
    const std::int64_t by_end = want + first_samples_ - block.samples;
    if (varies_ && by_end < have + slack && by_end > have - slack) return take(block, {});
    Placement placement;
    if (want >= have + slack) placement.silence = want - have;
    if (want < have - slack) placement.skip = have - want;
    if (placement.skip > rescale(1, kOverlapMax, rate)) {
      return fail(FaultKind::kInput, "the audio's clock jumps back by " +
                                         std::to_string(Timestamp{placement.skip, rate}.seconds()) + " s at " +
                                         std::to_string(position().seconds()) + " s");
    }
    placement.skip = std::min<std::int64_t>(placement.skip, block.samples);
    return take(block, placement);
  }
  // From the first sample to the end of the last.
  [[nodiscard]] Timestamp position() const {
    return sample_rate_ == 0 ? Timestamp{0, {1, 1}} : Timestamp{before_ + counted_, {1, sample_rate_}};
  }

 private:
  Placement take(const av::AudioFacts& block, Placement placement) {
    counted_ += placement.silence + block.samples - placement.skip;
    return placement;
  }
  void change_rate(int sample_rate) {
    before_ = position().in({1, sample_rate}).ticks;
    counted_ = 0;
    sample_rate_ = sample_rate;
  }

  const Rational base_;
  const bool varies_;
  std::optional<std::int64_t> first_;  // pts of the first sample
  std::int64_t first_samples_ = 0;     // of the block that had it
  int sample_rate_ = 0;                // of the newest block
  std::int64_t before_ = 0;            // position when this rate began
  std::int64_t counted_ = 0;           // samples since
};

// The whole source once, in the output's rate and channels: every sample where it belongs, holes filled.
class AudioReading {
 public:
  AudioReading(const AudioTask& task, av::MixLevel level, const StreamParameters& source, av::OnAudio on_audio)
      : task_(task),
        converter_(task.sample_rate, task.channels, level),
        source_base_(source.base),
        clock_(source.base, source.codec == "vorbis"),
        on_audio_(std::move(on_audio)) {}

  Result<> run(JournalReader& source, av::Decoder& decoder) {
    const auto on_decoded = [this](AVFrame& frame) { return decoded(frame); };
    ClockFollower clock(task_.clock);
    while (auto packet = TRY(source.next())) {
      const std::int64_t shift = clock.at(packet->ordinal);
      if (packet->pts != INT64_MIN) packet->pts += shift;
      if (packet->dts != INT64_MIN) packet->dts += shift;
      const std::uint64_t refused = decoder.refused();
      TRY(decoder.send(*packet, on_decoded));
      if (decoder.refused() > refused) note_loss(packet->duration, decoder.last_refusal());
    }
    TRY(decoder.finish(on_decoded));
    if (!losses_.empty() && task_.damage == Damage::kRefuse) return fail(FaultKind::kInput, refusal(losses_.all()));
    TRY(converter_.finish(on_audio_));
    if (any_) return {};
    return fail(FaultKind::kInput,
                "none of the audio can be decoded" + (decoder.refused() > 0 ? ": " + decoder.last_refusal() : std::string()));
  }
  [[nodiscard]] const std::vector<Loss>& losses() const { return losses_.all(); }
  // What was done to the source's timeline.
  void report(AudioOutput& output) const {
    output.silence_filled = silence_filled_;
    output.holes = holes_;
    output.overlap_dropped = overlap_dropped_;
  }

 private:
  // Audio that does not decode belongs behind what was heard so far. Before the first audio nothing is lost: a recording
  // that starts inside a block of audio has never had its beginning.
  void note_loss(std::int64_t ticks, const std::string& reason) {
    if (!any_) return;
    const double from = clock_.position().seconds() + Timestamp{task_.first_sample, {1, task_.sample_rate}}.seconds();
    losses_.add({DamageKind::kAudio, from, from + Timestamp{ticks, source_base_}.seconds(), 1, reason});
  }

  Result<> decoded(AVFrame& frame) {
    const av::AudioFacts block = av::audio_facts_of(frame);
    if (block.samples < 1 || block.sample_rate < 1) return {};
    const Placement placement = TRY(clock_.place(block));
    if (clock_.position().seconds() > kSourceSecondsMax)
      return fail(FaultKind::kInput, "more than " + std::to_string(kSourceSecondsMax / 3600) + " hours of audio");
    if (placement.silence > 0) TRY(fill(frame, placement.silence));
    if (placement.skip > 0) overlap_dropped_ += in_output(placement.skip, block.sample_rate);
    any_ = true;
    return converter_.push(frame, static_cast<int>(placement.skip), on_audio_);
  }

  Result<> fill(AVFrame& frame, std::int64_t samples) {
    const av::AudioFacts block = av::audio_facts_of(frame);
    // A push of nothing makes the converter one for this block's shape.
    TRY(converter_.push(frame, block.samples, on_audio_));
    TRY(converter_.silence(samples, on_audio_));
    silence_filled_ += in_output(samples, block.sample_rate);
    ++holes_;
    return {};
  }

  [[nodiscard]] std::uint64_t in_output(std::int64_t samples, int sample_rate) const {
    return static_cast<std::uint64_t>(rescale(samples, {1, sample_rate}, {1, task_.sample_rate}));
  }

  const AudioTask& task_;
  av::AudioConverter converter_;
  Rational source_base_;
  SourceClock clock_;
  LossList losses_;
  const av::OnAudio on_audio_;
  std::uint64_t silence_filled_ = 0, holes_ = 0, overlap_dropped_ = 0;
  bool any_ = false;
};

// One task: its source may be read more than once.
class TrackEncoding {
 public:
  TrackEncoding(const AudioTask& task, int input, std::uint64_t journal_offset, ParentLine& parent)
      : task_(task), input_(input), journal_offset_(journal_offset), parent_(parent) {}

  Result<TaskResult> run(int output) {
    const StreamParameters source = TRY(JournalReader::open(input_, journal_offset_)).parameters();
    if (source.media != Media::kAudio) return fail(FaultKind::kInternal, "an audio task without audio");
    const bool mixes_down = source.channels > task_.channels;
    readings_ = mixes_down || task_.profile.loudness ? 2 : 1;
    if (readings_ == 2) result_.loudness = TRY(measure());
    TRY(encode(output));
    return TaskResult{.audio = result_, .cpu_ms = process_cpu_ms(), .losses = std::move(losses_)};
  }

 private:
  Result<LoudnessResult> measure() {
    LoudnessMeter meter(task_.sample_rate, task_.channels);
    TRY(read(
        [&](const float* const* planes, int samples) -> Result<> {
          meter.take(planes, samples);
          heard(samples);
          return {};
        },
        false));
    const double lufs = meter.integrated();
    const double peak = meter.true_peak();
    const Gain gain = choose_gain(lufs, peak, task_.profile.loudness, task_.profile.true_peak);
    return LoudnessResult{lufs, peak, gain.decibels, gain.limited};
  }

  Result<> encode(int output) {
    av::AudioEncoder encoder = TRY(av::AudioEncoder::open(task_));
    JournalWriter journal(output, 0);
    TRY(journal.begin(encoder.parameters()));
    const auto keep = [&](JournalPacket packet) -> Result<> {
      packet.pts += task_.first_sample;
      packet.dts += task_.first_sample;
      result_.bytes += packet.bytes.size();
      return journal.append(packet);
    };
    const auto gain = static_cast<float>(amplitude_of(result_.loudness ? result_.loudness->gain : 0));
    std::vector<std::vector<float>> louder(static_cast<std::size_t>(task_.channels));
    std::vector<const float*> planes_of_louder(louder.size());
    const auto send = [&](const float* const* planes, int samples) -> Result<> {
      heard(samples);
      if (gain == 1.0F) return encoder.send(planes, samples, keep);
      for (std::size_t c = 0; c < louder.size(); ++c) {
        louder[c].assign(planes[c], planes[c] + samples);
        for (float& sample : louder[c]) sample *= gain;
        planes_of_louder[c] = louder[c].data();
      }
      return encoder.send(planes_of_louder.data(), samples, keep);
    };
    TRY(read(send, true));
    TRY(encoder.finish(keep));
    result_.samples = static_cast<std::uint64_t>(encoder.samples());
    result_.priming = encoder.parameters().initial_padding;
    return journal.finish();
  }

  // With a second reading to come, nothing of the mix is held back for fear of clipping. What the last one finds is reported.
  Result<> read(av::OnAudio on_audio, bool last) {
    JournalReader source = TRY(JournalReader::open(input_, journal_offset_));
    const StreamParameters& parameters = source.parameters();
    av::Decoder decoder = TRY(av::Decoder::open(parameters, {.threads = 1}));
    const av::MixLevel level = readings_ == 2 ? av::MixLevel::kWhole : av::MixLevel::kSafe;
    AudioReading reading(task_, level, parameters, std::move(on_audio));
    TRY(reading.run(source, decoder));
    if (!last) return {};
    reading.report(result_);
    losses_ = reading.losses();
    return {};
  }

  void heard(int samples) {
    heard_ += samples;
    parent_.progress(static_cast<std::uint64_t>(rescale(heard_ / readings_, {1, task_.sample_rate}, {1, 1000})));
  }

  const AudioTask& task_;
  const int input_;
  const std::uint64_t journal_offset_;
  ParentLine& parent_;
  int readings_ = 1;
  std::int64_t heard_ = 0;  // samples, over all readings
  AudioOutput result_;
  std::vector<Loss> losses_;
};

}  // namespace

Result<TaskResult> encode_audio(const AudioTask& task, int input, std::uint64_t journal_offset, int output, ParentLine& parent) {
  av::use_plain_arithmetic();
  return TrackEncoding(task, input, journal_offset, parent).run(output);
}

}  // namespace gopmill
