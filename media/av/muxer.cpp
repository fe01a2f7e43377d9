#include "media/av/muxer.h"

extern "C" {
#include <libavutil/opt.h>
}

#include <algorithm>
#include <cstring>
#include <ctime>
#include <numeric>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/file.h"
#include "media/av/handles.h"
#include "media/av/hdr.h"
#include "media/av/io_context.h"
#include "media/package/mp4_boxes.h"

namespace gopmill::av {

namespace {

// libavformat 5.1 starts a new chunk when one would exceed this (movenc.c, build_chunks).
constexpr std::uint64_t kChunkBytes = 1 << 20;
// Everything of moov that does not grow: headers, handlers, one sample entry per track without its extradata.
constexpr std::uint64_t kFixedBytes = 2048;
constexpr std::uint64_t kFixedBytesPerTrack = 2048;
// A `free` box takes at least its own header.
constexpr std::uint64_t kFreeBytesMin = 8;

// Upper bound of the moov box (ISO/IEC 14496-12): stsz 4 per sample, stts and ctts 8 per run, stss 4 per key, and per chunk
// 12 of stsc and 8 of co64. A chapter is a sample of its own track, and in Nero's list a time and a title; a reference to that track is
// among what is fixed per track.
std::uint64_t moov_bytes_max(const std::vector<MuxTrack>& tracks, std::uint64_t pieces, const MuxSideTracks& side_tracks) {
  std::uint64_t bytes = kFixedBytes + side_tracks.user_data.size();
  if (!side_tracks.chapters.empty()) bytes += kFixedBytesPerTrack + kEditListBytesMax;
  for (const Chapter& chapter : side_tracks.chapters) bytes += 4 + 8 + 20 + 9 + chapter.title.size();
  for (const MuxTrack& track : tracks) {
    const std::uint64_t chunks = std::min(track.samples, pieces + 2 * track.bytes / kChunkBytes + 2);
    bytes += kFixedBytesPerTrack + 2 * track.title.size() + 2 * track.parameters.extradata.size() + kEditListBytesMax;
    bytes += 4 * track.samples + 8 * (track.duration_runs + track.offset_runs) + 4 * track.keys + 20 * chunks;
  }
  return bytes;
}

// The first movie timescale in which every start is exact: the audio's own rate where it is one, else the least common multiple.
std::uint32_t movie_timescale(const std::vector<MuxTrack>& tracks) {
  std::uint64_t common = 1;
  for (const MuxTrack& track : tracks) common = std::lcm(common, static_cast<std::uint64_t>(track.timescale));
  const std::uint32_t finest = std::max_element(tracks.begin(), tracks.end(), [](const auto& a, const auto& b) {
                                 return a.timescale < b.timescale;
                               })->timescale;
  std::vector<std::uint64_t> candidates;
  for (const MuxTrack& track : tracks) {
    if (track.parameters.media == Media::kAudio) candidates.push_back(track.timescale);
  }
  candidates.push_back(finest);
  candidates.push_back(common);
  for (const std::uint64_t candidate : candidates) {
    const auto exact = [&](const MuxTrack& t) { return static_cast<unsigned __int128>(t.starts) * candidate % t.timescale == 0; };
    if (candidate <= INT32_MAX && std::all_of(tracks.begin(), tracks.end(), exact)) return static_cast<std::uint32_t>(candidate);
  }
  return finest;
}

// libavformat's output: what belongs to the head of the file (type box, reserved gap) stays in memory until it is complete,
// the rest goes to the descriptor.
class SplitFile {
 public:
  SplitFile(int fd, std::uint64_t head_bytes_max) : fd_(fd), head_end_(head_bytes_max) {}

  Result<> write(std::uint64_t at, std::span<const std::byte> bytes) {
    if (at < head_end_) {
      const auto part = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), head_end_ - at)));
      if (head_.size() < at + part.size()) head_.resize(at + part.size());
      std::memcpy(head_.data() + at, part.data(), part.size());
      at += part.size();
      bytes = bytes.subspan(part.size());
    }
    return bytes.empty() ? Result<>() : write_out(at, bytes);
  }
  // The muxer knows where it is.
  [[nodiscard]] std::optional<std::uint64_t> size() const { return std::nullopt; }

  // Set once the type box is written and the gap's end is known; until then everything belongs to the head.
  void end_head_at(std::uint64_t bytes) { head_end_ = bytes; }
  [[nodiscard]] const std::string& head() const { return head_; }
  Result<> write_out(std::uint64_t at, std::span<const std::byte> bytes) { return write_at(fd_, at, bytes); }

 private:
  int fd_;
  std::uint64_t head_end_;
  std::string head_;
};

struct FreeFormat {
  void operator()(AVFormatContext* format) const { avformat_free_context(format); }
};

std::uint32_t tag_of(AVCodecID codec) {
  // Apple plays HEVC only as hvc1: parameter sets in the sample entry and nowhere else. libavformat would take hev1.
  return codec == AV_CODEC_ID_HEVC ? MKTAG('h', 'v', 'c', '1') : 0;
}

// What libavformat frees with its context.
void add_chapters(AVFormatContext& format, const MuxSideTracks& side_tracks) {
  if (side_tracks.chapters.empty()) return;
  format.chapters = static_cast<AVChapter**>(av_calloc(side_tracks.chapters.size(), sizeof(AVChapter*)));
  GOPMILL_CHECK(format.chapters);
  for (std::size_t i = 0; i < side_tracks.chapters.size(); ++i) {
    auto* chapter = static_cast<AVChapter*>(av_mallocz(sizeof(AVChapter)));
    GOPMILL_CHECK(chapter);
    format.chapters[format.nb_chapters++] = chapter;
    chapter->id = static_cast<std::int64_t>(i);
    chapter->time_base = {1, 1000};
    chapter->start = side_tracks.chapters[i].start;
    chapter->end = i + 1 < side_tracks.chapters.size() ? side_tracks.chapters[i + 1].start : side_tracks.ends_ms;
    av_dict_set(&chapter->metadata, "title", side_tracks.chapters[i].title.c_str(), 0);
  }
}

// As libavformat reads it again.
std::string date_text(std::int64_t unix_s) {
  const auto seconds = static_cast<std::time_t>(unix_s);
  std::tm parts{};
  char text[32] = {};
  if (::gmtime_r(&seconds, &parts) == nullptr || std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) return {};
  return text;
}

}  // namespace

struct Muxer::State {
  State(int fd, std::uint64_t head_bytes_max) : file(fd, head_bytes_max) {}
  LastWords words;
  std::vector<MuxTrack> tracks;
  MuxSideTracks side_tracks;
  std::uint32_t movie_timescale = 0;
  std::uint64_t gap = 0;       // bytes reserved for moov and what fills up
  std::size_t type_bytes = 0;  // of the box in front of it
  SplitFile file;
  // Declared before the format context, which writes through it until it is freed.
  IoContext io = IoContext::writing(file);
  std::unique_ptr<AVFormatContext, FreeFormat> format;
  Packet packet = make_packet();

  // The disk's own words where the disk was at fault.
  Fault fault(const std::string& what, int error) const {
    if (io.fault()) return *io.fault();
    return fault_of(FaultKind::kInternal, what, error);
  }
  Result<> add_stream(const MuxTrack& track);
  Result<> begin();
  Result<> place_head();
};

Muxer::Muxer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Muxer::Muxer(Muxer&&) noexcept = default;
Muxer::~Muxer() = default;

Result<> Muxer::State::add_stream(const MuxTrack& track) {
  AVStream* stream = avformat_new_stream(format.get(), nullptr);
  GOPMILL_CHECK(stream);
  const CodecParameters par = TRY(to_codec_parameters(track.parameters));
  par->codec_tag = tag_of(par->codec_id);
  if (avcodec_parameters_copy(stream->codecpar, par.get()) < 0) return fail(FaultKind::kMachine, "out of memory for a stream");
  stream->time_base = {1, static_cast<int>(track.timescale)};
  av_dict_set(&stream->metadata, "language", track.language.c_str(), 0);
  if (!track.title.empty()) {
    // Some players list tracks by the handler's name, some by the track's own.
    av_dict_set(&stream->metadata, "title", track.title.c_str(), 0);
    av_dict_set(&stream->metadata, "handler_name", track.title.c_str(), 0);
  }
  // Tracks of one kind are one alternate group already; this enables the one that plays.
  if (track.enabled) stream->disposition |= AV_DISPOSITION_DEFAULT;
  if (par->codec_type == AVMEDIA_TYPE_VIDEO) {
    stream->avg_frame_rate = to_av(track.frame_rate);
    stream->sample_aspect_ratio = par->sample_aspect_ratio;
    if (!attach(*stream, track.mastering, track.light)) return fail(FaultKind::kMachine, "out of memory for a stream");
  }
  return {};
}

Result<> Muxer::State::begin() {
  AVFormatContext* made = nullptr;
  if (const int error = avformat_alloc_output_context2(&made, nullptr, "mp4", nullptr); error < 0) {
    return std::unexpected(fault_of(FaultKind::kInternal, "no MP4 muxer", error));
  }
  format.reset(made);
  format->pb = io.get();
  format->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
  for (const MuxTrack& track : tracks) TRY(add_stream(track));
  add_chapters(*format, side_tracks);
  if (side_tracks.created_unix_s)
    av_dict_set(&format->metadata, "creation_time", date_text(*side_tracks.created_unix_s).c_str(), 0);
  Options options;
  options.set("moov_size", static_cast<std::int64_t>(gap));
  options.set("movie_timescale", movie_timescale);
  options.set("use_editlist", 0);
  for (const MuxTrack& track : tracks) {
    if (track.parameters.media == Media::kVideo) options.set("video_track_timescale", track.timescale);
  }
  if (const int error = avformat_write_header(format.get(), options.address()); error < 0)
    return std::unexpected(fault("cannot begin the MP4", error));
  GOPMILL_CHECK(options.first().empty());
  // movenc.c 5.1 puts empty samples of no length between those of mov_text wherever another track's packet comes first, and at the
  // end. The plan has its own; under another name libavformat writes just what it is given.
  for (unsigned i = 0; i < format->nb_streams; ++i) {
    AVCodecParameters& par = *format->streams[i]->codecpar;
    if (par.codec_id == AV_CODEC_ID_MOV_TEXT) par.codec_id = AV_CODEC_ID_TEXT;
  }
  for (std::size_t i = 0; i < tracks.size(); ++i) {
    const AVRational base = format->streams[i]->time_base;
    if (base.num != 1 || base.den != static_cast<int>(tracks[i].timescale))
      return fail(FaultKind::kInternal, "the MP4 muxer changed a timescale");
  }
  // Only the type box has been put in front of the gap.
  type_bytes = file.head().size();
  file.end_head_at(type_bytes + gap);
  return {};
}

// Adds the edit lists to the index, fills what is left of the gap and writes the head of the file, once.
Result<> Muxer::State::place_head() {
  const std::string_view written = file.head();
  if (written.size() < type_bytes + kFreeBytesMin) return fail(FaultKind::kInternal, "the MP4 muxer wrote no index");
  const std::uint64_t size = big_endian(written, type_bytes, 4);
  if (size > written.size() - type_bytes) return fail(FaultKind::kInternal, "the MP4 muxer wrote half an index");
  std::vector<TrackEdit> edits;
  for (const MuxTrack& track : tracks) {
    const Rational base{1, track.timescale};
    const Rational movie{1, movie_timescale};
    edits.push_back({static_cast<std::uint64_t>(rescale(track.starts, base, movie)),
                     static_cast<std::uint64_t>(rescale(track.lasts, base, movie, Rounding::kUp)),
                     static_cast<std::uint64_t>(track.skips)});
  }
  if (!side_tracks.chapters.empty()) {
    const std::int64_t end = av_rescale_q(side_tracks.ends_ms, {1, 1000}, {1, static_cast<int>(movie_timescale)});
    edits.push_back({0, static_cast<std::uint64_t>(end), 0});
  }
  std::string head(written.substr(0, type_bytes));
  head += TRY(with_edit_lists(std::string(written.substr(type_bytes, size)), edits, side_tracks.user_data));
  const std::uint64_t end = type_bytes + gap;
  if (head.size() + kFreeBytesMin > end) {
    return fail(FaultKind::kInternal,
                "the index is " + std::to_string(head.size() + kFreeBytesMin - end) + " bytes larger than computed");
  }
  put_big_endian(head, end - head.size(), 4);
  head += "free";
  head.resize(end, '\0');
  return file.write_out(0, std::as_bytes(std::span(head)));
}

Result<Muxer> Muxer::create(int fd, std::vector<MuxTrack> tracks, std::uint64_t pieces, MuxSideTracks side_tracks) {
  GOPMILL_CHECK(!tracks.empty());
  const std::uint64_t moov = moov_bytes_max(tracks, pieces, side_tracks) + kFreeBytesMin;
  if (moov > kMoovBytesMax) return fail(FaultKind::kInternal, "an index of " + std::to_string(moov) + " bytes");
  // The type box comes in front of the gap, so everything up to here is head for certain.
  auto state = std::make_unique<State>(fd, moov);
  LastWords::clear();
  state->movie_timescale = movie_timescale(tracks);
  state->tracks = std::move(tracks);
  state->side_tracks = std::move(side_tracks);
  state->gap = moov;
  TRY(state->begin());
  return Muxer(std::move(state));
}

Result<> Muxer::write(std::size_t track, const MuxSample& sample, const std::string& bytes) {
  State& s = *state_;
  GOPMILL_CHECK(track < s.tracks.size());
  // movenc.c asserts on what MP4's 32-bit fields cannot hold; a refusal is better than an abort.
  if (sample.duration < 1 || sample.duration > INT32_MAX || sample.pts - sample.dts > INT32_MAX || sample.pts < sample.dts) {
    return fail(FaultKind::kInternal, "a sample whose times MP4 cannot hold: " + std::to_string(sample.duration) +
                                          " ticks long, shown " + std::to_string(sample.pts - sample.dts) +
                                          " after it is decoded");
  }
  AVPacket& packet = *s.packet;
  av_packet_unref(&packet);
  if (av_new_packet(&packet, static_cast<int>(bytes.size())) < 0) return fail(FaultKind::kMachine, "out of memory for a packet");
  std::memcpy(packet.data, bytes.data(), bytes.size());
  packet.stream_index = static_cast<int>(track);
  packet.dts = sample.dts;
  packet.pts = sample.pts;
  packet.duration = sample.duration;
  if (sample.key) packet.flags |= AV_PKT_FLAG_KEY;
  if (const int error = av_write_frame(s.format.get(), &packet); error < 0)
    return std::unexpected(s.fault("the MP4 muxer refuses a packet", error));
  // av_write_frame leaves our reference to us; its own copy is on the way to the descriptor.
  av_packet_unref(&packet);
  if (s.io.fault()) return std::unexpected(*s.io.fault());
  return {};
}

Result<> Muxer::finish() {
  State& s = *state_;
  const int error = av_write_trailer(s.format.get());
  avio_flush(s.io.get());
  if (error < 0 || s.io.fault()) return std::unexpected(s.fault("cannot finish the MP4", error));
  return s.place_head();
}

}  // namespace gopmill::av
