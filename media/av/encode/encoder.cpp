#include "media/av/encode/encoder.h"

#include "base/check.h"
#include "media/av/encode/encoder_clock.h"
#include "media/av/encode/encoder_open.h"
#include "media/av/handles.h"
#include "media/encoder/encoder_facts.h"

namespace gopmill::av {

struct VideoEncoder::State {
  LastWords words;
  EncoderContext context;
  Packet packet = make_packet();
  StreamParameters parameters;
  void (*strip_first_packet)(std::string& bytes) = nullptr;
  bool forces_keys = true;
  std::optional<EncoderClock> clock;
  std::uint32_t ordinal = 0;
};

VideoEncoder::VideoEncoder(std::unique_ptr<State> state) : state_(std::move(state)) {}
VideoEncoder::VideoEncoder(VideoEncoder&&) noexcept = default;
VideoEncoder& VideoEncoder::operator=(VideoEncoder&&) noexcept = default;
VideoEncoder::~VideoEncoder() = default;

Result<VideoEncoder> VideoEncoder::open(const EncoderSettings& settings, const EncoderStart& start) {
  auto state = std::make_unique<State>();
  Opened opened = open_encoder(settings, start);
  if (opened.error < 0) {
    return std::unexpected(
        fault_of(FaultKind::kConfig, std::string(facts_of(settings.encoder).name) + " refuses its settings", opened.error));
  }
  if (!opened.left.empty())
    return fail(FaultKind::kConfig, std::string(facts_of(settings.encoder).name) + " has no option '" + opened.left + "'");
  state->context = std::move(opened.context);
  if (start.continues) state->strip_first_packet = facts_of(settings.encoder).strip_first_packet;
  state->forces_keys = start.pass == Pass::kOnly;
  if (facts_of(settings.encoder).counts_frames) {
    state->clock.emplace();
  } else {
    state->clock.emplace(settings.base, settings.frame_rate);
  }
  const CodecParameters par(avcodec_parameters_alloc());
  GOPMILL_CHECK(par && avcodec_parameters_from_context(par.get(), state->context.get()) >= 0);
  state->parameters = parameters_of(*par, to_av(settings.base));
  return VideoEncoder(std::move(state));
}

const StreamParameters& VideoEncoder::parameters() const { return state_->parameters; }

namespace {

Result<> take_packets(AVCodecContext& context, AVPacket& packet, EncoderClock& clock, std::uint32_t& ordinal,
                      void (*strip_first_packet)(std::string& bytes), const VideoEncoder::OnPacket& on_packet) {
  for (;;) {
    const int error = avcodec_receive_packet(&context, &packet);
    if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return {};
    if (error < 0) return std::unexpected(fault_of(FaultKind::kMachine, "the encoder failed", error));
    JournalPacket out;
    out.ordinal = ordinal++;
    out.pts = clock.planned(packet.pts);
    out.dts = packet.dts;
    out.duration = packet.duration;
    out.key = (packet.flags & AV_PKT_FLAG_KEY) != 0;
    out.bytes.assign(reinterpret_cast<const char*>(packet.data), static_cast<std::size_t>(packet.size));
    av_packet_unref(&packet);
    if (strip_first_packet && out.ordinal == 0) strip_first_packet(out.bytes);
    TRY(on_packet(std::move(out)));
  }
}

}  // namespace

Result<> VideoEncoder::send(AVFrame& frame, std::int64_t pts, bool key, const OnPacket& on_packet) {
  State& s = *state_;
  frame.pts = s.clock->told(pts);
  frame.pict_type = key && s.forces_keys ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
  frame.sample_aspect_ratio = {1, 1};
  const int error = avcodec_send_frame(s.context.get(), &frame);
  if (error < 0) return std::unexpected(fault_of(FaultKind::kMachine, "the encoder refuses a frame", error));
  return take_packets(*s.context, *s.packet, *s.clock, s.ordinal, s.strip_first_packet, on_packet);
}

Result<> VideoEncoder::finish(const OnPacket& on_packet) {
  State& s = *state_;
  const int error = avcodec_send_frame(s.context.get(), nullptr);
  if (error < 0 && error != AVERROR_EOF)
    return std::unexpected(fault_of(FaultKind::kMachine, "the encoder cannot finish", error));
  return take_packets(*s.context, *s.packet, *s.clock, s.ordinal, s.strip_first_packet, on_packet);
}

}  // namespace gopmill::av
