#include "media/av/decode/decoder.h"

#include <cstring>
#include <unordered_set>

#include "base/check.h"
#include "media/av/allow_list.h"
#include "media/av/handles.h"
#include "media/package/bitstream.h"
#include "media/task/timeline.h"

namespace gopmill::av {

struct Decoder::State {
  CodecContext context;
  Packet packet = make_packet();
  Frame frame = make_frame();
  bool video = false;
  std::string codec;
  std::optional<std::uint32_t> shape;  // of the sequence being decoded (sequence_shape)
  std::uint64_t refused = 0;
  std::string last_refusal;
  std::string complaint;
  bool one_thread = true;
  std::int64_t sending = 0;                 // ordinal of the newest packet
  std::uint64_t missing_references = 0;     // heard of so far
  std::unordered_set<std::int64_t> broken;  // ordinals of packets whose frames are not whole
  LastWords words;
};

Decoder::Decoder(std::unique_ptr<State> state) : state_(std::move(state)) {}
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder::~Decoder() = default;

Result<Decoder> Decoder::open(const StreamParameters& parameters, const Options& options) {
  auto state = std::make_unique<State>();
  const CodecParameters par = TRY(to_codec_parameters(parameters));
  const AVCodec* codec = avcodec_find_decoder(par->codec_id);
  if (!codec || !decoder_allowed(codec->name)) {
    return fail(FaultKind::kInput, "codec '" + parameters.codec + "' is not one gopmill opens");
  }
  state->context.reset(avcodec_alloc_context3(codec));
  GOPMILL_CHECK(state->context);
  AVCodecContext& context = *state->context;
  if (const int error = avcodec_parameters_to_context(&context, par.get()); error < 0) {
    return std::unexpected(fault_of(FaultKind::kInput, "cannot use the stream's parameters", error));
  }
  state->video = parameters.media == Media::kVideo;
  state->codec = parameters.codec;
  // Audio trimming (priming, edit lists) is computed by libavcodec in this base.
  context.pkt_timebase = to_av(parameters.base);
  context.thread_count = options.threads;
  state->one_thread = options.threads == 1;
  state->missing_references = LastWords::missing_references();
  context.thread_type = FF_THREAD_FRAME | FF_THREAD_SLICE;
  context.flags |= AV_CODEC_FLAG_BITEXACT;  // so that every machine decodes alike
  // Without it libavcodec 5.1 shows columns that the stream crops from the left, where less than 32 of them begin a frame: it
  // rounds so that lines stay aligned, which none of what follows asks for.
  context.flags |= AV_CODEC_FLAG_UNALIGNED;
  context.max_pixels = kSourcePixelsMax;
  if (const int error = avcodec_open2(&context, codec, nullptr); error < 0) {
    return std::unexpected(fault_of(FaultKind::kInput, "cannot open the decoder for " + parameters.codec, error));
  }
  return Decoder(std::move(state));
}

namespace {

Result<> fill_packet(AVPacket& to, const JournalPacket& from, bool video) {
  av_packet_unref(&to);
  if (av_new_packet(&to, static_cast<int>(from.bytes.size())) < 0) return fail(FaultKind::kMachine, "out of memory for a packet");
  std::memcpy(to.data, from.bytes.data(), from.bytes.size());
  to.pts = video ? from.ordinal : from.pts;
  to.dts = video ? AV_NOPTS_VALUE : from.dts;
  to.duration = video ? 0 : from.duration;
  if (from.key) to.flags |= AV_PKT_FLAG_KEY;
  // A discarded video packet is decoded like any other: who is shown is the plan's decision, not the decoder's.
  if (from.discard && !video) to.flags |= AV_PKT_FLAG_DISCARD;
  for (const SideData& side : from.side_data) {
    std::uint8_t* data = av_packet_new_side_data(&to, static_cast<AVPacketSideDataType>(side.type), side.bytes.size());
    if (!data) return fail(FaultKind::kMachine, "out of memory for side data");
    std::memcpy(data, side.bytes.data(), side.bytes.size());
  }
  return {};
}

std::string refusal_text(int error) {
  // Some decoders return a plain -1, which would read as a lack of permission.
  const int reason = error == AVERROR(EPERM) ? AVERROR_INVALIDDATA : error;
  return error_text(reason) + (LastWords::text().empty() ? "" : " (" + LastWords::text() + ")");
}

}  // namespace

// Takes every frame that is ready. True when the decoder is at its end.
Result<bool> Decoder::drain(const OnFrame& on_frame) {
  State& s = *state_;
  for (;;) {
    const int error = avcodec_receive_frame(s.context.get(), s.frame.get());
    listen();
    if (error == AVERROR(EAGAIN)) return false;
    if (error == AVERROR_EOF) return true;
    if (error == AVERROR(ENOMEM)) return fail(FaultKind::kMachine, "out of memory while decoding");
    if (error < 0) {
      // A broken frame inside the decoder's queue: its absence is noticed by whoever was promised it.
      refuse(error);
      continue;
    }
    if (s.broken.erase(s.frame->pts) > 0) s.frame->decode_error_flags |= FF_DECODE_ERROR_INVALID_BITSTREAM;
    const auto outcome = on_frame(*s.frame);
    av_frame_unref(s.frame.get());
    if (!outcome) return std::unexpected(outcome.error());
  }
}

// What libav said since the last time, and whether it was about the packet being decoded.
void Decoder::listen() {
  State& s = *state_;
  if (std::string text = LastWords::text(); !text.empty()) s.complaint = std::move(text);
  const std::uint64_t missing = LastWords::missing_references();
  if (missing != s.missing_references && s.one_thread && s.video) s.broken.insert(s.sending);
  s.missing_references = missing;
}

void Decoder::refuse(int error) {
  State& s = *state_;
  ++s.refused;
  s.last_refusal = refusal_text(error);
  if (s.one_thread && s.video) s.broken.insert(s.sending);
}

Result<> Decoder::send(const JournalPacket& packet, const OnFrame& on_frame) {
  State& s = *state_;
  if (const auto shape = sequence_shape(s.codec, packet.bytes)) {
    if (s.shape && s.shape != shape) {
      TRY(finish(on_frame));
      avcodec_flush_buffers(s.context.get());
    }
    s.shape = shape;
  }
  TRY(fill_packet(*s.packet, packet, s.video));
  LastWords::clear();
  for (;;) {
    const int error = avcodec_send_packet(s.context.get(), s.packet.get());
    if (error == AVERROR(EAGAIN)) {
      TRY(drain(on_frame));
      continue;
    }
    av_packet_unref(s.packet.get());
    if (error == AVERROR(ENOMEM)) return fail(FaultKind::kMachine, "out of memory while decoding");
    s.sending = packet.ordinal;
    listen();
    if (error < 0) refuse(error);
    break;
  }
  TRY(drain(on_frame));
  return {};
}

Result<> Decoder::finish(const OnFrame& on_frame) {
  State& s = *state_;
  LastWords::clear();
  const int error = avcodec_send_packet(s.context.get(), nullptr);
  if (error == AVERROR(ENOMEM)) return fail(FaultKind::kMachine, "out of memory while decoding");
  // With threads, this is where the decoder first says what it thinks of the last packets.
  if (error < 0 && error != AVERROR_EOF) refuse(error);
  while (!TRY(drain(on_frame))) {}
  return {};
}

std::uint64_t Decoder::refused() const { return state_->refused; }
std::string Decoder::last_refusal() const { return state_->last_refusal; }
std::string Decoder::complaint() const { return state_->complaint; }

}  // namespace gopmill::av
