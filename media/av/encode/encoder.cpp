#include "media/av/encode/encoder.h"

#include <array>
#include <string_view>

#include "base/check.h"
#include "media/av/encode/encoder_clock.h"
#include "media/av/encode/encoder_open.h"
#include "media/av/handles.h"

namespace gopmill::av {

namespace {

// x264's note of its version and settings, an SEI message of its own (x264 encoder/set.c, x264_sei_version_write): NAL header, payload
// type "user data, unregistered", and after the payload's size the first bytes of x264's identifier.
constexpr std::uint8_t kSeiNal = 6;
constexpr std::uint8_t kUserDataPayload = 5;
constexpr std::array<std::uint8_t, 4> kX264Identifier{0xdc, 0x45, 0xe9, 0xbd};

bool starts_nal(std::string_view bytes, std::size_t at) {
  return at + 3 <= bytes.size() && bytes[at] == 0 && bytes[at + 1] == 0 && bytes[at + 2] == 1;
}

bool is_x264_note(std::string_view nal) {
  const auto byte = [nal](std::size_t at) { return at < nal.size() ? static_cast<std::uint8_t>(nal[at]) : 0; };
  if ((byte(0) & 31U) != kSeiNal || byte(1) != kUserDataPayload) return false;
  std::size_t at = 2;
  while (byte(at) == 255) ++at;  // the size: as many 255s as fit, and the rest
  ++at;
  for (std::size_t i = 0; i < kX264Identifier.size(); ++i) {
    if (byte(at + i) != kX264Identifier[i]) return false;
  }
  return true;
}

// The first packet of an encoder that continues a video, without x264's note: one encode of the whole video has it once, and 700 bytes
// at each join are 0.7 % of a small rendition.
void drop_note(std::string& bytes) {
  std::size_t at = 0;
  while (at < bytes.size() && !starts_nal(bytes, at)) ++at;
  if (at == bytes.size() || !is_x264_note(std::string_view(bytes).substr(at + 3))) return;
  std::size_t next = at + 3;
  while (next < bytes.size() && !starts_nal(bytes, next)) ++next;
  if (next == bytes.size()) return;
  bytes.erase(0, bytes[next - 1] == 0 ? next - 1 : next);  // a frame's first NAL has the long start code
}

}  // namespace

bool keys_at_intervals(VideoCodec codec) { return codec == VideoCodec::kAv1; }

struct VideoEncoder::State {
  LastWords words;
  EncoderContext context;
  Packet packet = make_packet();
  StreamParameters parameters;
  bool drops_note = false;  // of the first packet
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
        fault_of(FaultKind::kConfig, std::string(encoder_name(settings.codec)) + " refuses its settings", opened.error));
  }
  if (!opened.left.empty())
    return fail(FaultKind::kConfig, std::string(encoder_name(settings.codec)) + " has no option '" + opened.left + "'");
  state->context = std::move(opened.context);
  state->drops_note = settings.codec == VideoCodec::kH264 && start.continues;
  state->forces_keys = start.pass == Pass::kOnly;
  if (counts_frames(settings.codec)) {
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

Result<> take_packets(AVCodecContext& context, AVPacket& packet, EncoderClock& clock, std::uint32_t& ordinal, bool drops_note,
                      const VideoEncoder::OnPacket& on_packet) {
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
    if (drops_note && out.ordinal == 0) drop_note(out.bytes);
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
  return take_packets(*s.context, *s.packet, *s.clock, s.ordinal, s.drops_note, on_packet);
}

Result<> VideoEncoder::finish(const OnPacket& on_packet) {
  State& s = *state_;
  const int error = avcodec_send_frame(s.context.get(), nullptr);
  if (error < 0 && error != AVERROR_EOF)
    return std::unexpected(fault_of(FaultKind::kMachine, "the encoder cannot finish", error));
  return take_packets(*s.context, *s.packet, *s.clock, s.ordinal, s.drops_note, on_packet);
}

}  // namespace gopmill::av
