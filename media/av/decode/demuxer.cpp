#include "media/av/decode/demuxer.h"

extern "C" {
#include <libavutil/display.h>
#include <libavutil/encryption_info.h>
}

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/file.h"
#include "media/av/allow_list.h"
#include "media/av/handles.h"
#include "media/av/io_context.h"

namespace gopmill::av {

namespace {

constexpr std::int64_t kProbeBytesMax = 20 << 20;
constexpr std::int64_t kProbeMicrosecondsMax = 10'000'000;
// Below this even an audio file of one frame cannot fit; above it libav may read for long in vain.
constexpr std::int64_t kFileBytesMin = 16;
constexpr std::size_t kKindBytes = 4096;     // a name at the beginning is all that is looked for
constexpr std::size_t kTitleBytesMax = 256;  // of a track; menus show about sixty characters

// A source as libav reads it.
struct SourceFile {
  int fd = -1;
  std::uint64_t bytes = 0;

  [[nodiscard]] Result<std::size_t> read(std::uint64_t at, std::span<std::byte> into) const {
    auto got = read_at(fd, at, into);
    if (!got) got.error().text += " (at byte " + std::to_string(at) + ")";
    return got;
  }
  [[nodiscard]] std::optional<std::uint64_t> size() const { return bytes; }
};

// A display matrix turns the frame by `theta` degrees counter-clockwise, perhaps after a mirror. Phones write only the
// eight upright ones; others are rounded to the nearest quarter.
Orientation orientation_of(const AVStream& stream) {
  std::size_t size = 0;
  const auto* matrix = reinterpret_cast<const std::int32_t*>(av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &size));
  if (!matrix || size < 9 * sizeof(std::int32_t)) return {};
  std::int32_t upright[9];
  std::memcpy(upright, matrix, sizeof upright);
  // A negative determinant is a mirror. Undoing it first leaves a pure turn to measure.
  const double determinant = static_cast<double>(upright[0]) * upright[4] - static_cast<double>(upright[1]) * upright[3];
  Orientation orientation;
  orientation.mirrored = determinant < 0;
  if (orientation.mirrored) av_display_matrix_flip(upright, 1, 0);
  const double degrees = av_display_rotation_get(upright);
  if (degrees != degrees) return {};
  const int turns = static_cast<int>(std::lround(-degrees / 90.0));
  orientation.quarter_turns = static_cast<std::uint8_t>(((turns % 4) + 4) % 4);
  return orientation;
}

StreamFacts facts_of(const AVStream& stream) {
  StreamFacts facts;
  facts.index = static_cast<std::uint32_t>(stream.index);
  facts.parameters = parameters_of(*stream.codecpar, stream.time_base);
  facts.orientation = orientation_of(stream);
  facts.hdr = hdr_of(stream);
  const AVDictionaryEntry* alpha = av_dict_get(stream.metadata, "alpha_mode", nullptr, 0);
  facts.has_alpha = alpha && std::strcmp(alpha->value, "1") == 0;
  facts.is_default = (stream.disposition & AV_DISPOSITION_DEFAULT) != 0;
  facts.is_still_image =
      (stream.disposition & (AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS | AV_DISPOSITION_STILL_IMAGE)) != 0;
  if (const AVDictionaryEntry* entry = av_dict_get(stream.metadata, "language", nullptr, 0))
    facts.language = std::string(entry->value).substr(0, 16);
  if (const AVDictionaryEntry* entry = av_dict_get(stream.metadata, "title", nullptr, 0))
    facts.title = std::string(entry->value).substr(0, kTitleBytesMax);
  facts.kind = stream.codecpar->codec_id == AV_CODEC_ID_NONE ? "unknown" : avcodec_get_name(stream.codecpar->codec_id);
  // The sample aspect of the container wins over the bitstream's, as in every player.
  if (stream.sample_aspect_ratio.num > 0) facts.parameters.sample_aspect = from_av(stream.sample_aspect_ratio);
  return facts;
}

bool is_encrypted(const AVStream& stream) {
  std::size_t size = 0;
  if (av_stream_get_side_data(&stream, AV_PKT_DATA_ENCRYPTION_INIT_INFO, &size)) return true;
  // WebM: libav keeps the key's id as a tag and hands out the packets as they are.
  if (av_dict_get(stream.metadata, "enc_key_id", nullptr, 0)) return true;
  const std::uint32_t tag = stream.codecpar->codec_tag;
  return tag == MKTAG('e', 'n', 'c', 'v') || tag == MKTAG('e', 'n', 'c', 'a');
}

// What people take for media files, and what attackers name like them.
std::string text_kind(int fd) {
  std::string head(32, '\0');
  const auto got = read_at(fd, 0, std::as_writable_bytes(std::span(head)));
  if (!got) return {};
  head.resize(*got);
  if (head.starts_with("#EXTM3U")) return "a playlist";
  if (head.starts_with("ffconcat")) return "a list of files";
  if (head.starts_with("<?xml") || head.starts_with("<MPD")) return "an XML text";
  return {};
}

// What libav takes the file for, by its beginning.
std::string container_kind(int fd) {
  std::string head(kKindBytes + AVPROBE_PADDING_SIZE, '\0');
  const auto got = read_at(fd, 0, std::as_writable_bytes(std::span(head).first(kKindBytes)));
  if (!got) return {};
  AVProbeData probe{"", reinterpret_cast<unsigned char*>(head.data()), static_cast<int>(*got), nullptr};
  const AVInputFormat* format = av_probe_input_format(&probe, 1);
  return format ? format->name : "unknown";
}

// A disk or a network mount that fails must not pass for the end of the file.
Result<> check_readable(const IoContext& io) {
  if (!io.fault()) return {};
  return fail(FaultKind::kNoInput, "the source cannot be read to its end: " + io.fault()->text);
}

struct CloseInput {
  void operator()(AVFormatContext* format) const { avformat_close_input(&format); }
};

}  // namespace

struct Demuxer::State {
  State(int fd, std::uint64_t size) : file{fd, size} {}
  LastWords words;
  SourceFile file;
  // Declared before the format context, which reads through it until it is closed.
  IoContext io = IoContext::reading(file);
  std::unique_ptr<AVFormatContext, CloseInput> format;
  Packet packet = make_packet();
  std::vector<StreamFacts> streams;
  std::vector<std::uint32_t> ordinals;
  std::vector<bool> wanted;
  std::vector<std::uint32_t> taken;  // packets per stream, empty ones too
  bool corrupt_tail = false;         // the last packet read was flagged
  std::string end_words;             // libav's last words when the end came
};

Demuxer::Demuxer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Demuxer::Demuxer(Demuxer&&) noexcept = default;
Demuxer::~Demuxer() = default;

Result<Demuxer> Demuxer::open(int fd) {
  const std::uint64_t size = TRY(file_size(fd));
  if (size == 0) return fail(FaultKind::kInput, "the file is empty");
  if (size < kFileBytesMin) return fail(FaultKind::kInput, "the file has only " + std::to_string(size) + " bytes");
  auto state = std::make_unique<State>(fd, size);
  LastWords::clear();
  AVFormatContext* format = avformat_alloc_context();
  GOPMILL_CHECK(format);
  format->pb = state->io.get();
  format->flags |= AVFMT_FLAG_CUSTOM_IO;
  format->format_whitelist = av_strdup(kDemuxers);
  format->codec_whitelist = av_strdup(kDecoders);
  format->protocol_whitelist = av_strdup("");
  format->probesize = kProbeBytesMax;
  format->max_analyze_duration = kProbeMicrosecondsMax;
  format->max_streams = kSourceStreamsMax;
  if (const int error = avformat_open_input(&format, "", nullptr, nullptr); error < 0) {
    // avformat_open_input frees the context on failure.
    TRY(check_readable(state->io));
    // libav calls this lack of memory.
    if (LastWords::text().find("max_streams") != std::string::npos)
      return fail(FaultKind::kInput, "more streams than the " + std::to_string(kSourceStreamsMax) + " allowed");
    if (const std::string text = text_kind(fd); !text.empty())
      return fail(FaultKind::kInput, "this is " + text + ", not a media file; gopmill reads one file and follows none");
    if (LastWords::text().find("not on whitelist") != std::string::npos) {
      return fail(FaultKind::kInput, "a container that gopmill does not read (" + container_kind(fd) +
                                         "): bring it in another one, for example Matroska or MP4");
    }
    Fault fault = fault_of(FaultKind::kInput, "not a media file gopmill can read", error);
    // Lack of memory is what libav calls a header that asks for more streams or larger tables than there can be.
    if (error == AVERROR(ENOMEM))
      return fail(FaultKind::kInput, "its header lists more streams or packets than any video has (" + fault.text + ")");
    return std::unexpected(std::move(fault));
  }
  state->format.reset(format);
  if (format->nb_streams > static_cast<unsigned>(kSourceStreamsMax)) {
    return fail(FaultKind::kInput,
                std::to_string(format->nb_streams) + " streams, more than the " + std::to_string(kSourceStreamsMax) + " allowed");
  }
  for (unsigned i = 0; i < format->nb_streams; ++i) {
    if (is_encrypted(*format->streams[i]))
      return fail(FaultKind::kInput,
                  "stream " + std::to_string(i) + " is encrypted: gopmill holds no keys, bring a decrypted copy");
  }
  if (const int error = avformat_find_stream_info(format, nullptr); error < 0) {
    return std::unexpected(fault_of(FaultKind::kInput, "cannot make out the streams", error));
  }
  for (unsigned i = 0; i < format->nb_streams; ++i) state->streams.push_back(facts_of(*format->streams[i]));
  state->ordinals.assign(format->nb_streams, 0);
  state->wanted.assign(format->nb_streams, true);
  state->taken.assign(format->nb_streams, 0);
  LastWords::clear();
  return Demuxer(std::move(state));
}

std::string Demuxer::container() const { return state_->format->iformat->name; }
const std::vector<StreamFacts>& Demuxer::streams() const { return state_->streams; }
bool Demuxer::clock_may_jump() const { return container() == "mpegts" || container() == "mpeg"; }
std::uint64_t Demuxer::bytes() const { return state_->file.bytes; }

Claims Demuxer::claims() const { return claims_of(*state_->format); }

std::optional<Truncation> Demuxer::truncation() const {
  const State& s = *state_;
  // An MP4's index lists every sample. Fragmented files grow it as they are read, so there nothing is missing from it.
  if (std::strstr(s.format->iformat->name, "mov")) {
    for (unsigned i = 0; i < s.ordinals.size(); ++i) {
      AVStream* stream = s.format->streams[i];
      const int indexed = avformat_index_get_entries_count(stream);
      // A track of text has entries that libav never gives out: outside of an edit, or empty.
      if (s.streams[i].parameters.media == Media::kSubtitle || !s.wanted[i] || indexed <= 0 ||
          s.taken[i] >= static_cast<std::uint32_t>(indexed))
        continue;
      const AVIndexEntry* last = avformat_index_get_entry(stream, indexed - 1);
      return Truncation{"stream " + std::to_string(i) + " has " + std::to_string(s.taken[i]) + " of the " +
                            std::to_string(indexed) + " packets its index lists",
                        static_cast<std::uint32_t>(indexed) - s.taken[i], Timestamp{last->timestamp, from_av(stream->time_base)}};
    }
  }
  // A recording of a broadcast always ends somewhere: its last packet tells nothing.
  if (s.corrupt_tail && !clock_may_jump()) return Truncation{"the last packet is incomplete", 0, {}};
  // Matroska: libav says so when an element reaches past the end of the file.
  if (s.end_words.find("ended prematurely") != std::string::npos) return Truncation{s.end_words, 0, {}};
  return std::nullopt;
}

void Demuxer::keep_only(const std::vector<std::uint32_t>& streams) {
  for (unsigned i = 0; i < state_->format->nb_streams; ++i) {
    const bool keep = std::find(streams.begin(), streams.end(), i) != streams.end();
    if (i < state_->wanted.size()) state_->wanted[i] = keep;
    state_->format->streams[i]->discard = keep ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  }
}

namespace {

// Side data a decoder needs to give the same frames and samples; the rest stays behind.
bool travels(AVPacketSideDataType type) {
  return type == AV_PKT_DATA_NEW_EXTRADATA || type == AV_PKT_DATA_PARAM_CHANGE || type == AV_PKT_DATA_SKIP_SAMPLES ||
         type == AV_PKT_DATA_MATROSKA_BLOCKADDITIONAL || type == AV_PKT_DATA_PALETTE || type == AV_PKT_DATA_WEBVTT_SETTINGS;
}

JournalPacket to_journal(const AVPacket& packet, std::uint32_t ordinal) {
  JournalPacket out;
  out.ordinal = ordinal;
  out.pts = packet.pts == AV_NOPTS_VALUE ? INT64_MIN : packet.pts;
  out.dts = packet.dts == AV_NOPTS_VALUE ? INT64_MIN : packet.dts;
  out.duration = packet.duration;
  out.key = (packet.flags & AV_PKT_FLAG_KEY) != 0;
  out.discard = (packet.flags & AV_PKT_FLAG_DISCARD) != 0;
  for (int i = 0; i < packet.side_data_elems; ++i) {
    const AVPacketSideData& side = packet.side_data[i];
    if (travels(side.type))
      out.side_data.push_back(
          {static_cast<std::uint32_t>(side.type), std::string(reinterpret_cast<const char*>(side.data), side.size)});
  }
  out.bytes.assign(reinterpret_cast<const char*>(packet.data), static_cast<std::size_t>(packet.size));
  return out;
}

}  // namespace

Result<std::optional<Demuxer::Item>> Demuxer::next() {
  State& s = *state_;
  for (;;) {
    av_packet_unref(s.packet.get());
    const int error = av_read_frame(s.format.get(), s.packet.get());
    if (error == AVERROR(EAGAIN)) continue;
    if (error == AVERROR(ENOMEM)) return fail(FaultKind::kMachine, "out of memory while reading");
    if (error < 0) {
      TRY(check_readable(s.io));
      s.end_words = LastWords::text();
      return std::optional<Item>();
    }
    const auto index = static_cast<std::size_t>(s.packet->stream_index);
    // A transport stream may grow streams on the way; what was not there at the start is not carried.
    if (index >= s.ordinals.size() || !s.wanted[index]) continue;
    ++s.taken[index];
    if (s.packet->size <= 0) continue;
    s.corrupt_tail = (s.packet->flags & AV_PKT_FLAG_CORRUPT) != 0;
    if (static_cast<std::uint32_t>(s.packet->size) > kPacketBytesMax)
      return fail(FaultKind::kInput, "a packet above the size limit");
    std::size_t size = 0;
    if (av_packet_get_side_data(s.packet.get(), AV_PKT_DATA_ENCRYPTION_INFO, &size)) {
      return fail(FaultKind::kInput, "stream " + std::to_string(index) + " is encrypted");
    }
    Item item;
    item.stream = static_cast<std::uint32_t>(index);
    item.packet = to_journal(*s.packet, s.ordinals[index]++);
    item.corrupt = (s.packet->flags & AV_PKT_FLAG_CORRUPT) != 0;
    return std::optional(std::move(item));
  }
}

}  // namespace gopmill::av
