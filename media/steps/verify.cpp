// A finished file, judged by two readers who know nothing of how it was written: our own of the boxes, and libav's demuxer.
// Both must agree with each other, and with the plan where there is one. Nothing stops at the first finding: the report
// says everything that was checked.

// Long because: it is one reading of one file, and each of its many checks is a few lines beside the others.

#include <algorithm>
#include <deque>
#include <optional>

#include "base/hash.h"
#include "media/av/decode/decoder.h"
#include "media/av/decode/demuxer.h"
#include "media/av/frame/frame.h"
#include "media/package/codec_names.h"
#include "media/package/joined.h"
#include "media/package/mp4_boxes.h"
#include "media/steps/verify/colour_check.h"
#include "media/steps/verify/side_track_check.h"
#include "media/steps/work.h"

namespace gopmill {

namespace {

// A decoder gives whole frames of audio; what the last one has beyond the end is at most an Opus frame of 60 ms at 48 kHz.
constexpr std::int64_t kAudioTailMax = 2880;
// What is earliest may be so much after 0: a tick of the output base (docs/decisions/16-output-base.md).
constexpr Timestamp kFirstMax{1, {1, 10'000}};

std::string count_of(std::uint64_t count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}
std::string seconds_text(double seconds) { return std::to_string(seconds) + " s"; }

// What libav's demuxer and decoders make of one track, as it goes by.
struct Heard {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> first_difference;  // packet whose times or key flag are not what the boxes say
  std::optional<av::Decoder> decoder;
  std::uint64_t decoded = 0;                  // frames or samples
  std::optional<std::int64_t> first_decoded;  // pts of audio; ordinal of frames
  std::int64_t last_ordinal = -1;
  bool in_order = true;                 // frames come out in presentation order
  std::optional<av::FrameFacts> frame;  // the first
};

struct Track {
  const Mp4Track* boxes = nullptr;
  Mp4Presentation shown;
  Heard heard;
};

std::optional<LeakyBucket> bucket_of(const RenditionPlan& plan) {
  if (!plan.maxrate || !plan.bufsize || *plan.maxrate < 1 || *plan.bufsize < 1) return std::nullopt;
  return LeakyBucket(*plan.maxrate, *plan.bufsize);
}

class Verification {
 public:
  Verification(int file, const RenditionPlan* plan, bool decode, std::optional<LeakyBucket> bucket, ParentLine& parent)
      : file_(file), plan_(plan), decode_(decode), bucket_(bucket), parent_(parent), side_tracks_(plan) {}

  Result<FileReport> run() {
    report_.bytes = TRY(file_size(file_));
    report_.sha256 = TRY(file_sha256(file_));
    report_.hash = TRY(file_hash(file_));
    auto layout = read_mp4_layout(file_);
    if (!layout) return unreadable(std::move(layout.error()));
    layout_ = std::move(*layout);
    check_boxes();
    if (auto found = find_tracks(); !found) return unreadable(std::move(found.error()));
    if (video_) check_frames();
    for (std::size_t i = 0; i < audio_tracks_.size(); ++i) check_audio(i);
    if (audio_tracks_.size() > 1) check_choice();
    if (video_) {
      for (std::size_t i = 0; i < audio_tracks_.size(); ++i) check_offset(i);
    }
    if (auto heard = listen(); !heard) {
      if (heard.error().kind == FaultKind::kMachine) return std::unexpected(std::move(heard.error()));
      check("reading", false, heard.error().text);
    }
    TRY(describe());
    return std::move(report_);
  }

 private:
  void check(std::string name, bool passed, std::string found) {
    report_.checks.push_back({std::move(name), passed, std::move(found)});
  }

  // Our own output that cannot be read is a failed check; a stranger's file is its owner's fault.
  Result<FileReport> unreadable(Fault fault) {
    if (!plan_ || fault.kind == FaultKind::kMachine) return std::unexpected(std::move(fault));
    check("boxes", false, fault.text);
    return std::move(report_);
  }

  void check_boxes() {
    std::string order;
    std::size_t moov = 0, mdat = 0;
    for (std::size_t i = 0; i < layout_.boxes.size(); ++i) {
      const std::string& type = layout_.boxes[i].type;
      order += (order.empty() ? "" : " ") + type;
      if (type == "moov") moov = i;
      if (type == "mdat") mdat = i;
    }
    check("boxes", !layout_.boxes.empty() && layout_.boxes.front().type == "ftyp" && moov < mdat, order);
  }

  Result<> find_tracks() {
    for (std::uint32_t stream = 0; stream < layout_.tracks.size(); ++stream) {
      const Mp4Track& boxes = layout_.tracks[stream];
      if (side_tracks_.take(layout_, boxes, stream)) {
        order_.push_back(nullptr);
        continue;
      }
      const bool video = boxes.handler == "vide";
      if ((!video && boxes.handler != "soun") || (video && video_))
        return fail(FaultKind::kInput, "a track too many, of kind '" + boxes.handler + "'");
      Track* const track = video ? &video_.emplace() : &audio_tracks_.emplace_back();
      track->boxes = &boxes;
      track->shown = TRY(presentation_of(layout_, boxes));
      order_.push_back(track);
    }
    if (!video_ && audio_tracks_.empty()) return fail(FaultKind::kInput, "no tracks");
    std::string found = video_ ? "frame" : "";
    if (!audio_tracks_.empty()) found += std::string(video_ ? " and " : "") + "audio";
    if (audio_tracks_.size() > 1) found += " in " + count_of(audio_tracks_.size(), "track");
    check("tracks", !plan_ || (plan_->has_video == video_.has_value() && plan_->audio_tracks.size() == audio_tracks_.size()),
          found);
    return {};
  }

  // ---- By the boxes ----

  void check_description(const std::string& name, const Mp4Track& track) {
    check(name, track.entries.size() == 1, count_of(track.entries.size(), "sample description"));
  }

  void check_frames() {
    const Mp4Track& boxes = *video_->boxes;
    const Mp4Presentation& shown = video_->shown;
    const bool planned = plan_ && plan_->has_video;
    check("frames", planned ? shown.samples.size() == plan_->frames.size() : !shown.samples.empty(),
          count_of(shown.samples.size(), "frame") + (planned ? ", planned " + std::to_string(plan_->frames.size()) : ""));
    check_times(boxes, shown, planned);
    check_decode_times(shown);
    check_keys(boxes, shown, planned);
    check_description("description", boxes);
    check("rotation", boxes.upright, boxes.upright ? "none" : "the track has a matrix");
    if (!boxes.entries.empty()) {
      const Mp4SampleEntry& entry = boxes.entries.front();
      check("size", !planned || (entry.width == plan_->width && entry.height == plan_->height),
            std::to_string(entry.width) + "x" + std::to_string(entry.height));
    }
  }

  void check_times(const Mp4Track& boxes, const Mp4Presentation& shown, bool planned) {
    std::vector<std::int64_t> times;
    times.reserve(shown.samples.size());
    std::int64_t end = 0;
    for (const Mp4Sample& sample : shown.samples) times.push_back(sample.pts);
    std::sort(times.begin(), times.end());
    bool good = shown.exact && !times.empty() && times.front() == shown.starts &&
                std::adjacent_find(times.begin(), times.end()) == times.end();
    if (planned && !times.empty()) {
      const Rational base{plan_->base.num, plan_->base.den};
      good = good && boxes.base() == Rational{1, base.den} && times.size() == plan_->frames.size();
      for (std::size_t i = 0; good && i < times.size(); ++i) good = times[i] == plan_->frames[i].pts * base.num;
      end = (plan_->frames.back().pts + plan_->last_duration) * base.num;
      // An edit's end is kept in the movie's ticks, rounded up.
      const auto movie_ticks = [&](std::int64_t ticks) {
        return rescale(ticks, boxes.base(), {1, layout_.timescale}, Rounding::kUp);
      };
      good = good && movie_ticks(shown.lasts) == movie_ticks(end - shown.starts);
    }
    // Anything after the edit's end is cut off by players.
    good = good && times.back() < shown.starts + shown.lasts;
    check("timestamps", good,
          times.empty() ? "none"
                        : seconds_text(Timestamp{times.front(), boxes.base()}.seconds()) + " to " +
                              seconds_text(Timestamp{shown.starts + shown.lasts, boxes.base()}.seconds()) +
                              (planned ? good ? ", each as planned" : ", not as planned" : ""));
  }

  void check_decode_times(const Mp4Presentation& shown) {
    std::size_t bad = 0;
    for (std::size_t i = 0; i < shown.samples.size(); ++i) {
      const Mp4Sample& sample = shown.samples[i];
      if (sample.duration < 1 || sample.dts > sample.pts) ++bad;
    }
    check("decode times", bad == 0,
          bad == 0 ? "rising, never after the presentation" : count_of(bad, "frame") + " decoded too late or for no time");
  }

  void check_keys(const Mp4Track& boxes, const Mp4Presentation& shown, bool planned) {
    std::vector<bool> keys(shown.samples.size(), boxes.every_sample_is_key);
    bool good = true;
    for (const std::uint32_t key : boxes.keys) {
      if (key < 1 || key > keys.size()) {
        good = false;
      } else {
        keys[key - 1] = true;
      }
    }
    good = good && !keys.empty() && keys.front();
    const auto count = static_cast<std::uint64_t>(std::count(keys.begin(), keys.end(), true));
    if (planned) {
      const auto planned_keys = static_cast<std::uint64_t>(
          std::count_if(plan_->frames.begin(), plan_->frames.end(), [](const PlannedFrame& f) { return f.key; }));
      good = good && count == planned_keys;
      for (std::size_t i = 0; good && i < keys.size(); ++i) {
        const auto frame =
            std::lower_bound(plan_->frames.begin(), plan_->frames.end(), shown.samples[i].pts,
                             [&](const PlannedFrame& f, std::int64_t pts) { return f.pts * plan_->base.num < pts; });
        good = frame != plan_->frames.end() && frame->key == keys[i];
      }
    }
    check("key frames", good, count_of(count, "key frame") + (planned ? good ? ", where planned" : ", not where planned" : ""));
  }

  // "audio", or "audio 2" where there are several.
  [[nodiscard]] std::string audio_name(std::size_t index) const {
    return audio_tracks_.size() > 1 ? "audio " + std::to_string(index + 1) : "audio";
  }
  [[nodiscard]] const PlannedAudio* planned_audio(std::size_t index) const {
    return plan_ && index < plan_->audio_tracks.size() ? &plan_->audio_tracks[index] : nullptr;
  }

  void check_audio(std::size_t index) {
    const Mp4Track& boxes = *audio_tracks_[index].boxes;
    const Mp4Presentation& shown = audio_tracks_[index].shown;
    const PlannedAudio* const planned = planned_audio(index);
    const std::string name = audio_name(index);
    check_description(name + " description", boxes);
    std::int64_t end = shown.samples.empty() ? 0 : shown.samples.front().dts;
    for (const Mp4Sample& sample : shown.samples) end += sample.duration;
    const bool whole = !shown.samples.empty() && shown.lasts > 0 && end == shown.starts + shown.lasts;
    const auto samples = static_cast<std::uint64_t>(std::max<std::int64_t>(0, shown.lasts));
    if (index == 0) report_.audio_samples = samples;
    check(name,
          whole && (!planned || (boxes.timescale == static_cast<std::uint32_t>(planned->task.sample_rate) &&
                                 boxes.language == planned->language)),
          count_of(samples, "sample") + " at " + std::to_string(boxes.timescale) + " Hz, " + std::to_string(shown.skips) +
              " of priming" + (boxes.language == "und" ? "" : ", tagged " + boxes.language));
    check(name + " start", shown.exact && (!planned || shown.starts == planned->task.first_sample),
          "sample " + std::to_string(shown.starts));
  }

  // Of several audio_tracks only the first plays: players mix enabled tracks that are no alternatives.
  void check_choice() {
    bool good = true;
    for (std::size_t i = 0; i < audio_tracks_.size(); ++i) {
      const Mp4Track& boxes = *audio_tracks_[i].boxes;
      good = good && boxes.enabled == (i == 0) && boxes.alternates > 0 && boxes.alternates == audio_tracks_[0].boxes->alternates;
    }
    check("audio choice", !plan_ || good, good ? "the first of one group plays" : "not the first of one group alone plays");
  }

  void check_offset(std::size_t index) {
    const Track& track = audio_tracks_[index];
    const PlannedAudio* const planned = planned_audio(index);
    const Timestamp frame{video_->shown.starts, video_->boxes->base()};
    const Timestamp audio{track.shown.starts, track.boxes->base()};
    const double offset = audio.seconds() - frame.seconds();
    const double lengths = Timestamp{track.shown.starts + track.shown.lasts, audio.base}.seconds() -
                           Timestamp{video_->shown.starts + video_->shown.lasts, frame.base}.seconds();
    bool good = index > 0 || frame < kFirstMax || audio < kFirstMax;
    if (plan_ && plan_->has_video && planned && !plan_->frames.empty()) {
      good = frame == Timestamp{plan_->frames.front().pts, plan_->base} &&
             audio == Timestamp{planned->task.first_sample, {1, planned->task.sample_rate}};
    }
    check(audio_tracks_.size() > 1 ? audio_name(index) + " offset" : "offset", good,
          "audio starts " + seconds_text(offset) + " after the video and ends " + seconds_text(lengths) + " after it");
  }

  // ---- By libav ----

  Result<> listen() {
    av::Demuxer demuxer = TRY(av::Demuxer::open(file_));
    const av::Claims claims = demuxer.claims();
    // A cover is a stream to libav, without a track.
    if (demuxer.streams().size() != order_.size() + (claims.cover ? 1 : 0))
      return fail(FaultKind::kInput, count_of(demuxer.streams().size(), "stream"));
    std::vector<std::uint32_t> kept;
    for (std::uint32_t i = 0; i < order_.size(); ++i) {
      if (order_[i]) TRY(open_decoder(demuxer.streams()[i], *order_[i]));
      if (order_[i] || side_tracks_.has(i)) kept.push_back(i);
    }
    demuxer.keep_only(kept);
    while (const auto item = TRY(demuxer.next())) {
      if (!order_[item->stream]) {
        side_tracks_.hear(item->stream, item->packet);
        continue;
      }
      Track& track = *order_[item->stream];
      if (bucket_ && video_ && &track == &*video_)
        bucket_->take({item->packet.dts, track.boxes->base()}, item->packet.bytes.size());
      TRY(hear(track, item->packet));
      parent_.progress(track.heard.packets);
    }
    for (Track* track : order_) {
      if (track) TRY(finish_decoder(*track));
    }
    for (Check& found : side_tracks_.finish(claims)) report_.checks.push_back(std::move(found));
    const auto truncation = demuxer.truncation();
    check_heard(truncation ? truncation->text : std::string());
    check_frame_format(demuxer);
    if (video_ && video_->heard.frame && !video_->boxes->entries.empty()) {
      const bool planned = plan_ && plan_->has_video;
      report_.checks.push_back(
          check_colour(video_->boxes->entries.front(), video_->heard.frame->colour, planned ? plan_ : nullptr));
    }
    if (bucket_ && video_) {
      check("buffer", bucket_->underflows() == 0,
            bucket_->underflows() == 0 ? "never below " + std::to_string(static_cast<int>(bucket_->lowest() * 100)) + " %"
                                       : count_of(bucket_->underflows(), "frame") + " late, the first at " +
                                             seconds_text(bucket_->first_underflow()->seconds()) + ", by up to " +
                                             std::to_string(-bucket_->lowest()) + " buffers");
      report_.checks.back().advisory = plan_ != nullptr;  // a phone waits a moment; segments were encoded until they kept it
    }
    if (decode_) check_decoded();
    return {};
  }

  Result<> open_decoder(const av::StreamFacts& stream, Track& track) {
    track.heard.decoder.emplace(TRY(av::Decoder::open(stream.parameters, {.threads = 1, .cpu_independent = true})));
    return {};
  }

  // Without `decode` only as much is decoded as gives the first frame, whose format is checked.
  [[nodiscard]] bool wants_decoding(const Track& track) const {
    return decode_ || (video_ && &track == &*video_ && !track.heard.frame);
  }

  Result<> hear(Track& track, const JournalPacket& packet) {
    Heard& heard = track.heard;
    const std::uint64_t at = heard.packets++;
    heard.bytes += packet.bytes.size();
    const bool agrees =
        at < track.shown.samples.size() && track.shown.samples[at].pts == packet.pts && track.shown.samples[at].dts == packet.dts;
    if (!agrees && !heard.first_difference) heard.first_difference = at;
    if (wants_decoding(track)) TRY(heard.decoder->send(packet, [&](AVFrame& frame) { return decoded(track, frame); }));
    return {};
  }

  Result<> finish_decoder(Track& track) {
    if (wants_decoding(track)) TRY(track.heard.decoder->finish([&](AVFrame& frame) { return decoded(track, frame); }));
    return {};
  }

  Result<> decoded(Track& track, AVFrame& frame) {
    Heard& heard = track.heard;
    if (video_ && &track == &*video_) {
      const av::FrameFacts facts = av::facts_of(frame);
      if (!heard.frame) heard.frame = facts;
      const auto at = static_cast<std::uint64_t>(facts.pts);
      if (at >= track.shown.samples.size()) return fail(FaultKind::kInput, "a frame from nowhere");
      const std::int64_t pts = track.shown.samples[at].pts;
      if (heard.last_ordinal >= 0 && pts <= track.shown.samples[static_cast<std::size_t>(heard.last_ordinal)].pts)
        heard.in_order = false;
      heard.last_ordinal = facts.pts;
      ++heard.decoded;
    } else {
      const av::AudioFacts facts = av::audio_facts_of(frame);
      if (!heard.first_decoded) heard.first_decoded = facts.pts;
      heard.decoded += static_cast<std::uint64_t>(facts.samples);
    }
    return {};
  }

  void check_heard(const std::string& truncation) {
    std::string found;
    bool good = truncation.empty();
    for (const Track* track : order_) {
      if (!track) continue;
      const Heard& heard = track->heard;
      found += (found.empty() ? "" : ", ") + count_of(heard.packets, "packet");
      if (heard.packets != track->shown.samples.size()) {
        good = false;
        found += " of " + std::to_string(track->shown.samples.size());
      } else if (heard.first_difference) {
        good = false;
        found += " of which number " + std::to_string(*heard.first_difference) + " has other times than the tables say";
      }
    }
    check("reading", good, truncation.empty() ? found : truncation);
  }

  void check_frame_format(const av::Demuxer& demuxer) {
    if (!video_) return;
    const std::optional<av::FrameFacts>& frame = video_->heard.frame;
    for (const av::StreamFacts& stream : demuxer.streams()) {
      if (stream.media == av::Media::kVideo && !(stream.orientation == Orientation{})) check("rotation", false, "libav sees one");
    }
    if (!frame) {
      check("pixel format", false, "no frame can be decoded");
      return;
    }
    const bool planned = plan_ && plan_->has_video;
    const int depth = planned && plan_->pixel_format == PixelFormat::kYuv420p10 ? 10 : 8;
    check("pixel format",
          !planned || (frame->bit_depth == depth && frame->width == plan_->width && frame->height == plan_->height),
          std::to_string(frame->width) + "x" + std::to_string(frame->height) + ", " + std::to_string(frame->bit_depth) + " bits");
  }

  void check_decoded() {
    if (video_) {
      const Heard& heard = video_->heard;
      check("decoding", heard.decoded == video_->shown.samples.size() && heard.decoder->refused() == 0 && heard.in_order,
            count_of(heard.decoded, "frame") + " decoded, " + count_of(heard.decoder->refused(), "packet") + " refused" +
                (heard.in_order ? "" : ", out of order") +
                (heard.decoder->refused() > 0 ? ": " + heard.decoder->last_refusal() : ""));
    }
    for (std::size_t i = 0; i < audio_tracks_.size(); ++i) {
      const Heard& heard = audio_tracks_[i].heard;
      const std::int64_t beyond = static_cast<std::int64_t>(heard.decoded) - audio_tracks_[i].shown.lasts;
      const bool on_time = heard.first_decoded && *heard.first_decoded == audio_tracks_[i].shown.starts;
      check(audio_name(i) + " decoding", heard.decoder->refused() == 0 && on_time && beyond >= 0 && beyond <= kAudioTailMax,
            count_of(heard.decoded, "sample") + " decoded from " +
                (heard.first_decoded ? std::to_string(*heard.first_decoded) : "nowhere") + " on, " +
                count_of(heard.decoder->refused(), "packet") + " refused");
    }
  }

  Result<> describe() {
    for (const Track* track : order_) {
      if (!track) continue;
      const double seconds = Timestamp{track->shown.lasts, track->boxes->base()}.seconds();
      const auto bitrate = static_cast<std::int64_t>(static_cast<double>(track->heard.bytes) * 8 / std::max(seconds, 1e-6));
      report_.seconds =
          std::max(report_.seconds, Timestamp{track->shown.starts + track->shown.lasts, track->boxes->base()}.seconds());
      const bool is_video = video_ && track == &*video_;
      (is_video ? report_.video_bitrate : report_.audio_bitrate) += bitrate;
      if (is_video) report_.frames = track->shown.samples.size();
      if (track->boxes->entries.empty()) continue;
      const Mp4SampleEntry& entry = track->boxes->entries.front();
      const auto name = codec_string(entry);
      if (!name) check("codecs", false, name.error().text);
      // RFC 6381 lists codecs, not tracks.
      if (!is_video && track != &audio_tracks_.front() && name && report_.codecs.ends_with(*name)) continue;
      report_.codecs += (report_.codecs.empty() ? "" : ",") + (name ? *name : entry.type);
      if (is_video) report_.level = level_text(entry);
    }
    return {};
  }

  const int file_;
  const RenditionPlan* const plan_;  // null: none
  const bool decode_;
  std::optional<LeakyBucket> bucket_;
  ParentLine& parent_;
  Mp4Layout layout_;
  std::optional<Track> video_;
  std::deque<Track> audio_tracks_;  // in the file's order; never moves
  std::vector<Track*> order_;       // as in the file; null: of side_tracks_
  SideTrackCheck side_tracks_;
  FileReport report_;
};

}  // namespace

Result<FileReport> verify(int file, const VerifyRequest& request, ParentLine& parent) {
  if (request.text) return verify_text_file(file, *request.text);
  const RenditionPlan* const plan = request.planned ? &request.plan : nullptr;
  return Verification(file, plan, request.decode, bucket_of(request.plan), parent).run();
}

Result<FileReport> inspect_output(int file, bool decode, ParentLine& parent) {
  return Verification(file, nullptr, decode, std::nullopt, parent).run();
}

}  // namespace gopmill
