#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "media/task/colour.h"
#include "media/task/frame_shape.h"
#include "media/task/side_tracks.h"
#include "media/task/timeline.h"
#include "profiles/profile.h"

// The typed requests and results of media children. Value types: the planner makes them, children carry them out, and
// nobody between them looks inside. docs/formats.md has the layout of the files named here.

namespace gopmill {

// ---- Video: one segment, all renditions together ----

// One frame of a rendition.
struct OutputFrame {
  std::uint32_t source = 0;  // index into VideoTask::sources, or into VideoTask::woven where that is not empty
  std::int64_t pts = 0;      // ticks of EncoderSettings::base on the job's output timeline
  bool key = false;          // an IDR is forced here: first frame at or after k x gop
  friend bool operator==(const OutputFrame&, const OutputFrame&) = default;
};

// Which program encodes; what is known of each is in media/encoder/encoder_facts.h.
enum class Encoder : std::uint8_t { kX264 = 1, kX265 = 2, kSvtAv1 = 3, kLibvpxVp9 = 4 };
inline constexpr Encoder kEncoderLast = Encoder::kLibvpxVp9;

// How one rendition is encoded; the same in every segment of the job, so that parameter sets are too.
struct EncoderSettings {
  Encoder encoder = Encoder::kX264;
  int width = 0, height = 0;
  PixelFormat pixel_format = PixelFormat::kYuv420p;
  Colour colour;                              // to be tagged
  std::optional<MasteringDisplay> mastering;  // to be written beside HDR frames
  std::optional<ContentLight> light;
  RateControl rate;
  std::string preset, codec_profile, level;
  std::map<std::string, std::string> options;
  Rational base{1, 1};         // of pts
  Rational frame_rate{25, 1};  // mean over the whole rendition: what rate control assumes; never used for timestamps
};

// What a segment may spend of a rendition's bits, so that segments which know nothing of each other keep the promises of the
// whole file (media/encoder/rate_search.h).
struct SegmentGrant {
  std::int64_t next_pts = 0;  // when the next segment's first frame is shown, or the video ends
  bool ends_rendition = false;
  std::optional<std::uint64_t> budget_bytes;  // of the body: its share of the bitrate
  double halving = 6;                         // steps of `quality` that halve the size, as measured on this segment
};

struct RenditionTask {
  EncoderSettings encoder;
  std::optional<ColourChange> recolour;  // of scaled frames; none: they keep the source's colours
  // frames = lead + body + tail in presentation order. Only packets of the body are kept: the lead (exact joins) and the
  // tail are encoded or looked at so that the body's ends are as good as its middle.
  std::vector<OutputFrame> frames;
  std::uint32_t lead = 0;
  std::uint32_t body = 0;
  SegmentGrant grant;
  bool measure = false;    // only the sizes are wanted: the journal stays empty
  bool continues = false;  // the first of `frames` is not the video's first: the encoder is to start as if it had been running
};

// A frame woven from the fields of one or two source frames.
struct WovenFrame {
  std::uint32_t top = 0, bottom = 0;  // indices into VideoTask::sources; at most one apart
  bool combed = false;                // its fields are not of one moment: to be deinterlaced
  friend bool operator==(const WovenFrame&, const WovenFrame&) = default;
};

struct VideoTask {
  Rational base{1, 1};
  // Ordinals of the source packets whose frames are wanted, in presentation order; frames of other packets in the
  // run are decoded and dropped.
  std::vector<std::uint32_t> sources;
  Orientation orientation;
  FrameShape shape;  // of the frames that sizes were computed from
  Colour colour;     // of the source, one answer for the whole file
  bool deinterlace = false;
  bool top_first = true;  // which field came first, for the deinterlacer
  // Of telecined sources, in the order of time; OutputFrame::source then counts in these. Empty: frames are shown as decoded.
  std::vector<WovenFrame> woven;
  Damage damage = Damage::kRefuse;
  // The frame of this packet may be damaged in any case: the recording ends inside it.
  std::uint32_t cut_off = UINT32_MAX;
  std::vector<Overlay> overlays;  // burnt into the source's frames
  std::vector<RenditionTask> renditions;
};

// ---- Audio: one track, whole ----

struct AudioTask {
  AudioProfile profile;
  int sample_rate = 48000;        // of the output
  int channels = 2;               // of the output
  std::int64_t first_sample = 0;  // output timeline position of the first audio, in samples of sample_rate
  Damage damage = Damage::kRefuse;
  std::vector<ClockShift> clock;  // AudioTrack::clock
};

// The head of a task input file: exactly one of the two is set.
struct TaskRequest {
  std::optional<VideoTask> video;
  std::optional<AudioTask> audio;
};

// ---- Results ----

struct VideoOutput {  // per rendition of a VideoTask
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;     // of coded packets
  std::string parameter_sets;  // sha256 of the encoder's extradata: equal over all segments, or the job fails
  std::uint64_t checked = 0;   // frames decoded again and found to be the right frame
  double psnr = 0;             // dB, luma, mean over sampled positions of every frame, decoded again against what was encoded
  double psnr_worst = 0;       // dB, of the worst frame
  std::uint32_t tries = 1;     // encodes until buffer and budget were kept
  double quality = 0;          // of the last one
  bool granted = true;         // it keeps them
};
// What was heard of the audio as it goes to the encoder, before the gain, and the one gain that all of it was given.
struct LoudnessResult {
  double lufs = 0;       // integrated, ITU-R BS.1770-4; -70 where nothing is above that
  double true_peak = 0;  // dBTP
  double gain = 0;       // dB
  bool limited = false;  // by the ceiling for peaks
};
struct AudioOutput {
  std::uint64_t samples = 0;  // encoded, priming not counted
  std::uint64_t bytes = 0;
  std::uint64_t silence_filled = 0;        // samples put into holes of the source
  std::uint64_t holes = 0;                 // such holes
  std::uint64_t overlap_dropped = 0;       // samples dropped where source packets overlap
  int priming = 0;                         // encoder delay, samples
  std::optional<LoudnessResult> loudness;  // where the profile asks for one, or channels were mixed down
};
struct TaskResult {
  std::vector<VideoOutput> video;
  std::optional<AudioOutput> audio;
  std::uint64_t decoded = 0;  // source frames decoded, pre-roll included
  std::uint64_t wanted = 0;   // of these, shown by the body
  std::uint64_t cpu_ms = 0;
  std::uint64_t decode_cpu_ms = 0;  // of cpu_ms: decoding the source
  std::uint64_t repeat_cpu_ms = 0;  // of decode_cpu_ms: packets outside of the body, which another segment decodes too
  std::vector<Loss> losses;         // on the output timeline; only where the profile says salvage
};

// ---- Split: which packets of the source go into which task input ----

struct PacketRun {
  std::uint32_t stream = 0;
  std::uint32_t first = 0;  // ordinal within the stream
  std::uint32_t end = 0;    // one past the last
  friend bool operator==(const PacketRun&, const PacketRun&) = default;
};
// Runs are in order of `first`. For each the child asks for file i (already holding the encoded TaskRequest), appends the
// packets and reports it whole. fds: the source.
struct SplitRequest {
  std::vector<PacketRun> runs;
};

// ---- Analyse ----

struct AnalyseRequest {
  bool decode_all = false;  // ask for Evidence::kDecoded
  Damage damage = Damage::kRefuse;
  std::optional<BurnRequest> burn;
};

// ---- Stitch, package and verify: one rendition file ----

struct PlannedFrame {
  std::int64_t pts = 0;
  bool key = false;
};
struct PlannedAudio {
  AudioTask task;
  std::string language = "und";  // ISO 639-2/T
  std::string title;             // for people, or empty
};
struct RenditionPlan {  // what the finished file must be
  std::string name;
  bool has_video = false;
  VideoCodec codec = VideoCodec::kH264;
  int width = 0, height = 0;
  PixelFormat pixel_format = PixelFormat::kYuv420p;
  Colour colour;
  std::optional<MasteringDisplay> mastering;
  std::optional<ContentLight> light;
  Rational base{1, 1};
  std::vector<PlannedFrame> frames;
  std::int64_t last_duration = 1;
  std::optional<std::int64_t> maxrate, bufsize;  // for the leaky bucket
  std::vector<PlannedAudio> audio_tracks;        // the first plays unless somebody chooses another
  SideTrackPlan side_tracks;
};
// Files asked for in order: video journals of every segment, then one audio journal for each of the plan's audio_tracks. fds: the
// file to write (read/write).
struct StitchRequest {
  RenditionPlan plan;
  std::uint32_t video_inputs = 0;
};
// A file that goes with the renditions: the text track as WebVTT. fds: the file to write.
struct PackageRequest {
  TextTrack text;
};
// fds: the file to check.
struct VerifyRequest {
  RenditionPlan plan;
  bool planned = true;            // false: the file is judged by itself; of `plan` only maxrate and bufsize count
  bool decode = false;            // also decode every frame; segments were decoded where they were made
  std::optional<TextTrack> text;  // instead of all that: the file is WebVTT with just these cues
};
struct Check {
  std::string name;  // "frames", "timestamps", …
  bool passed = false;
  std::string found;      // for people: "720 frames, as planned"
  bool advisory = false;  // not passing it is reported and does not fail the job
};
struct FileReport {  // of a stitched or verified file
  std::uint64_t bytes = 0;
  std::string sha256;
  std::uint64_t hash = 0;  // XXH3-64 of the file: what its transfer is checked by
  double seconds = 0;
  std::uint64_t frames = 0;
  std::int64_t video_bitrate = 0, audio_bitrate = 0;  // bits/s, measured; of all audio tracks together
  std::string codecs;                                 // RFC 6381: "avc1.640028,mp4a.40.2"
  std::string level;                                  // "4.0"
  std::uint64_t audio_samples = 0;                    // of the first audio track
  std::vector<Check> checks;
};

template <class A>
void fields(A& a, RateControl& v) {
  a(v.quality, v.bitrate, v.maxrate, v.bufsize);
}
template <class A>
void fields(A& a, OutputFrame& v) {
  a(v.source, v.pts, v.key);
}
template <class A>
void fields(A& a, EncoderSettings& v) {
  a(v.encoder, v.width, v.height, v.pixel_format, v.colour, v.mastering, v.light, v.rate, v.preset, v.codec_profile, v.level,
    v.options, v.base, v.frame_rate);
}
template <class A>
void fields(A& a, SegmentGrant& v) {
  a(v.next_pts, v.ends_rendition, v.budget_bytes, v.halving);
}
template <class A>
void fields(A& a, RenditionTask& v) {
  a(v.encoder, v.recolour, v.frames, v.lead, v.body, v.grant, v.measure, v.continues);
}
template <class A>
void fields(A& a, FrameShape& v) {
  a(v.width, v.height, v.sample_aspect, v.coded_aspect, v.quarter_turns);
}
template <class A>
void fields(A& a, WovenFrame& v) {
  a(v.top, v.bottom, v.combed);
}
template <class A>
void fields(A& a, VideoTask& v) {
  a(v.base, v.sources, v.orientation, v.shape, v.colour, v.deinterlace, v.top_first, v.woven, v.damage, v.cut_off, v.overlays,
    v.renditions);
}
template <class A>
void fields(A& a, AudioProfile& v) {
  a(v.codec, v.bitrate, v.channels, v.tracks, v.languages, v.loudness, v.true_peak);
}
template <class A>
void fields(A& a, AudioTask& v) {
  a(v.profile, v.sample_rate, v.channels, v.first_sample, v.damage, v.clock);
}
template <class A>
void fields(A& a, TaskRequest& v) {
  a(v.video, v.audio);
}
template <class A>
void fields(A& a, VideoOutput& v) {
  a(v.frames, v.bytes, v.parameter_sets, v.checked, v.psnr, v.psnr_worst, v.tries, v.quality, v.granted);
}
template <class A>
void fields(A& a, LoudnessResult& v) {
  a(v.lufs, v.true_peak, v.gain, v.limited);
}
template <class A>
void fields(A& a, AudioOutput& v) {
  a(v.samples, v.bytes, v.silence_filled, v.holes, v.overlap_dropped, v.priming, v.loudness);
}
template <class A>
void fields(A& a, TaskResult& v) {
  a(v.video, v.audio, v.decoded, v.wanted, v.cpu_ms, v.decode_cpu_ms, v.repeat_cpu_ms, v.losses);
}
template <class A>
void fields(A& a, PacketRun& v) {
  a(v.stream, v.first, v.end);
}
template <class A>
void fields(A& a, SplitRequest& v) {
  a(v.runs);
}
template <class A>
void fields(A& a, AnalyseRequest& v) {
  a(v.decode_all, v.damage, v.burn);
}
template <class A>
void fields(A& a, PlannedFrame& v) {
  a(v.pts, v.key);
}
template <class A>
void fields(A& a, PlannedAudio& v) {
  a(v.task, v.language, v.title);
}
template <class A>
void fields(A& a, RenditionPlan& v) {
  a(v.name, v.has_video, v.codec, v.width, v.height, v.pixel_format, v.colour, v.mastering, v.light, v.base, v.frames,
    v.last_duration, v.maxrate, v.bufsize, v.audio_tracks, v.side_tracks);
}
template <class A>
void fields(A& a, StitchRequest& v) {
  a(v.plan, v.video_inputs);
}
template <class A>
void fields(A& a, PackageRequest& v) {
  a(v.text);
}
template <class A>
void fields(A& a, VerifyRequest& v) {
  a(v.plan, v.planned, v.decode, v.text);
}
template <class A>
void fields(A& a, Check& v) {
  a(v.name, v.passed, v.found, v.advisory);
}
template <class A>
void fields(A& a, FileReport& v) {
  a(v.bytes, v.sha256, v.hash, v.seconds, v.frames, v.video_bitrate, v.audio_bitrate, v.codecs, v.level, v.audio_samples,
    v.checks);
}

}  // namespace gopmill
