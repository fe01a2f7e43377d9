// Journals in plan order become one MP4. Two passes: the first reads every packet's time, size and key flag, which is what
// decode times and the size of the index depend on; the second writes. One journal per track is open at a time, so
// neither memory nor descriptors grow with the number of segments; what grows is 8 bytes per frame, and the muxer's table.

#include <algorithm>
#include <functional>
#include <optional>
#include <tuple>

#include "base/hash.h"
#include "media/av/muxer.h"
#include "media/package/joined.h"
#include "media/package/mp4_metadata.h"
#include "media/steps/work.h"
#include "media/task/journal.h"
#include "media/text/cue_text.h"
#include "media/text/language.h"

namespace gopmill {

namespace {

// Tracks alternate in pieces of 1/kPiecesPerSecond: players read the file front to back and buffer at least that much.
constexpr std::int64_t kPiecesPerSecond = 2;
constexpr Rational kTextBase{1, 1000};

// What must be equal in all segments for one sample entry to describe them. bit_rate and video_delay are estimates.
auto description_of(const StreamParameters& p) {
  return std::tie(p.media, p.codec, p.base, p.format, p.width, p.height, p.profile, p.level, p.colour_range, p.primaries,
                  p.transfer, p.matrix, p.chroma_location, p.bits_per_raw_sample);
}

// Packets of several journals as one run, one file open at a time.
class JournalChain {
 public:
  // `what` names one file in faults: "segment". The last reading tells the parent of each file that is done with.
  JournalChain(std::uint32_t first, std::uint32_t count, std::string what, bool last_reading, ParentLine& parent)
      : first_(first), count_(count), what_(std::move(what)), last_reading_(last_reading), parent_(parent) {}

  // nullopt after the last packet of the last file.
  Result<std::optional<JournalPacket>> next() {
    for (;;) {
      if (!reader_) {
        if (opened_ == count_) return std::optional<JournalPacket>();
        TRY(open_next());
      }
      auto packet = reader_->next();
      if (!packet) return std::unexpected(std::move(packet.error()).within(place()));
      if (*packet) return std::move(*packet);
      reader_.reset();
      file_.reset();
      if (last_reading_) parent_.closed_file(first_ + opened_ - 1);
    }
  }
  // Of the first file. Precondition: next() was called.
  [[nodiscard]] const StreamParameters& parameters() const { return *parameters_; }
  [[nodiscard]] std::string place() const { return what_ + (count_ > 1 ? " " + std::to_string(opened_ - 1) : ""); }

 private:
  Result<> open_next() {
    file_ = TRY(parent_.want_file(first_ + opened_++));
    // Once: what was right in the first reading is in the page cache for the second.
    if (!last_reading_) parent_.hashed_file(TRY(file_hash(file_.get())));
    auto reader = JournalReader::open(file_.get(), 0);
    if (!reader) return std::unexpected(std::move(reader.error()).within(place()));
    reader_.emplace(std::move(*reader));
    if (!parameters_) parameters_ = reader_->parameters();
    if (reader_->parameters().extradata != parameters_->extradata)
      return fail(FaultKind::kInternal, place() + ": its parameter sets differ from the first one's");
    if (description_of(reader_->parameters()) != description_of(*parameters_))
      return fail(FaultKind::kInternal, place() + ": its stream parameters differ from the first one's");
    return {};
  }

  std::uint32_t first_;
  std::uint32_t count_;
  std::string what_;
  bool last_reading_;
  ParentLine& parent_;
  std::uint32_t opened_ = 0;
  // The reader reads from the file, so it goes first.
  Fd file_;
  std::optional<JournalReader> reader_;
  std::optional<StreamParameters> parameters_;
};

// ---- First pass ----

struct AudioSurvey {
  StreamParameters parameters;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::uint64_t duration_runs = 0;
  std::int64_t first = 0, end = 0;  // samples on the output timeline, priming included
};

Result<> check_video(const StreamParameters& p, const RenditionPlan& plan) {
  if (p.media != Media::kVideo || p.width != plan.width || p.height != plan.height) {
    return fail(FaultKind::kInternal, "the segments hold " + p.codec + " of " + std::to_string(p.width) + "x" +
                                          std::to_string(p.height) + ", not what is planned");
  }
  if (p.base != plan.base) return fail(FaultKind::kInternal, "the segments keep time in another base than the plan");
  if (plan.base.num < 1 || plan.base.den > INT32_MAX) return fail(FaultKind::kInternal, "a time base MP4 cannot hold");
  return {};
}

Result<StreamParameters> survey_frames(const StitchRequest& request, JoinedFrames& joined, ParentLine& parent) {
  JournalChain chain(0, request.video_inputs, "segment", false, parent);
  while (const auto packet = TRY(chain.next())) {
    if (joined.size() == 0) TRY(check_video(chain.parameters(), request.plan));
    auto added = joined.add(packet->pts, static_cast<std::uint32_t>(packet->bytes.size()), packet->key);
    if (!added) return std::unexpected(std::move(added.error()).within(chain.place()));
  }
  TRY(joined.finish());
  return chain.parameters();
}

// "audio", or "audio 2" where there are several.
std::string audio_name(const RenditionPlan& plan, std::size_t index) {
  return plan.audio_tracks.size() > 1 ? "audio " + std::to_string(index + 1) : "audio";
}

Result<AudioSurvey> survey_audio(const StitchRequest& request, std::size_t index, ParentLine& parent) {
  const AudioTask& planned = request.plan.audio_tracks[index].task;
  const std::string name = audio_name(request.plan, index);
  JournalChain chain(request.video_inputs + static_cast<std::uint32_t>(index), 1, name, false, parent);
  AudioSurvey survey;
  std::int64_t last_duration = 0;
  while (const auto packet = TRY(chain.next())) {
    if (survey.packets == 0) {
      survey.parameters = chain.parameters();
      survey.first = survey.end = packet->pts;
    }
    if (packet->pts != survey.end || packet->duration < 1) {
      return fail(FaultKind::kInternal,
                  name + ": packet " + std::to_string(survey.packets) + " does not follow the one before it");
    }
    if (packet->duration != last_duration) ++survey.duration_runs;
    last_duration = packet->duration;
    survey.end += packet->duration;
    survey.bytes += packet->bytes.size();
    ++survey.packets;
  }
  const StreamParameters& p = survey.parameters;
  if (survey.packets == 0) return fail(FaultKind::kInternal, name + ": nothing in its journal");
  if (p.media != Media::kAudio || p.sample_rate != planned.sample_rate || p.channels != planned.channels ||
      p.base != Rational{1, planned.sample_rate}) {
    return fail(FaultKind::kInternal, name + ": " + p.codec + " of " + std::to_string(p.sample_rate) + " Hz, " +
                                          std::to_string(p.channels) + " channels, not what is planned");
  }
  if (survey.first + p.initial_padding != planned.first_sample || survey.end <= planned.first_sample) {
    return fail(FaultKind::kInternal, name + ": starts at sample " + std::to_string(survey.first + p.initial_padding) +
                                          ", planned is " + std::to_string(planned.first_sample));
  }
  return survey;
}

// ---- Second pass ----

av::MuxTrack video_track(const RenditionPlan& plan, const JoinedFrames& joined, const StreamParameters& parameters) {
  const std::int64_t num = plan.base.num;
  const JoinedFrames::Tables tables = joined.tables();
  av::MuxTrack track;
  track.parameters = parameters;
  track.mastering = plan.mastering;
  track.light = plan.light;
  track.timescale = static_cast<std::uint32_t>(plan.base.den);
  track.starts = joined.first_pts() * num;
  track.skips = (joined.first_pts() - joined.dts(0)) * num;
  track.lasts = joined.shown() * num;
  track.samples = joined.size();
  track.bytes = joined.bytes();
  track.duration_runs = tables.duration_runs;
  track.offset_runs = tables.offset_runs;
  track.keys = tables.keys;
  // A fraction of libav's 32-bit terms; only level tables of VP9 and AV1 look at it.
  const double rate = static_cast<double>(joined.size()) / (static_cast<double>(joined.shown()) * plan.base.value());
  track.frame_rate = {static_cast<std::int64_t>(std::clamp(rate, 0.001, 1000.0) * 1000 + 0.5), 1000};
  return track;
}

av::MuxTrack audio_track(const PlannedAudio& audio, bool plays, const AudioSurvey& survey) {
  av::MuxTrack track;
  track.parameters = survey.parameters;
  track.timescale = static_cast<std::uint32_t>(audio.task.sample_rate);
  track.starts = audio.task.first_sample;
  track.skips = survey.parameters.initial_padding;
  track.lasts = survey.end - audio.task.first_sample;
  track.language = audio.language;
  track.title = audio.title;
  track.enabled = plays;
  track.samples = survey.packets;
  track.bytes = survey.bytes;
  track.duration_runs = survey.duration_runs;
  return track;
}

// Hands one track's packets to the muxer, piece by piece.
class TrackFeed {
 public:
  using TimesOf = std::function<av::MuxSample(
      std::size_t, const JournalPacket&)>;  // of the packet with this place in decode order, media time
  TrackFeed(std::size_t track, Timestamp first, JournalChain chain, TimesOf times_of)
      : track_(track), first_(first), chain_(std::move(chain)), times_of_(std::move(times_of)) {}

  // Writes what is decoded before `end` seconds/kPiecesPerSecond.
  Result<> write_before(std::int64_t end, av::Muxer& muxer) {
    for (;;) {
      if (!packet_) packet_ = TRY(chain_.next());
      if (!packet_) {
        done_ = true;
        return {};
      }
      const av::MuxSample sample = times_of_(written_, *packet_);
      const Timestamp decoded{first_.ticks + sample.dts, first_.base};
      if (!(decoded < Timestamp{end, {1, kPiecesPerSecond}})) return {};
      TRY(muxer.write(track_, sample, packet_->bytes));
      ++written_;
      packet_.reset();
    }
  }
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] std::size_t written() const { return written_; }

 private:
  std::size_t track_;
  Timestamp first_;  // when media time 0 is
  JournalChain chain_;
  TimesOf times_of_;
  std::optional<JournalPacket> packet_;  // read, but not due yet
  std::size_t written_ = 0;
  bool done_ = false;
};

// Hands a text track's samples to the muxer, as TrackFeed does packets.
class TextFeed {
 public:
  TextFeed(std::size_t track, std::vector<TextSample> samples) : track_(track), samples_(std::move(samples)) {}

  Result<> write_before(std::int64_t end, av::Muxer& muxer) {
    while (!done() && Timestamp{samples_[written_].start, kTextBase} < Timestamp{end, {1, kPiecesPerSecond}}) {
      const TextSample& sample = samples_[written_++];
      TRY(muxer.write(track_, {sample.start, sample.start, sample.duration, true}, sample.bytes));
    }
    return {};
  }
  [[nodiscard]] bool done() const { return written_ == samples_.size(); }

 private:
  std::size_t track_;
  std::vector<TextSample> samples_;
  std::size_t written_ = 0;
};

av::MuxTrack text_mux_track(const TextTrack& text, const std::vector<TextSample>& samples) {
  av::MuxTrack track;
  track.parameters.media = Media::kSubtitle;
  track.parameters.codec = "mov_text";
  track.parameters.base = kTextBase;
  track.parameters.extradata = tx3g_description(text.is_forced);
  track.timescale = static_cast<std::uint32_t>(kTextBase.den);
  track.lasts = samples.back().start + samples.back().duration;
  const std::string language = iso639_2(text.language);
  if (!language.empty()) track.language = language;
  track.title = text.title;
  track.enabled = text.is_default;
  track.samples = samples.size();
  track.duration_runs = samples.size();
  for (const TextSample& sample : samples) track.bytes += sample.bytes.size();
  return track;
}

std::uint64_t pieces_of(const std::vector<av::MuxTrack>& tracks) {
  std::uint64_t pieces = 0;
  for (const av::MuxTrack& track : tracks) {
    const Timestamp end{track.starts + track.skips + track.lasts, {1, track.timescale}};
    pieces += static_cast<std::uint64_t>(end.in({1, kPiecesPerSecond}, Rounding::kUp).ticks) + 2;
  }
  // Each track's piece is bounded by the other's on both sides.
  return tracks.size() == 1 ? 1 : pieces;
}

class Stitch {
 public:
  Stitch(const StitchRequest& request, ParentLine& parent)
      : request_(request), plan_(request.plan), parent_(parent), joined_(request.plan) {}

  Result<> survey() {
    if (plan_.has_video) {
      const StreamParameters parameters = TRY(survey_frames(request_, joined_, parent_));
      const std::int64_t num = plan_.base.num;
      const Rational base{1, plan_.base.den};
      const std::int64_t first = joined_.dts(0);
      feeds_.emplace_back(
          tracks_.size(), Timestamp{first * num, base}, JournalChain(0, request_.video_inputs, "segment", true, parent_),
          [this, num, first](std::size_t i, const JournalPacket&) -> av::MuxSample {
            return {(joined_.dts(i) - first) * num, (joined_.pts(i) - first) * num, joined_.duration(i) * num, joined_.key(i)};
          });
      tracks_.push_back(video_track(plan_, joined_, parameters));
    }
    for (std::size_t i = 0; i < plan_.audio_tracks.size(); ++i) {
      const AudioSurvey audio = TRY(survey_audio(request_, i, parent_));
      const std::int64_t first = audio.first;
      const std::uint32_t input = request_.video_inputs + static_cast<std::uint32_t>(i);
      feeds_.emplace_back(tracks_.size(), Timestamp{first, {1, plan_.audio_tracks[i].task.sample_rate}},
                          JournalChain(input, 1, audio_name(plan_, i), true, parent_),
                          [first](std::size_t, const JournalPacket& packet) -> av::MuxSample {
                            return {packet.pts - first, packet.pts - first, packet.duration, true};
                          });
      tracks_.push_back(audio_track(plan_.audio_tracks[i], i == 0, audio));
    }
    for (const TextTrack& text : plan_.side_tracks.subtitles) {
      std::vector<TextSample> samples = TRY(text_samples(text));
      tracks_.push_back(text_mux_track(text, samples));
      texts_.emplace_back(tracks_.size() - 1, std::move(samples));
    }
    return {};
  }

  Result<> write(int file) {
    av::Muxer muxer = TRY(av::Muxer::create(file, tracks_, pieces_of(tracks_), side_tracks()));
    const auto all_done = [](const auto& feeds) { return std::ranges::all_of(feeds, [](const auto& f) { return f.done(); }); };
    const auto done = [&] { return all_done(feeds_) && all_done(texts_); };
    for (std::int64_t piece = 1; !done(); ++piece) {
      for (TrackFeed& feed : feeds_) TRY(feed.write_before(piece, muxer));
      for (TextFeed& feed : texts_) TRY(feed.write_before(piece, muxer));
      parent_.progress(feeds_.front().written());
    }
    for (std::size_t i = 0; i < feeds_.size(); ++i) {
      if (feeds_[i].written() != tracks_[i].samples)
        return fail(FaultKind::kMachine, "a journal changed between its two readings");
    }
    return muxer.finish();
  }

  [[nodiscard]] Result<FileReport> report(int file) const {
    FileReport report;
    report.bytes = TRY(file_size(file));
    bool heard = false;
    for (const av::MuxTrack& track : tracks_) {
      if (track.parameters.media == Media::kSubtitle) continue;
      const double seconds = static_cast<double>(track.lasts) / track.timescale;
      const auto bitrate = static_cast<std::int64_t>(static_cast<double>(track.bytes) * 8 / std::max(seconds, 1e-6));
      report.seconds = std::max(report.seconds, static_cast<double>(track.starts + track.lasts) / track.timescale);
      if (track.parameters.media == Media::kVideo) {
        report.frames = track.samples;
        report.video_bitrate = bitrate;
      } else {
        if (!heard) report.audio_samples = static_cast<std::uint64_t>(track.lasts);
        heard = true;
        report.audio_bitrate += bitrate;
      }
    }
    return report;
  }

 private:
  [[nodiscard]] av::MuxSideTracks side_tracks() const {
    av::MuxSideTracks side_tracks{plan_.side_tracks.chapters, 0, plan_.side_tracks.created_unix_s,
                                  user_data_of(plan_.side_tracks)};
    for (const av::MuxTrack& track : tracks_) {
      const Timestamp end{track.starts + track.lasts, {1, track.timescale}};
      side_tracks.ends_ms = std::max(side_tracks.ends_ms, end.in(kTextBase).ticks);
    }
    // A chapter may begin with the last instant of the video; it lasts a moment then.
    if (!side_tracks.chapters.empty()) side_tracks.ends_ms = std::max(side_tracks.ends_ms, side_tracks.chapters.back().start + 1);
    return side_tracks;
  }

  const StitchRequest& request_;
  const RenditionPlan& plan_;
  ParentLine& parent_;
  JoinedFrames joined_;
  std::vector<av::MuxTrack> tracks_;
  std::vector<TrackFeed> feeds_;
  std::vector<TextFeed> texts_;
};

Result<> check_request(const StitchRequest& request) {
  const RenditionPlan& plan = request.plan;
  const bool fits = plan.has_video == (request.video_inputs > 0) && plan.has_video == !plan.frames.empty();
  if (!fits || (!plan.has_video && plan.audio_tracks.empty()))
    return fail(FaultKind::kInternal, "a request to stitch whose inputs are not the plan's");
  return {};
}

}  // namespace

Result<FileReport> stitch(int file, const StitchRequest& request, ParentLine& parent) {
  TRY(check_request(request));
  Stitch work(request, parent);
  TRY(work.survey());
  TRY(work.write(file));
  return work.report(file);
}

}  // namespace gopmill
