// One track of sound, whole, from journal to journal.
//
// Time. The first surviving sample of the source is AudioTask::first_sample; from there on samples are counted, and each
// decoded block's timestamp is compared with the count. Off by no more than kSlack, it is jitter (Matroska rounds to a
// millisecond, clocks drift) and nothing is touched; beyond, a hole is filled with silence and an overlap dropped, at
// once and exactly. Nothing is ever stretched: that would be heard, and would make every sample depend on every timestamp.

#include <sys/resource.h>

#include <algorithm>
#include <optional>

#include "media/av/audio.h"
#include "media/av/decoder.h"
#include "media/av/picture.h"
#include "media/journal.h"
#include "media/timeline.h"
#include "media/work.h"

namespace gopmill {

namespace {

// Below what is heard as an echo or a gap, above what containers round.
constexpr Rational kSlack{20, 1000};
// A clock that jumps back further than this has been reset: to drop all sound until it catches up would lose it.
constexpr Rational kOverlapMax{10, 1};

// Where the next decoded block belongs: after how much silence, and from which of its samples on.
struct Placement {
  std::int64_t silence = 0;  // samples of the source's rate
  std::int64_t skip = 0;
};

// Counts source samples against timestamps. PURE.
class SourceClock {
 public:
  explicit SourceClock(Rational base) : base_(base) {}

  // kInput where the source's clock cannot be believed.
  Result<Placement> place(const av::SoundFacts& block) {
    const Rational rate{1, block.sample_rate};
    if (block.sample_rate != sample_rate_) change_rate(block.sample_rate);
    if (block.pts == INT64_MIN) return take(block, {});
    if (!first_) {
      // Sound before it had no timestamps; it counts.
      first_ = block.pts - position().in(base_).ticks;
    }
    // A source cannot span more than its limit, so differences beyond it are damage, and could overflow.
    const Timestamp limit{static_cast<std::int64_t>(kSourceSecondsMax), {1, 1}};
    const Timestamp due{block.pts / 2 - *first_ / 2, {base_.num * 2, base_.den}};
    if (due > limit || due < Timestamp{-limit.ticks, limit.base})
      return fail(FaultKind::kInput, "sound " + std::to_string(due.seconds()) + " s away from the first");
    const std::int64_t want = rescale(block.pts - *first_, base_, rate);
    const std::int64_t have = position().in(rate).ticks;
    const std::int64_t slack = rescale(1, kSlack, rate);
    Placement placement;
    if (want > have + slack) placement.silence = want - have;
    if (want < have - slack) placement.skip = have - want;
    if (placement.skip > rescale(1, kOverlapMax, rate)) {
      return fail(FaultKind::kInput, "the sound's clock jumps back by " +
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
  Placement take(const av::SoundFacts& block, Placement placement) {
    counted_ += placement.silence + block.samples - placement.skip;
    return placement;
  }
  void change_rate(int sample_rate) {
    before_ = position().in({1, sample_rate}).ticks;
    counted_ = 0;
    sample_rate_ = sample_rate;
  }

  Rational base_;
  std::optional<std::int64_t> first_;  // pts of the first sample
  int sample_rate_ = 0;                // of the newest block
  std::int64_t before_ = 0;            // position when this rate began
  std::int64_t counted_ = 0;           // samples since
};

std::uint64_t cpu_ms_so_far() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& t) {
    return static_cast<std::uint64_t>(t.tv_sec) * 1000 + static_cast<std::uint64_t>(t.tv_usec) / 1000;
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

class SoundTask {
 public:
  SoundTask(const AudioTask& task, av::SoundEncoder encoder, Rational source_base, int output, ParentLine& parent)
      : task_(task),
        encoder_(std::move(encoder)),
        converter_(task.sample_rate, task.channels),
        clock_(source_base),
        journal_(output, 0),
        parent_(parent) {}

  Result<TaskResult> run(JournalReader& source, av::Decoder& decoder) {
    const auto on_decoded = [this](AVFrame& frame) { return decoded(frame); };
    TRY(journal_.begin(encoder_.parameters()));
    while (const auto packet = TRY(source.next())) TRY(decoder.send(*packet, on_decoded));
    TRY(decoder.finish(on_decoded));
    TRY(converter_.finish(encode()));
    if (encoder_.samples() == 0 && !any_) {
      return fail(FaultKind::kInput,
                  "none of the sound can be decoded" + (decoder.refused() > 0 ? ": " + decoder.last_refusal() : std::string()));
    }
    TRY(encoder_.finish(keep()));
    TRY(journal_.finish());
    result_.samples = static_cast<std::uint64_t>(encoder_.samples());
    result_.priming = encoder_.parameters().initial_padding;
    return TaskResult{.audio = result_, .cpu_ms = cpu_ms_so_far()};
  }

 private:
  Result<> decoded(AVFrame& frame) {
    const av::SoundFacts block = av::sound_facts_of(frame);
    if (block.samples < 1 || block.sample_rate < 1) return {};
    const Placement placement = TRY(clock_.place(block));
    if (clock_.position().seconds() > kSourceSecondsMax)
      return fail(FaultKind::kInput, "more than " + std::to_string(kSourceSecondsMax / 3600) + " hours of sound");
    if (placement.silence > 0) TRY(fill(frame, placement.silence));
    if (placement.skip > 0) result_.overlap_dropped += in_output(placement.skip, block.sample_rate);
    any_ = true;
    return converter_.push(frame, static_cast<int>(placement.skip), encode());
  }

  Result<> fill(AVFrame& frame, std::int64_t samples) {
    const av::SoundFacts block = av::sound_facts_of(frame);
    // A push of nothing makes the converter one for this block's shape.
    TRY(converter_.push(frame, block.samples, encode()));
    TRY(converter_.silence(samples, encode()));
    result_.silence_filled += in_output(samples, block.sample_rate);
    return {};
  }

  [[nodiscard]] std::uint64_t in_output(std::int64_t samples, int sample_rate) const {
    return static_cast<std::uint64_t>(rescale(samples, {1, sample_rate}, {1, task_.sample_rate}));
  }

  av::OnSound encode() {
    return [this](const float* const* planes, int samples) -> Result<> {
      TRY(encoder_.send(planes, samples, keep()));
      parent_.progress(static_cast<std::uint64_t>(rescale(encoder_.samples(), {1, task_.sample_rate}, {1, 1000})));
      return {};
    };
  }

  av::SoundEncoder::OnPacket keep() {
    return [this](JournalPacket packet) -> Result<> {
      packet.pts += task_.first_sample;
      packet.dts += task_.first_sample;
      result_.bytes += packet.bytes.size();
      return journal_.append(packet);
    };
  }

  const AudioTask& task_;
  av::SoundEncoder encoder_;
  av::SoundConverter converter_;
  SourceClock clock_;
  JournalWriter journal_;
  ParentLine& parent_;
  AudioOutput result_;
  bool any_ = false;
};

}  // namespace

Result<TaskResult> encode_audio(const AudioTask& task, int input, std::uint64_t journal_offset, int output, ParentLine& parent) {
  av::use_plain_arithmetic();
  JournalReader source = TRY(JournalReader::open(input, journal_offset));
  const StreamParameters& parameters = source.parameters();
  if (parameters.media != 2) return fail(FaultKind::kInternal, "a sound task without sound");
  av::Decoder decoder = TRY(av::Decoder::open(parameters, {.threads = 1, .cpu_independent = true}));
  av::SoundEncoder encoder = TRY(av::SoundEncoder::open(task));
  return SoundTask(task, std::move(encoder), parameters.base, output, parent).run(source, decoder);
}

}  // namespace gopmill
