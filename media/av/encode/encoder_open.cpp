#include "media/av/encode/encoder_open.h"

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <string_view>

#include "base/check.h"
#include "media/encoder/encoder_facts.h"
#include "media/encoder/encoder_options.h"

namespace gopmill::av {

namespace {

AVPixelFormat pixel_format(PixelFormat format) {
  return format == PixelFormat::kYuv420p10 ? AV_PIX_FMT_YUV420P10LE : AV_PIX_FMT_YUV420P;
}

// SVT-AV1 1.4 prints its settings and each mini-GOP's on stderr unless this says otherwise before it opens; 1 is errors alone.
void quieten_encoders() {
  static std::once_flag once;
  std::call_once(once, [] {
    for (const EncoderFacts* facts : all_encoders()) {
      if (*facts->quiet_variable != '\0') ::setenv(facts->quiet_variable, "1", 0);
    }
  });
}

bool is_own_list(std::string_view option) {
  return std::ranges::any_of(all_encoders(), [&](const EncoderFacts* facts) { return facts->own_list == option; });
}

void set_options(const EncoderSettings& s, const EncoderStart& start, Options& options) {
  for (const auto& [key, value] : facts_of(s.encoder).options(s, start)) options.set(key, value);
  if (s.rate.quality) options.set("crf", number_text(*s.rate.quality));
  for (const auto& [key, value] : s.options) {
    if (!is_own_list(key)) options.set(key, value);
  }
}

void set_context(const EncoderSettings& s, const EncoderStart& start, AVCodecContext& context) {
  context.width = s.width;
  context.height = s.height;
  context.pix_fmt = pixel_format(s.pixel_format);
  context.sample_aspect_ratio = {1, 1};
  const Rational rate = told_rate(s.frame_rate);
  // Where frames are counted, a tick for each.
  context.time_base = to_av(facts_of(s.encoder).counts_frames ? Rational{rate.den, rate.num} : s.base);
  context.framerate = to_av(rate);
  context.gop_size = start.key_interval > 1 ? static_cast<int>(start.key_interval) : kNeverKey;
  context.thread_count = 1;
  context.flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_CLOSED_GOP | AV_CODEC_FLAG_BITEXACT;
  context.color_range = AVCOL_RANGE_MPEG;
  context.color_primaries = static_cast<AVColorPrimaries>(s.colour.primaries);
  context.color_trc = static_cast<AVColorTransferCharacteristic>(s.colour.transfer);
  context.colorspace = static_cast<AVColorSpace>(s.colour.matrix);
  context.chroma_sample_location = static_cast<AVChromaLocation>(s.colour.chroma_location);
  context.bit_rate = s.rate.bitrate.value_or(0);
  if (!facts_of(s.encoder).keeps_buffer) return;
  context.rc_max_rate = s.rate.maxrate.value_or(0);
  context.rc_buffer_size = static_cast<int>(s.rate.bufsize.value_or(0));
}

// Of the encoders that are opened in two passes. libvpx looks for changes of scene when it has statistics, and puts keys there unless
// keys may be neither nearer nor farther apart than one distance.
void set_pass(const EncoderStart& start, AVCodecContext& context) {
  if (start.pass == Pass::kOnly) return;
  context.keyint_min = context.gop_size;
  context.flags |= start.pass == Pass::kFirst ? AV_CODEC_FLAG_PASS1 : AV_CODEC_FLAG_PASS2;
}

}  // namespace

void CloseEncoder::operator()(AVCodecContext* context) const {
  if (context && avcodec_is_open(context) && end_first) {
    // The end counts only after a frame; one that nobody will see does.
    const Frame frame = make_frame();
    frame->width = context->width;
    frame->height = context->height;
    frame->format = context->pix_fmt;
    if (av_frame_get_buffer(frame.get(), 0) >= 0) (void)avcodec_send_frame(context, frame.get());
    const Packet packet = make_packet();
    if (avcodec_send_frame(context, nullptr) >= 0) {
      while (avcodec_receive_packet(context, packet.get()) >= 0) av_packet_unref(packet.get());
    }
  }
  avcodec_free_context(&context);
}

Opened open_encoder(const EncoderSettings& settings, const EncoderStart& start) {
  const EncoderFacts& facts = facts_of(settings.encoder);
  Opened opened;
  const AVCodec* codec = avcodec_find_encoder_by_name(facts.name.data());
  if (!codec) {
    opened.error = AVERROR_ENCODER_NOT_FOUND;
    return opened;
  }
  opened.context = EncoderContext(avcodec_alloc_context3(codec), CloseEncoder{facts.end_before_close});
  GOPMILL_CHECK(opened.context);
  set_context(settings, start, *opened.context);
  set_pass(start, *opened.context);
  std::string statistics = start.statistics;  // libvpxenc takes its own copy
  if (start.pass == Pass::kSecond) opened.context->stats_in = statistics.data();
  Options options;
  set_options(settings, start, options);
  quieten_encoders();
  LastWords::clear();
  opened.error = avcodec_open2(opened.context.get(), codec, options.address());
  opened.context->stats_in = nullptr;
  opened.left = options.first();
  opened.words = LastWords::text();
  return opened;
}

}  // namespace gopmill::av
