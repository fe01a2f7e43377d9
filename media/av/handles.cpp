#include "media/av/handles.h"

extern "C" {
#include <libavutil/channel_layout.h>
#include <libavutil/log.h>
}

#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <mutex>

#include "base/check.h"

namespace gopmill::av {

namespace {

// libav's log callback carries no context of ours, so its memory has to be reachable from a plain function. Guarded:
// encoders and decoders log from threads of their own.
struct Heard {
  std::mutex mutex;
  std::string text;
  int installed = 0;
  std::uint64_t missing_references = 0;
};
Heard& heard() {
  static Heard instance;
  return instance;
}

void on_log(void* object, int level, const char* format, va_list arguments) {
  if (level > AV_LOG_WARNING) return;
  char line[1024];
  int print_prefix = 0;
  av_log_format_line2(object, level, format, arguments, line, sizeof line, &print_prefix);
  std::string text(line);
  while (!text.empty() && (text.back() == '\n' || text.back() == '.')) text.pop_back();
  if (text.empty()) return;
  const std::lock_guard lock(heard().mutex);
  if (text.find("Could not find ref with POC") != std::string::npos) ++heard().missing_references;
  heard().text = std::move(text);
}

}  // namespace

void Options::set(const std::string& name, const std::string& value) {
  GOPMILL_CHECK(av_dict_set(&dictionary_, name.c_str(), value.c_str(), 0) >= 0);
}

std::string Options::first() const {
  const AVDictionaryEntry* entry = av_dict_get(dictionary_, "", nullptr, AV_DICT_IGNORE_SUFFIX);
  return entry ? entry->key : "";
}

Packet make_packet() {
  Packet packet(av_packet_alloc());
  GOPMILL_CHECK(packet);
  return packet;
}

Frame make_frame() {
  Frame frame(av_frame_alloc());
  GOPMILL_CHECK(frame);
  return frame;
}

std::string error_text(int error) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(error, text, sizeof text);
  return text;
}

LastWords::LastWords() {
  const std::lock_guard lock(heard().mutex);
  if (heard().installed++ == 0) av_log_set_callback(on_log);
}

LastWords::~LastWords() {
  const std::lock_guard lock(heard().mutex);
  if (--heard().installed == 0) av_log_set_callback(av_log_default_callback);
}

std::string LastWords::text() {
  const std::lock_guard lock(heard().mutex);
  return heard().text;
}

void LastWords::clear() {
  const std::lock_guard lock(heard().mutex);
  heard().text.clear();
}

std::uint64_t LastWords::missing_references() {
  const std::lock_guard lock(heard().mutex);
  return heard().missing_references;
}

Fault fault_of(FaultKind kind, const std::string& what, int error) {
  std::string text = what + ": " + error_text(error);
  if (const std::string words = LastWords::text(); !words.empty()) text += " (" + words + ")";
  // Memory is the machine's fault whatever the work was.
  return {error == AVERROR(ENOMEM) ? FaultKind::kMachine : kind, std::move(text)};
}

namespace {

Media media_of(AVMediaType type) {
  switch (type) {
    case AVMEDIA_TYPE_VIDEO: return Media::kVideo;
    case AVMEDIA_TYPE_AUDIO: return Media::kAudio;
    case AVMEDIA_TYPE_SUBTITLE: return Media::kSubtitle;
    default: return Media::kOther;
  }
}

}  // namespace

StreamParameters parameters_of(const AVCodecParameters& par, AVRational base) {
  StreamParameters p;
  p.media = media_of(par.codec_type);
  p.codec = avcodec_get_name(par.codec_id);
  p.codec_tag = par.codec_tag;
  if (par.extradata_size > 0)
    p.extradata.assign(reinterpret_cast<const char*>(par.extradata), static_cast<std::size_t>(par.extradata_size));
  p.base = from_av(base);
  p.format = par.format;
  p.width = par.width;
  p.height = par.height;
  p.sample_aspect = from_av(par.sample_aspect_ratio);
  p.profile = par.profile;
  p.level = par.level;
  p.colour_range = par.color_range;
  p.primaries = par.color_primaries;
  p.transfer = par.color_trc;
  p.matrix = par.color_space;
  p.chroma_location = par.chroma_location;
  p.video_delay = par.video_delay;
  p.sample_rate = par.sample_rate;
  p.channels = par.ch_layout.nb_channels;
  p.block_align = par.block_align;
  p.frame_size = par.frame_size;
  p.bits_per_coded_sample = par.bits_per_coded_sample;
  p.bits_per_raw_sample = par.bits_per_raw_sample;
  p.initial_padding = par.initial_padding;
  p.trailing_padding = par.trailing_padding;
  p.seek_preroll = par.seek_preroll;
  p.bit_rate = par.bit_rate;
  if (par.ch_layout.nb_channels > 0) {
    char text[128] = {};
    if (av_channel_layout_describe(&par.ch_layout, text, sizeof text) > 0) p.channel_layout = text;
  }
  return p;
}

namespace {

AVCodecID codec_id_of(const std::string& name) {
  const AVCodecDescriptor* descriptor = avcodec_descriptor_get_by_name(name.c_str());
  return descriptor ? descriptor->id : AV_CODEC_ID_NONE;
}

}  // namespace

Result<CodecParameters> to_codec_parameters(const StreamParameters& p) {
  CodecParameters par(avcodec_parameters_alloc());
  GOPMILL_CHECK(par);
  par->codec_id = codec_id_of(p.codec);
  if (par->codec_id == AV_CODEC_ID_NONE) return fail(FaultKind::kInput, "unknown codec '" + p.codec + "'");
  par->codec_type = p.media == Media::kVideo      ? AVMEDIA_TYPE_VIDEO
                    : p.media == Media::kSubtitle ? AVMEDIA_TYPE_SUBTITLE
                                                  : AVMEDIA_TYPE_AUDIO;
  par->codec_tag = p.codec_tag;
  if (!p.extradata.empty()) {
    par->extradata = static_cast<std::uint8_t*>(av_mallocz(p.extradata.size() + AV_INPUT_BUFFER_PADDING_SIZE));
    GOPMILL_CHECK(par->extradata);
    std::memcpy(par->extradata, p.extradata.data(), p.extradata.size());
    par->extradata_size = static_cast<int>(p.extradata.size());
  }
  par->format = p.format;
  par->width = p.width;
  par->height = p.height;
  par->sample_aspect_ratio = to_av(p.sample_aspect);
  par->profile = p.profile;
  par->level = p.level;
  par->color_range = static_cast<AVColorRange>(p.colour_range);
  par->color_primaries = static_cast<AVColorPrimaries>(p.primaries);
  par->color_trc = static_cast<AVColorTransferCharacteristic>(p.transfer);
  par->color_space = static_cast<AVColorSpace>(p.matrix);
  par->chroma_location = static_cast<AVChromaLocation>(p.chroma_location);
  par->video_delay = p.video_delay;
  par->sample_rate = p.sample_rate;
  par->block_align = p.block_align;
  par->frame_size = p.frame_size;
  par->bits_per_coded_sample = p.bits_per_coded_sample;
  par->bits_per_raw_sample = p.bits_per_raw_sample;
  par->initial_padding = p.initial_padding;
  par->trailing_padding = p.trailing_padding;
  par->seek_preroll = p.seek_preroll;
  par->bit_rate = p.bit_rate;
  if (!p.channel_layout.empty()) {
    if (av_channel_layout_from_string(&par->ch_layout, p.channel_layout.c_str()) < 0) {
      return fail(FaultKind::kInput, "unknown channel layout '" + p.channel_layout + "'");
    }
  } else if (p.channels > 0) {
    av_channel_layout_default(&par->ch_layout, p.channels);
  }
  return par;
}

}  // namespace gopmill::av
