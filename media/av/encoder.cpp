#include "media/av/encoder.h"

extern "C" {
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "media/av/handles.h"

namespace gopmill::av {

namespace {

// No encoder may place a key frame on its own: the grid is the plan's.
constexpr int kNeverKey = 1'000'000;
// x264 with mbtree codes the first picture of a cold encode 2.9 QP coarser than a key frame inside the film; an offset
// of -3.8 of 51 over that picture brings it level (measured on two clips and two presets, docs/architecture.md).
constexpr int kSoftenNumerator = -38;
constexpr int kSoftenDenominator = 510;
// How full the decoder's buffer is taken to be when a segment starts, as a fraction: half, because the segments before it are unknown.
constexpr const char* kBufferStart = "0.5";

const char* encoder_name(VideoCodec codec) {
  switch (codec) {
    case VideoCodec::kH264: return "libx264";
    case VideoCodec::kHevc: return "libx265";
    case VideoCodec::kAv1: return "libsvtav1";
    case VideoCodec::kVp9: return "libvpx-vp9";
  }
  return "";
}

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

std::string fraction(Rational rate) { return std::to_string(rate.num) + "/" + std::to_string(rate.den); }

// The profile's own colon-separated encoder parameters come last, so that they win where that is allowed.
std::string with_own(std::string ours, const EncoderSettings& settings, const std::string& key) {
  const auto own = settings.options.find(key);
  return own == settings.options.end() || own->second.empty() ? ours : ours + ":" + own->second;
}

void set_x264(const EncoderSettings& s, Options& options) {
  options.set("preset", s.preset);
  if (s.codec_profile != "auto") options.set("profile", s.codec_profile);
  if (s.level != "auto") options.set("level", s.level);
  options.set("forced-idr", "1");
  std::string parameters =
      "stitchable=1:cpu-independent=1:threads=1:lookahead-threads=1:keyint=infinite:min-keyint=" + std::to_string(kNeverKey) +
      ":scenecut=0:open-gop=0:nal-hrd=none:fps=" + fraction(s.frame_rate);
  if (s.rate.maxrate) parameters += std::string(":vbv-init=") + kBufferStart;
  options.set("x264-params", with_own(parameters, s, "x264-params"));
}

void set_x265(const EncoderSettings& s, Options& options) {
  options.set("preset", s.preset);
  if (s.codec_profile != "auto") options.set("profile", s.codec_profile);
  options.set("forced-idr", "1");
  std::string parameters =
      "log-level=warning:info=0:keyint=-1:min-keyint=1:scenecut=0:open-gop=0:pools=none:frame-threads=1:hrd=0:"
      "repeat-headers=0:aud=0:fps=" +
      fraction(s.frame_rate);
  if (s.level != "auto") parameters += ":level-idc=" + s.level;
  if (s.rate.maxrate) parameters += std::string(":vbv-init=") + kBufferStart;
  options.set("x265-params", with_own(parameters, s, "x265-params"));
}

void set_svtav1(const EncoderSettings& s, Options& options) {
  options.set("preset", s.preset);
  options.set("svtav1-params", with_own("lp=1:keyint=-1", s, "svtav1-params"));
}

void set_vp9(const EncoderSettings& s, Options& options) {
  options.set("deadline", "good");
  options.set("cpu-used", s.preset);
  options.set("row-mt", "0");
  options.set("lag-in-frames", "25");
}

void set_options(const EncoderSettings& s, Options& options) {
  switch (s.codec) {
    case VideoCodec::kH264: set_x264(s, options); break;
    case VideoCodec::kHevc: set_x265(s, options); break;
    case VideoCodec::kAv1: set_svtav1(s, options); break;
    case VideoCodec::kVp9: set_vp9(s, options); break;
  }
  if (s.rate.quality) options.set("crf", number(*s.rate.quality));
  for (const auto& [key, value] : s.options) {
    if (key != "x264-params" && key != "x265-params" && key != "svtav1-params") options.set(key, value);
  }
}

void set_context(const EncoderSettings& s, AVCodecContext& context) {
  context.width = s.width;
  context.height = s.height;
  context.pix_fmt = pixel_format(s.pixel_format);
  context.sample_aspect_ratio = {1, 1};
  context.time_base = to_av(s.base);
  context.framerate = to_av(s.frame_rate);
  context.gop_size = kNeverKey;
  context.thread_count = 1;
  context.flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_CLOSED_GOP | AV_CODEC_FLAG_BITEXACT;
  context.color_range = AVCOL_RANGE_MPEG;
  context.color_primaries = static_cast<AVColorPrimaries>(s.colour.primaries);
  context.color_trc = static_cast<AVColorTransferCharacteristic>(s.colour.transfer);
  context.colorspace = static_cast<AVColorSpace>(s.colour.matrix);
  context.chroma_sample_location = static_cast<AVChromaLocation>(s.colour.chroma_location);
  context.bit_rate = s.rate.bitrate.value_or(0);
  context.rc_max_rate = s.rate.maxrate.value_or(0);
  context.rc_buffer_size = static_cast<int>(s.rate.bufsize.value_or(0));
}

struct Opened {
  CodecContext context;
  std::string left;  // an option nobody took
  int error = 0;
  std::string words;
};

Opened open_encoder(const EncoderSettings& settings) {
  Opened opened;
  const AVCodec* codec = avcodec_find_encoder_by_name(encoder_name(settings.codec));
  if (!codec) {
    opened.error = AVERROR_ENCODER_NOT_FOUND;
    return opened;
  }
  opened.context.reset(avcodec_alloc_context3(codec));
  GOPMILL_CHECK(opened.context);
  set_context(settings, *opened.context);
  Options options;
  set_options(settings, options);
  LastWords::clear();
  opened.error = avcodec_open2(opened.context.get(), codec, options.address());
  opened.left = options.first_left();
  opened.words = LastWords::text();
  return opened;
}

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
  CodecContext context;
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

namespace {

std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, substituted}));
    }
  }
  return row[b.size()];
}

// The encoder's private options and libavcodec's general ones for video encoders.
std::string nearest_option(const AVCodec& codec, const std::string& wanted) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, wanted.size() / 3) + 1;
  const auto look = [&](const AVClass* owner) {
    for (const AVOption* option = nullptr; owner && (option = av_opt_next(&owner, option));) {
      if (option->type == AV_OPT_TYPE_CONST || !(option->flags & AV_OPT_FLAG_ENCODING_PARAM)) continue;
      if (const std::size_t distance = edit_distance(wanted, option->name); distance < best_distance) {
        best_distance = distance;
        best = option->name;
      }
    }
  };
  look(codec.priv_class);
  look(avcodec_get_class());
  return best;
}

EncoderSettings trial_settings(const RenditionProfile& rendition) {
  EncoderSettings settings;
  settings.codec = rendition.codec;
  settings.width = 640;
  settings.height = 360;
  settings.pixel_format = rendition.pixel_format;
  settings.rate = rendition.rate;
  settings.preset = rendition.preset;
  settings.codec_profile = rendition.codec_profile;
  settings.level = rendition.level;
  settings.options = rendition.encoder_options;
  settings.base = {1, 25};
  settings.frame_rate = {25, 1};
  return settings;
}

// Opening fails as a whole; which setting was it? The first one whose absence mends it.
std::string guilty_key(const EncoderSettings& settings) {
  const auto mends = [](EncoderSettings trial) {
    const Opened opened = open_encoder(trial);
    return opened.error >= 0 && opened.words.find("Error") == std::string::npos &&
           opened.words.find("nknown") == std::string::npos;
  };
  EncoderSettings trial = settings;
  trial.codec_profile = "auto";
  if (settings.codec_profile != "auto" && mends(trial)) return "profile";
  trial = settings;
  trial.level = "auto";
  if (settings.level != "auto" && mends(trial)) return "level";
  for (const auto& [key, value] : settings.options) {
    trial = settings;
    trial.options.erase(key);
    if (mends(trial)) return key;
  }
  return "preset";
}

// Parameters the plan depends on: whoever set one of them would break joins, the key grid or equal bytes.
constexpr std::string_view kReservedParameters[] = {"threads",
                                                    "lookahead-threads",
                                                    "sliced-threads",
                                                    "keyint",
                                                    "min-keyint",
                                                    "scenecut",
                                                    "open-gop",
                                                    "nal-hrd",
                                                    "hrd",
                                                    "stitchable",
                                                    "fps",
                                                    "force-cfr",
                                                    "pools",
                                                    "wpp",
                                                    "frame-threads",
                                                    "repeat-headers",
                                                    "annexb",
                                                    "chunk-start",
                                                    "chunk-end",
                                                    "lp",
                                                    "cpu-independent",
                                                    "qpfile",
                                                    "stats",
                                                    "pass",
                                                    "dump-yuv",
                                                    "csv",
                                                    "analysis-save",
                                                    "analysis-load"};

std::optional<EncoderComplaint> reserved_parameter(const EncoderSettings& settings) {
  for (const char* key : {"x264-params", "x265-params", "svtav1-params"}) {
    const auto own = settings.options.find(key);
    if (own == settings.options.end()) continue;
    for (const std::string_view reserved : kReservedParameters) {
      const std::string wrapped = ":" + own->second + ":";
      const std::string name(reserved);
      if (wrapped.find(":" + name + "=") != std::string::npos || wrapped.find(":" + name + ":") != std::string::npos) {
        return EncoderComplaint{key, "'" + name + "' is set by gopmill itself, for joins and equal bytes", ""};
      }
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<EncoderComplaint> complaint_about(const RenditionProfile& rendition) {
  const LastWords words;
  const EncoderSettings settings = trial_settings(rendition);
  if (auto reserved = reserved_parameter(settings)) return reserved;
  const Opened opened = open_encoder(settings);
  if (!opened.left.empty() && opened.error >= 0) {
    const AVCodec* codec = avcodec_find_encoder_by_name(encoder_name(settings.codec));
    return EncoderComplaint{opened.left, std::string(encoder_name(settings.codec)) + " has no such option",
                            nearest_option(*codec, opened.left)};
  }
  // x264's and x265's own parameter lists are parsed by the library, which complains in words and goes on.
  const bool complained = opened.words.find("Error parsing option") != std::string::npos ||
                          opened.words.find("Unknown option") != std::string::npos ||
                          opened.words.find("Invalid value") != std::string::npos ||
                          opened.words.find("bad value") != std::string::npos;
  if (opened.error >= 0 && !complained) return std::nullopt;
  const std::string why = opened.words.empty() ? error_text(opened.error) : opened.words;
  return EncoderComplaint{guilty_key(settings), std::string(encoder_name(settings.codec)) + ": " + why, ""};
}

}  // namespace gopmill::av
