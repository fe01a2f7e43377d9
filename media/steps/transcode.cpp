// One segment, all renditions, from one decode; from two where some are encoded in two passes. Frames are known by the
// ordinal of the packet they come from, so no clock of the source is asked again; each rendition walks its own list of
// frames; what its encoder gives is kept only for the body, and is decoded again at once and compared with what went in:
// success is what was checked.

#include <algorithm>
#include <cmath>
#include <map>

#include "base/archive.h"
#include "base/check.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/time.h"
#include "media/av/decode/decoder.h"
#include "media/av/encode/encoder.h"
#include "media/av/encode/first_pass.h"
#include "media/av/frame/frame.h"
#include "media/encoder/encoder_facts.h"
#include "media/encoder/key_runs.h"
#include "media/encoder/rate_search.h"
#include "media/steps/task_frames.h"
#include "media/steps/work.h"
#include "media/task/task_check.h"

namespace gopmill {

namespace {

// A frame that comes back worse than this is not the one that was sent: even the coarsest quantiser stays above it.
constexpr double kWrongFramePsnr = 10.0;
constexpr double kPerfectPsnr = 99.0;

double psnr_of(double squared_error) {
  return squared_error <= 0 ? kPerfectPsnr : std::min(kPerfectPsnr, -10 * std::log10(squared_error));
}

// Decodes a rendition's own packets as they come and compares them with samples of what was encoded.
class OutputCheck {
 public:
  static Result<OutputCheck> open(const StreamParameters& parameters) {
    return OutputCheck(TRY(av::Decoder::open(parameters, {.threads = 1})));
  }
  void expect(std::int64_t pts, av::LumaSample sample) { samples_[pts] = std::move(sample); }
  Result<> see(JournalPacket packet) {
    pts_.push_back(packet.pts);
    packet.ordinal = static_cast<std::uint32_t>(pts_.size() - 1);
    return decoder_.send(packet, [this](AVFrame& frame) { return compare(frame); });
  }
  Result<> finish() {
    TRY(decoder_.finish([this](AVFrame& frame) { return compare(frame); }));
    if (checked_ == pts_.size() && decoder_.refused() == 0) return {};
    return fail(FaultKind::kMachine, "of " + std::to_string(pts_.size()) + " encoded frames " + std::to_string(checked_) +
                                         " decode again" +
                                         (decoder_.last_refusal().empty() ? "" : ": " + decoder_.last_refusal()));
  }
  [[nodiscard]] std::uint64_t checked() const { return checked_; }
  [[nodiscard]] double psnr() const { return checked_ == 0 ? 0 : psnr_of(error_sum_ / static_cast<double>(checked_)); }
  [[nodiscard]] double psnr_worst() const { return checked_ == 0 ? 0 : psnr_of(error_worst_); }

 private:
  explicit OutputCheck(av::Decoder decoder) : decoder_(std::move(decoder)) {}
  Result<> compare(AVFrame& frame) {
    const std::int64_t ordinal = av::facts_of(frame).pts;
    if (ordinal < 0 || static_cast<std::size_t>(ordinal) >= pts_.size())
      return fail(FaultKind::kMachine, "an encoded frame comes back from nowhere");
    const auto sample = samples_.find(pts_[static_cast<std::size_t>(ordinal)]);
    if (sample == samples_.end()) return fail(FaultKind::kMachine, "an encoded frame comes back twice");
    const auto error = av::squared_error(sample->second, av::sample_luma(frame));
    if (!error) return fail(FaultKind::kMachine, "an encoded frame comes back in another shape");
    if (psnr_of(*error) < kWrongFramePsnr) {
      return fail(FaultKind::kMachine, "an encoded frame comes back wrong: " + std::to_string(psnr_of(*error)) + " dB");
    }
    error_sum_ += *error;
    error_worst_ = std::max(error_worst_, *error);
    samples_.erase(sample);
    ++checked_;
    return {};
  }

  av::Decoder decoder_;
  std::map<std::int64_t, av::LumaSample> samples_;  // by pts; as many as encoder and decoder hold back
  std::vector<std::int64_t> pts_;                   // by ordinal
  std::uint64_t checked_ = 0;
  double error_sum_ = 0;
  double error_worst_ = 0;
};

// What the first pass says of each GOP of a rendition, in order. Empty where there is but one pass.
using Statistics = std::vector<std::string>;

// The first pass of a rendition that is coded in two.
class RenditionStatistics {
 public:
  explicit RenditionStatistics(const RenditionTask& task) : task_(task) {}
  Result<> take(std::size_t at, AVFrame& frame) {
    if (at == gop_end_) {
      if (pass_) statistics_.push_back(TRY(pass_->finish()));
      pass_.emplace(TRY(av::FirstPass::open(task_.encoder)));
      gop_end_ = gop_end(task_.frames, at);
    }
    taken_ = at + 1;
    return pass_->see(frame);
  }
  [[nodiscard]] bool complete() const { return taken_ == task_.frames.size(); }
  Result<Statistics> finish() {
    statistics_.push_back(TRY(pass_->finish()));
    return std::move(statistics_);
  }

 private:
  const RenditionTask& task_;
  std::optional<av::FirstPass> pass_;
  Statistics statistics_;
  std::size_t gop_end_ = 0;
  std::size_t taken_ = 0;
};

class RenditionEncode {
 public:
  // `quality` replaces the settings' own, where they have one. `task` and `statistics` must outlive it.
  RenditionEncode(const RenditionTask& task, std::optional<double> quality, const Statistics& statistics, int output)
      : task_(task), settings_(task.encoder), statistics_(statistics), output_(output), journal_(output, 0) {
    settings_.rate.quality = quality;
  }

  Result<> start() {
    TRY(truncate_file(output_));
    TRY(open_encoder(0));
    TRY(journal_.begin(encoder_->parameters()));
    check_.emplace(TRY(OutputCheck::open(encoder_->parameters())));
    parameter_sets_ = sha256_hex(std::as_bytes(std::span(encoder_->parameters().extradata)));
    return {};
  }

  Result<> take(std::size_t at, AVFrame& frame) {
    const OutputFrame& planned = task_.frames[at];
    if (complete()) return {};
    if (at == encoder_end_) {
      TRY(encoder_->finish(keep()));
      if (complete()) return {};
      TRY(open_encoder(at));
    }
    if (in_body(at) && !task_.measure) check_->expect(planned.pts, av::sample_luma(frame));
    return encoder_->send(frame, planned.pts, planned.key, keep());
  }
  [[nodiscard]] bool complete() const { return kept_ == task_.body; }
  [[nodiscard]] std::uint64_t kept() const { return kept_; }

  Result<VideoOutput> finish() {
    if (!complete()) TRY(encoder_->finish(keep()));
    if (!complete()) {
      return fail(FaultKind::kMachine,
                  "the encoder gave " + std::to_string(kept_) + " of " + std::to_string(task_.body) + " frames");
    }
    TRY(check_->finish());
    TRY(journal_.finish());
    return VideoOutput{.frames = kept_,
                       .bytes = bytes_,
                       .parameter_sets = parameter_sets_,
                       .checked = check_->checked(),
                       .psnr = check_->psnr(),
                       .psnr_worst = check_->psnr_worst(),
                       .quality = settings_.rate.quality.value_or(0)};
  }
  // What was kept, in decode order.
  [[nodiscard]] const std::vector<CodedFrame>& coded() const { return coded_; }

 private:
  [[nodiscard]] bool in_body(std::size_t at) const { return at >= task_.lead && at < task_.lead + task_.body; }

  Result<> open_encoder(std::size_t at) {
    EncoderStart start{.continues = task_.continues || at > 0, .alone = gop_end(task_.frames, at) == at + 1};
    if (!statistics_.empty()) {
      GOPMILL_CHECK(gop_ < statistics_.size());
      start.pass = Pass::kSecond;
      start.statistics = statistics_[gop_++];
      encoder_end_ = gop_end(task_.frames, at);
    } else if (facts_of(settings_.encoder).keys == KeyRequests::kAtIntervals) {
      const KeyRun run = key_run(task_.frames, at);
      start.key_interval = run.interval;
      encoder_end_ = run.end;
    } else {
      encoder_end_ = task_.frames.size();
    }
    encoder_.emplace(TRY(av::VideoEncoder::open(settings_, start)));
    return {};
  }

  av::VideoEncoder::OnPacket keep() {
    return [this](JournalPacket packet) -> Result<> {
      const auto first = task_.frames.begin() + task_.lead;
      const auto end = first + task_.body;
      const auto planned =
          std::lower_bound(first, end, packet.pts, [](const OutputFrame& f, std::int64_t pts) { return f.pts < pts; });
      if (planned == end || planned->pts != packet.pts) return {};
      if (packet.key != planned->key) {
        return fail(FaultKind::kMachine, packet.key ? "the encoder put a key frame where none was asked for"
                                                    : "the encoder made no key frame where one was asked for");
      }
      if (++kept_ > task_.body) return fail(FaultKind::kMachine, "the encoder gave a frame twice");
      packet.ordinal = static_cast<std::uint32_t>(kept_ - 1);
      bytes_ += packet.bytes.size();
      coded_.push_back({packet.pts, static_cast<std::uint32_t>(packet.bytes.size()), packet.key});
      if (task_.measure) return {};
      TRY(journal_.append(packet));
      return check_->see(std::move(packet));
    };
  }

  const RenditionTask& task_;
  EncoderSettings settings_;
  const Statistics& statistics_;
  int output_;
  JournalWriter journal_;
  std::size_t gop_ = 0;          // of statistics_: the next
  std::size_t encoder_end_ = 0;  // the first frame that needs a fresh encoder
  std::optional<av::VideoEncoder> encoder_;
  std::optional<OutputCheck> check_;
  std::string parameter_sets_;
  std::uint64_t kept_ = 0;
  std::uint64_t bytes_ = 0;
  std::vector<CodedFrame> coded_;
};

// One task and where it comes from.
struct Segment {
  const VideoTask& task;
  int input;
  std::uint64_t journal_offset;
  ParentLine& parent;
};

// The first pass over the frames of all renditions that are coded in two, from a decode of its own: a GOP's raw frames may be
// gigabytes, too many to be kept for the second. By rendition. What is only measured is coded in two as well: sizes from one pass misjudge
// segments (measured on 20 s: seven of them encoded again for one, at qualities 25 to 29 for 26 to 27, with 1.2 times the CPU).
Result<std::vector<Statistics>> first_pass(const Segment& segment, TaskResult& result) {
  std::vector<Statistics> statistics(segment.task.renditions.size());
  std::vector<std::size_t> open;
  std::vector<RenditionStatistics> passes;
  for (std::size_t i = 0; i < segment.task.renditions.size(); ++i) {
    if (!facts_of(segment.task.renditions[i].encoder.encoder).two_passes) continue;
    open.push_back(i);
    passes.emplace_back(segment.task.renditions[i]);
  }
  if (open.empty()) return statistics;
  JournalReader journal = TRY(JournalReader::open(segment.input, segment.journal_offset));
  TaskFrames frames(segment.task, open, segment.parent);
  TRY(frames.run(journal,
                 {.take = [&](std::size_t place, std::size_t at, AVFrame& frame) { return passes[place].take(at, frame); },
                  .complete = [&](std::size_t place) { return passes[place].complete(); },
                  .done = [] { return std::uint64_t{0}; }},
                 result));
  for (std::size_t place = 0; place < open.size(); ++place) statistics[open[place]] = TRY(passes[place].finish());
  return statistics;
}

// One decode of a segment for the renditions in `open`, from journal to journals.
Result<> encode(const Segment& segment, const std::vector<std::size_t>& open, std::vector<RenditionEncode>& renditions,
                TaskResult& result) {
  for (RenditionEncode& rendition : renditions) TRY(rendition.start());
  JournalReader journal = TRY(JournalReader::open(segment.input, segment.journal_offset));
  TaskFrames frames(segment.task, open, segment.parent);
  const auto kept_by_all = [&] {
    std::uint64_t kept = 0;
    for (const RenditionEncode& rendition : renditions) kept += rendition.kept();
    return kept / renditions.size();
  };
  TRY(frames.run(journal,
                 {.take = [&](std::size_t place, std::size_t at, AVFrame& frame) { return renditions[place].take(at, frame); },
                  .complete = [&](std::size_t place) { return renditions[place].complete(); },
                  .done = kept_by_all},
                 result));
  for (std::size_t place = 0; place < open.size(); ++place) result.video[open[place]] = TRY(renditions[place].finish());
  return {};
}

}  // namespace

Result<TaskResult> transcode(const VideoTask& task, int input, std::uint64_t journal_offset, const std::vector<int>& outputs,
                             ParentLine& parent) {
  TRY(check_task(task, outputs.size()));
  std::vector<RateSearch> searches;
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    searches.emplace_back(task.renditions[i]);
    open.push_back(i);
  }
  TaskResult result;
  result.video.resize(outputs.size());
  const Segment segment{task, input, journal_offset, parent};
  const std::vector<Statistics> statistics = TRY(first_pass(segment, result));
  // Once for most segments; again, for the renditions concerned, where one has overdrawn its buffer or missed its budget.
  while (!open.empty()) {
    std::vector<RenditionEncode> renditions;
    for (const std::size_t i : open)
      renditions.emplace_back(task.renditions[i], searches[i].quality(), statistics[i], outputs[i]);
    TRY(encode(segment, open, renditions, result));
    std::vector<std::size_t> again;
    for (std::size_t place = 0; place < open.size(); ++place) {
      const std::size_t i = open[place];
      if (searches[i].wants_another(renditions[place].coded())) again.push_back(i);
      result.video[i].tries = searches[i].tries();
      result.video[i].granted = searches[i].granted();
    }
    open = std::move(again);
  }
  result.wanted = task.renditions.front().body;
  result.cpu_ms = process_cpu_ms();
  return result;
}

Result<TaskResult> run_task(int input, const std::vector<int>& outputs, ParentLine& parent) {
  const TaskHead head = TRY(read_task_head(input));
  const auto request = TRY(decode<TaskRequest>(head.request, "the task's request"));
  if (request.video) return transcode(*request.video, input, head.journal_offset, outputs, parent);
  if (!request.audio || outputs.size() != 1) return fail(FaultKind::kInternal, "a task without work");
  return encode_audio(*request.audio, input, head.journal_offset, outputs[0], parent);
}

}  // namespace gopmill
