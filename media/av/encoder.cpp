#include "media/av/encoder.h"

#include "base/check.h"
#include "media/av/encoder_open.h"
#include "media/av/handles.h"

namespace gopmill::av {

namespace {

// x264 with mbtree codes the first picture of a cold encode 2.9 QP coarser than a key frame inside the film; an offset
// of -3.8 of 51 over that picture brings it level (measured on two clips and two presets, docs/architecture.md).
constexpr int kSoftenNumerator = -38;
constexpr int kSoftenDenominator = 510;

// Does the encoder spread quality by mbtree, whose cold start is what the correction mends? Not below veryfast, and not
// without rate control by quality.
bool needs_softening(const EncoderSettings& s) {
  if (s.codec != VideoCodec::kH264 || !s.rate.quality || s.preset == "ultrafast" || s.preset == "superfast") return false;
  const auto own = s.options.find("x264-params");
  return own == s.options.end() || own->second.find("mbtree=0") == std::string::npos;
}

}  // namespace

bool restarts_at_keys(VideoCodec codec) { return codec == VideoCodec::kAv1; }

struct VideoEncoder::State {
  LastWords words;
  EncoderContext context;
  Packet packet = make_packet();
  StreamParameters parameters;
  bool can_soften = false;
  std::uint32_t ordinal = 0;
};

VideoEncoder::VideoEncoder(std::unique_ptr<State> state) : state_(std::move(state)) {}
VideoEncoder::VideoEncoder(VideoEncoder&&) noexcept = default;
VideoEncoder& VideoEncoder::operator=(VideoEncoder&&) noexcept = default;
VideoEncoder::~VideoEncoder() = default;

Result<VideoEncoder> VideoEncoder::open(const EncoderSettings& settings) {
  auto state = std::make_unique<State>();
  Opened opened = open_encoder(settings);
  if (opened.error < 0) {
    return std::unexpected(
        fault_of(FaultKind::kConfig, std::string(encoder_name(settings.codec)) + " refuses its settings", opened.error));
  }
  if (!opened.left.empty())
    return fail(FaultKind::kConfig, std::string(encoder_name(settings.codec)) + " has no option '" + opened.left + "'");
  state->context = std::move(opened.context);
  state->can_soften = needs_softening(settings);
  const CodecParameters par(avcodec_parameters_alloc());
  GOPMILL_CHECK(par && avcodec_parameters_from_context(par.get(), state->context.get()) >= 0);
  state->parameters = parameters_of(*par, state->context->time_base);
  return VideoEncoder(std::move(state));
}

const StreamParameters& VideoEncoder::parameters() const { return state_->parameters; }

namespace {

Result<> take_packets(AVCodecContext& context, AVPacket& packet, std::uint32_t& ordinal,
                      const VideoEncoder::OnPacket& on_packet) {
  for (;;) {
    const int error = avcodec_receive_packet(&context, &packet);
    if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return {};
    if (error < 0) return std::unexpected(fault_of(FaultKind::kMachine, "the encoder failed", error));
    JournalPacket out;
    out.ordinal = ordinal++;
    out.pts = packet.pts;
    out.dts = packet.dts;
    out.duration = packet.duration;
    out.key = (packet.flags & AV_PKT_FLAG_KEY) != 0;
    out.bytes.assign(reinterpret_cast<const char*>(packet.data), static_cast<std::size_t>(packet.size));
    av_packet_unref(&packet);
    TRY(on_packet(std::move(out)));
  }
}

void attach_softening(AVFrame& picture) {
  AVFrameSideData* side = av_frame_new_side_data(&picture, AV_FRAME_DATA_REGIONS_OF_INTEREST, sizeof(AVRegionOfInterest));
  GOPMILL_CHECK(side);
  auto* region = reinterpret_cast<AVRegionOfInterest*>(side->data);
  *region = {sizeof(AVRegionOfInterest), 0, picture.height, 0, picture.width, {kSoftenNumerator, kSoftenDenominator}};
}

}  // namespace

Result<> VideoEncoder::send(AVFrame& picture, std::int64_t pts, bool key, bool soften, const OnPacket& on_packet) {
  State& s = *state_;
  picture.pts = pts;
  picture.pict_type = key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
  picture.sample_aspect_ratio = {1, 1};
  const bool softened = soften && s.can_soften;
  if (softened) attach_softening(picture);
  const int error = avcodec_send_frame(s.context.get(), &picture);
  if (softened) av_frame_remove_side_data(&picture, AV_FRAME_DATA_REGIONS_OF_INTEREST);
  if (error < 0) return std::unexpected(fault_of(FaultKind::kMachine, "the encoder refuses a picture", error));
  return take_packets(*s.context, *s.packet, s.ordinal, on_packet);
}

Result<> VideoEncoder::finish(const OnPacket& on_packet) {
  State& s = *state_;
  const int error = avcodec_send_frame(s.context.get(), nullptr);
  if (error < 0 && error != AVERROR_EOF)
    return std::unexpected(fault_of(FaultKind::kMachine, "the encoder cannot finish", error));
  return take_packets(*s.context, *s.packet, s.ordinal, on_packet);
}

}  // namespace gopmill::av
