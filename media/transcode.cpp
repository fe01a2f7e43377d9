// One segment, all renditions, from one decode. Pictures are known by the ordinal of the packet they come from, so no clock of
// the source is asked again; each rendition walks its own list of frames; what its encoder gives is kept only for the
// body, and is decoded again at once and compared with what went in: success is what was checked.

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/archive.h"
#include "base/file.h"
#include "base/hash.h"
#include "media/av/burn.h"
#include "media/av/decoder.h"
#include "media/av/encoder.h"
#include "media/av/filter.h"
#include "media/av/picture.h"
#include "media/av/weave.h"
#include "media/decode_clock.h"
#include "media/key_runs.h"
#include "media/rate_search.h"
#include "media/task_check.h"
#include "media/wanted.h"
#include "media/work.h"

namespace gopmill {

namespace {

// A picture that comes back worse than this is not the one that was sent: even the coarsest quantiser stays above it.
constexpr double kWrongPicturePsnr = 10.0;
constexpr double kPerfectPsnr = 99.0;

double psnr_of(double squared_error) {
  return squared_error <= 0 ? kPerfectPsnr : std::min(kPerfectPsnr, -10 * std::log10(squared_error));
}

// Decodes a rendition's own packets as they come and compares them with samples of what was encoded.
class OutputCheck {
 public:
  static Result<OutputCheck> open(const StreamParameters& parameters) {
    return OutputCheck(TRY(av::Decoder::open(parameters, {.threads = 1, .cpu_independent = true})));
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
    return fail(FaultKind::kMachine, "of " + std::to_string(pts_.size()) + " encoded pictures " + std::to_string(checked_) +
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
      return fail(FaultKind::kMachine, "an encoded picture comes back from nowhere");
    const auto sample = samples_.find(pts_[static_cast<std::size_t>(ordinal)]);
    if (sample == samples_.end()) return fail(FaultKind::kMachine, "an encoded picture comes back twice");
    const auto error = av::squared_error(sample->second, av::sample_luma(frame));
    if (!error) return fail(FaultKind::kMachine, "an encoded picture comes back in another shape");
    if (psnr_of(*error) < kWrongPicturePsnr) {
      return fail(FaultKind::kMachine, "an encoded picture comes back wrong: " + std::to_string(psnr_of(*error)) + " dB");
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

class RenditionEncode {
 public:
  // `quality` replaces the settings' own, where they have one.
  RenditionEncode(const RenditionTask& task, std::optional<double> quality, int output)
      : task_(task),
        settings_(task.encoder),
        output_(output),
        journal_(output, 0),
        by_runs_(av::keys_at_intervals(task.encoder.codec)) {
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

  // The picture of source `index`, in this rendition's size. Source indexes rise. It also stands in for those before it
  // that never came, where a source is salvaged.
  Result<> picture(std::int64_t index, AVFrame& frame, bool salvage) {
    const auto is_due = [&](const OutputFrame& planned) {
      return planned.source == index || (salvage && planned.source < index);
    };
    while (cursor_ < task_.frames.size() && is_due(task_.frames[cursor_])) TRY(encode(frame));
    return {};
  }
  [[nodiscard]] bool complete() const { return kept_ == task_.body; }
  [[nodiscard]] std::uint64_t kept() const { return kept_; }
  // Is there a planned frame whose picture has not come?
  [[nodiscard]] bool waits() const { return cursor_ < task_.frames.size(); }

  Result<VideoOutput> finish() {
    if (!complete()) TRY(encoder_->finish(keep()));
    if (!complete()) {
      return fail(FaultKind::kMachine,
                  "the encoder gave " + std::to_string(kept_) + " of " + std::to_string(task_.body) + " pictures");
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
  [[nodiscard]] const std::vector<CodedPicture>& coded() const { return coded_; }

 private:
  [[nodiscard]] bool in_body(std::size_t at) const { return at >= task_.lead && at < task_.lead + task_.body; }

  Result<> open_encoder(std::size_t at) {
    av::EncoderStart start{.continues = task_.continues || at > 0};
    if (by_runs_) {
      const KeyRun run = key_run(task_.frames, at);
      start.key_interval = run.interval;
      run_end_ = run.end;
    }
    encoder_.emplace(TRY(av::VideoEncoder::open(settings_, start)));
    return {};
  }

  Result<> encode(AVFrame& frame) {
    const std::size_t at = cursor_++;
    const OutputFrame& planned = task_.frames[at];
    if (complete()) return {};
    if (by_runs_ && at == run_end_) {
      TRY(encoder_->finish(keep()));
      if (complete()) return {};
      TRY(open_encoder(at));
    }
    if (in_body(at) && !task_.measure) check_->expect(planned.pts, av::sample_luma(frame));
    return encoder_->send(frame, planned.pts, planned.key, keep());
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
      if (++kept_ > task_.body) return fail(FaultKind::kMachine, "the encoder gave a picture twice");
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
  int output_;
  JournalWriter journal_;
  const bool by_runs_;
  std::size_t run_end_ = 0;  // where by_runs_: the first frame that needs a fresh encoder
  std::optional<av::VideoEncoder> encoder_;
  std::optional<OutputCheck> check_;
  std::string parameter_sets_;
  std::size_t cursor_ = 0;
  std::uint64_t kept_ = 0;
  std::uint64_t bytes_ = 0;
  std::vector<CodedPicture> coded_;
};

av::PictureFilter make_filter(const VideoTask& task, const std::vector<std::size_t>& open) {
  av::PictureFilter::Settings settings{task.orientation, task.shape, task.colour, task.deinterlace, {}};
  for (const std::size_t i : open) {
    const EncoderSettings& encoder = task.renditions[i].encoder;
    settings.targets.push_back({encoder.width, encoder.height, encoder.pixel_format, task.renditions[i].recolour});
  }
  return av::PictureFilter(std::move(settings));
}

std::uint64_t cpu_ms_so_far() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& t) {
    return static_cast<std::uint64_t>(t.tv_sec) * 1000 + static_cast<std::uint64_t>(t.tv_usec) / 1000;
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

// One decode of a segment for the renditions in `open`, from journal to journals.
class Segment {
 public:
  Segment(const VideoTask& task, const std::vector<std::size_t>& open, const std::vector<RateSearch>& searches,
          const std::vector<int>& outputs, ParentLine& parent)
      : task_(task),
        parent_(parent),
        filter_(make_filter(task, open)),
        weaver_(task.woven, task.top_first),
        burner_(task.overlays, task.colour),
        wanted_(task) {
    for (const std::size_t i : open) renditions_.emplace_back(task.renditions[i], searches[i].quality(), outputs[i]);
    const RenditionTask& first = task.renditions.front();
    // Of a woven picture, the older of its two.
    const auto packet_of = [&task](const OutputFrame& frame) {
      if (task.woven.empty()) return task.sources[frame.source];
      const WovenPicture& woven = task.woven[frame.source];
      return task.sources[std::min(woven.top, woven.bottom)];
    };
    body_first_ = body_last_ = packet_of(first.frames[first.lead]);
    for (std::uint32_t i = 0; i < first.body; ++i) {
      const std::uint32_t packet = packet_of(first.frames[first.lead + i]);
      body_first_ = std::min(body_first_, packet);
      body_last_ = std::max(body_last_, packet);
    }
  }

  // Adds decoding to `result`; the renditions' outputs come back in the order of `open`.
  Result<std::vector<VideoOutput>> run(JournalReader& journal, TaskResult& result) {
    for (RenditionEncode& rendition : renditions_) TRY(rendition.start());
    av::Decoder decoder = TRY(av::Decoder::open(journal.parameters(), {.threads = 1, .cpu_independent = true}));
    const auto on_decoded = [this](AVFrame& frame) {
      clock_.pause();
      auto outcome = decoded(frame);
      clock_.start();
      return outcome;
    };
    const auto complete = [this] {
      return std::all_of(renditions_.begin(), renditions_.end(), [](const auto& r) { return r.complete(); });
    };
    bool more = true;
    while (more && !complete()) {
      const auto packet = TRY(journal.next());
      more = packet.has_value();
      if (packet) clock_.set_repeating(packet->ordinal < body_first_ || packet->ordinal > body_last_);
      clock_.start();
      TRY(more ? decoder.send(*packet, on_decoded) : decoder.finish(on_decoded));
      clock_.pause();
    }
    if (!complete()) TRY(filter_.finish(on_picture()));
    TRY(check_all_came(decoder));
    if (task_.damage == Damage::kSalvage && !more) result.losses = wanted_.losses(words_of(decoder));
    std::vector<VideoOutput> outputs;
    for (RenditionEncode& rendition : renditions_) outputs.push_back(TRY(rendition.finish()));
    result.decoded += decoded_;
    result.decode_cpu_ms += clock_.total_ms();
    result.repeat_cpu_ms += clock_.repeat_ms();
    return outputs;
  }
  // After run(), by place in `open`.
  [[nodiscard]] const std::vector<CodedPicture>& coded(std::size_t place) const { return renditions_[place].coded(); }

 private:
  av::PictureFilter::OnPicture on_picture() {
    return [this](std::size_t target, std::int64_t index, AVFrame& picture) -> Result<> {
      TRY(renditions_[target].picture(index, picture, task_.damage == Damage::kSalvage));
      std::uint64_t kept = 0;
      for (const RenditionEncode& rendition : renditions_) kept += rendition.kept();
      done_ = kept / renditions_.size();
      parent_.progress(done_);
      return {};
    };
  }

  Result<> decoded(AVFrame& frame) {
    ++decoded_;
    parent_.progress(done_);  // also on the long way to the first picture of the segment
    const av::PictureFacts facts = av::facts_of(frame);
    const auto verdict = wanted_.take(static_cast<std::uint32_t>(facts.pts), facts.damaged);
    if (verdict.use == WantedPictures::Use::kDrop) return {};
    TRY(burner_.burn(frame, static_cast<std::uint32_t>(verdict.index)));
    if (!task_.woven.empty()) {
      return weaver_.push(frame, static_cast<std::uint32_t>(verdict.index),
                          [this](std::int64_t index, AVFrame& picture) { return filter_.push(picture, index, on_picture()); });
    }
    av::set_fields(frame, task_.deinterlace, task_.top_first);
    return filter_.push(frame, static_cast<std::int64_t>(verdict.index), on_picture());
  }

  static std::string words_of(const av::Decoder& decoder) {
    return decoder.refused() > 0 ? decoder.last_refusal() : decoder.complaint();
  }

  // A planned picture that never came, or came damaged, is damage in the source, and named as such: nothing is left out in
  // silence.
  Result<> check_all_came(const av::Decoder& decoder) {
    for (const RenditionEncode& rendition : renditions_) {
      if (!rendition.complete() && (rendition.waits() || wanted_.any_damaged()))
        return std::unexpected(wanted_.fault(words_of(decoder)));
    }
    return {};
  }

  const VideoTask& task_;
  ParentLine& parent_;
  av::PictureFilter filter_;
  av::Weaver weaver_;
  av::Burner burner_;
  std::vector<RenditionEncode> renditions_;
  std::uint32_t body_first_ = 0, body_last_ = 0;  // packets of the body, by ordinal
  DecodeClock clock_;
  WantedPictures wanted_;
  std::uint64_t decoded_ = 0;
  std::uint64_t done_ = 0;  // pictures of the segment, by every rendition
};

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
  // Once for most segments; again, for the renditions concerned, where one has overdrawn its buffer or missed its budget.
  while (!open.empty()) {
    JournalReader journal = TRY(JournalReader::open(input, journal_offset));
    Segment segment(task, open, searches, outputs, parent);
    const std::vector<VideoOutput> made = TRY(segment.run(journal, result));
    std::vector<std::size_t> again;
    for (std::size_t place = 0; place < open.size(); ++place) {
      const std::size_t i = open[place];
      result.video[i] = made[place];
      if (searches[i].wants_another(segment.coded(place))) again.push_back(i);
      result.video[i].tries = searches[i].tries();
      result.video[i].granted = searches[i].granted();
    }
    open = std::move(again);
  }
  result.wanted = task.renditions.front().body;
  result.cpu_ms = cpu_ms_so_far();
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
