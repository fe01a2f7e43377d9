#include "media/av/encode/encoder_open.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <mutex>
#include <string_view>

#include "base/check.h"
#include "media/encoder/cold_start.h"

namespace gopmill::av {

namespace {

// No encoder may place a key frame on its own: the grid is the plan's.
constexpr int kNeverKey = 1'000'000;
// How full the decoder's buffer is taken to be when a segment starts, as a fraction: half, because the segments before it are unknown.
constexpr const char* kBufferStart = "0.5";
// x265 3.5 looks at no frame past a key that another follows at once, and has the buffer half full after it at any price. Before the next
// key such a frame is shown for long, so what came before was as well, and the buffer is nearly full.
constexpr const char* kBufferStartAlone = "0.9";

AVPixelFormat pixel_format(PixelFormat format) {
  return format == PixelFormat::kYuv420p10 ? AV_PIX_FMT_YUV420P10LE : AV_PIX_FMT_YUV420P;
}

class Options {
 public:
  Options() = default;
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;
  ~Options() { av_dict_free(&dictionary_); }
  void set(const std::string& key, const std::string& value) { av_dict_set(&dictionary_, key.c_str(), value.c_str(), 0); }
  AVDictionary** address() { return &dictionary_; }
  [[nodiscard]] std::string first_left() const {
    const AVDictionaryEntry* entry = av_dict_get(dictionary_, "", nullptr, AV_DICT_IGNORE_SUFFIX);
    return entry ? entry->key : "";
  }

 private:
  AVDictionary* dictionary_ = nullptr;
};

std::string number(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

// No encoder is told that frames last a second or longer on average. EncoderClock makes none last longer, libvpx wants no longer tick, x264
// and x265 enlarge a buffer that does not hold what arrives in that time, and x265 3.5 looks ahead by less than a second: past no
// frame then (see kBufferStartAlone).
Rational told_rate(Rational frame_rate) { return std::max(frame_rate, Rational{1001, 1000}); }

std::string fraction(Rational rate) { return std::to_string(rate.num) + "/" + std::to_string(rate.den); }

// "G(…)B(…)R(…)WP(…)L(…)", the form all encoders take; x264 and x265 in the integer units of ST 2086, SVT-AV1 in plain numbers.
std::string mastering_text(const MasteringDisplay& display, bool plain) {
  const auto chromaticity = [&](std::uint16_t value) { return plain ? number(value / 50'000.0) : std::to_string(value); };
  const auto luminance = [&](std::uint32_t value) { return plain ? number(value / 10'000.0) : std::to_string(value); };
  const auto point = [&](const Chromaticity& p) { return "(" + chromaticity(p.x) + "," + chromaticity(p.y) + ")"; };
  return "G" + point(display.green) + "B" + point(display.blue) + "R" + point(display.red) + "WP" + point(display.white) + "L(" +
         luminance(display.luminance_max) + "," + luminance(display.luminance_min) + ")";
}

// What an encoder writes beside HDR frames, ":key=value" each; libavcodec 5.1's wrappers do not pass it on. libvpx has no such
// thing: there the MP4's boxes say it alone.
std::string hdr_parameters(const EncoderSettings& s, const std::string& mastering_key, const std::string& light_key, bool plain) {
  std::string text;
  if (s.mastering) text += ":" + mastering_key + "=" + mastering_text(*s.mastering, plain);
  if (s.light) text += ":" + light_key + "=" + std::to_string(s.light->max) + "," + std::to_string(s.light->average_max);
  return text;
}

// The profile's own colon-separated encoder parameters come last, so that they win where that is allowed.
std::string with_own(std::string ours, const EncoderSettings& settings, const std::string& key) {
  const auto own = settings.options.find(key);
  return own == settings.options.end() || own->second.empty() ? ours : ours + ":" + own->second;
}

// Rate control of x264 and x265 gives the first frame of a cold encode fewer bits than a key frame inside a video gets; a zone of that one
// frame makes up for it. It scales the quantiser before mbtree and adaptive quantisation see the frame, so what they do is as inside
// the video, and the averages that later key frames are coded by begin right. (An offset per region, FFmpeg's own way, comes after them: it
// left 0.1 to 0.5 dB, and harmed where mbtree was off.)
std::string zone(const char* frames, const EncoderSettings& s, const EncoderStart& start) {
  const auto factor = start.continues && s.rate.quality ? first_frame_factor(s) : std::nullopt;
  return factor ? std::string(":zones=") + frames + ",b=" + number(std::round(*factor * 1000) / 1000) : "";
}

void set_x264(const EncoderSettings& s, const EncoderStart& start, Options& options) {
  options.set("preset", s.preset);
  if (s.codec_profile != "auto") options.set("profile", s.codec_profile);
  if (s.level != "auto") options.set("level", s.level);
  options.set("forced-idr", "1");
  std::string parameters =
      "stitchable=1:cpu-independent=1:threads=1:lookahead-threads=1:keyint=infinite:min-keyint=" + std::to_string(kNeverKey) +
      ":scenecut=0:open-gop=0:nal-hrd=none:fps=" + fraction(told_rate(s.frame_rate));
  if (s.rate.maxrate) parameters += std::string(":vbv-init=") + kBufferStart;
  parameters += zone("0,0", s, start);
  parameters += hdr_parameters(s, "mastering-display", "cll", false);
  options.set("x264-params", with_own(parameters, s, "x264-params"));
}

void set_x265(const EncoderSettings& s, const EncoderStart& start, Options& options) {
  options.set("preset", s.preset);
  if (s.codec_profile != "auto") options.set("profile", s.codec_profile);
  options.set("forced-idr", "1");
  std::string parameters =
      "log-level=error:info=0:keyint=-1:min-keyint=1:scenecut=0:open-gop=0:pools=none:frame-threads=1:hrd=0:"
      "repeat-headers=0:aud=0:fps=" +
      fraction(told_rate(s.frame_rate));
  if (s.level != "auto") parameters += ":level-idc=" + s.level;
  if (s.rate.maxrate) parameters += std::string(":vbv-init=") + (start.alone ? kBufferStartAlone : kBufferStart);
  parameters += zone("0,1", s, start);  // x265 counts the frames done before this one (RateControl::getZone)
  parameters += hdr_parameters(s, "master-display", "max-cll", false);
  options.set("x265-params", with_own(parameters, s, "x265-params"));
}

// SVT-AV1 1.4 prints its settings and each mini-GOP's on stderr unless this says otherwise before it opens; 1 is errors alone.
void quieten_svtav1() {
  static std::once_flag once;
  std::call_once(once, [] { ::setenv("SVT_LOG", "1", 0); });
}

void set_svtav1(const EncoderSettings& s, Options& options) {
  quieten_svtav1();
  options.set("preset", s.preset);
  options.set("svtav1-params",
              with_own("lp=1" + hdr_parameters(s, "mastering-display", "content-light", true), s, "svtav1-params"));
}

void set_vp9(const EncoderSettings& s, Options& options) {
  options.set("deadline", "good");
  options.set("cpu-used", s.preset);
  options.set("row-mt", "0");
  options.set("lag-in-frames", "25");
}

void set_options(const EncoderSettings& s, const EncoderStart& start, Options& options) {
  switch (s.codec) {
    case VideoCodec::kH264: set_x264(s, start, options); break;
    case VideoCodec::kHevc: set_x265(s, start, options); break;
    case VideoCodec::kAv1: set_svtav1(s, options); break;
    case VideoCodec::kVp9: set_vp9(s, options); break;
  }
  if (s.rate.quality) options.set("crf", number(*s.rate.quality));
  for (const auto& [key, value] : s.options) {
    if (key != "x264-params" && key != "x265-params" && key != "svtav1-params") options.set(key, value);
  }
}

void set_context(const EncoderSettings& s, const EncoderStart& start, AVCodecContext& context) {
  context.width = s.width;
  context.height = s.height;
  context.pix_fmt = pixel_format(s.pixel_format);
  context.sample_aspect_ratio = {1, 1};
  const Rational rate = told_rate(s.frame_rate);
  // Where frames are counted, a tick for each.
  context.time_base = to_av(counts_frames(s.codec) ? Rational{rate.den, rate.num} : s.base);
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
  // libvpx keeps no buffer by constant quality, and libavcodec refuses one then: media/encoder/rate_search.h keeps it alone.
  if (s.codec == VideoCodec::kVp9) return;
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

bool counts_frames(VideoCodec codec) { return codec == VideoCodec::kVp9; }

const char* encoder_name(VideoCodec codec) {
  switch (codec) {
    case VideoCodec::kH264: return "libx264";
    case VideoCodec::kHevc: return "libx265";
    case VideoCodec::kAv1: return "libsvtav1";
    case VideoCodec::kVp9: return "libvpx-vp9";
  }
  return "";
}

void CloseEncoder::operator()(AVCodecContext* context) const {
  if (context && avcodec_is_open(context) && std::string_view(context->codec->name) == "libsvtav1") {
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
  Opened opened;
  const AVCodec* codec = avcodec_find_encoder_by_name(encoder_name(settings.codec));
  if (!codec) {
    opened.error = AVERROR_ENCODER_NOT_FOUND;
    return opened;
  }
  opened.context.reset(avcodec_alloc_context3(codec));
  GOPMILL_CHECK(opened.context);
  set_context(settings, start, *opened.context);
  set_pass(start, *opened.context);
  std::string statistics = start.statistics;  // libvpxenc takes its own copy
  if (start.pass == Pass::kSecond) opened.context->stats_in = statistics.data();
  Options options;
  set_options(settings, start, options);
  LastWords::clear();
  opened.error = avcodec_open2(opened.context.get(), codec, options.address());
  opened.context->stats_in = nullptr;
  opened.left = options.first_left();
  opened.words = LastWords::text();
  return opened;
}

}  // namespace gopmill::av
