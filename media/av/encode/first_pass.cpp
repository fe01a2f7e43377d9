#include "media/av/encode/first_pass.h"

#include <utility>

#include "media/av/encode/encoder_open.h"
#include "media/av/handles.h"
#include "media/encoder/encoder_facts.h"

namespace gopmill::av {

struct FirstPass::State {
  LastWords words;
  EncoderContext context;
  Packet packet = make_packet();
  std::int64_t seen = 0;
};

FirstPass::FirstPass(std::unique_ptr<State> state) : state_(std::move(state)) {}
FirstPass::FirstPass(FirstPass&&) noexcept = default;
FirstPass& FirstPass::operator=(FirstPass&&) noexcept = default;
FirstPass::~FirstPass() = default;

Result<FirstPass> FirstPass::open(const EncoderSettings& settings) {
  auto state = std::make_unique<State>();
  Opened opened = open_encoder(settings, {.pass = Pass::kFirst});
  if (opened.error < 0) {
    return std::unexpected(
        fault_of(FaultKind::kConfig, std::string(facts_of(settings.encoder).name) + " refuses its settings", opened.error));
  }
  state->context = std::move(opened.context);
  return FirstPass(std::move(state));
}

Result<> FirstPass::see(AVFrame& frame) {
  State& s = *state_;
  frame.pts = s.seen++;
  frame.pict_type = AV_PICTURE_TYPE_NONE;
  const int error = avcodec_send_frame(s.context.get(), &frame);
  if (error < 0) return std::unexpected(fault_of(FaultKind::kMachine, "the encoder's first pass refuses a frame", error));
  return {};
}

Result<std::string> FirstPass::finish() {
  State& s = *state_;
  int error = avcodec_send_frame(s.context.get(), nullptr);
  // libvpxenc writes the statistics when it is asked for what is left after the end.
  while (error >= 0) {
    error = avcodec_receive_packet(s.context.get(), s.packet.get());
    if (error >= 0) av_packet_unref(s.packet.get());
  }
  if (error != AVERROR_EOF) return std::unexpected(fault_of(FaultKind::kMachine, "the encoder's first pass failed", error));
  if (s.context->stats_out == nullptr || *s.context->stats_out == '\0')
    return fail(FaultKind::kMachine, "the encoder's first pass of " + std::to_string(s.seen) + " frames says nothing");
  return std::string(s.context->stats_out);
}

}  // namespace gopmill::av
