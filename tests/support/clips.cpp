// Long because: it makes every kind of track there is in a clip, each in a few lines over the same muxer.

#include "tests/support/clips.h"

extern "C" {
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>

#include "base/check.h"
#include "media/av/decode/demuxer.h"
#include "media/av/encode/encoder.h"
#include "media/av/handles.h"
#include "media/encoder/encoder_facts.h"
#include "tests/support/field_pictures.h"
#include "tests/support/file_io.h"
#include "tests/support/seen.h"

namespace gopmill::test {

namespace {

constexpr double kBeepSeconds = 0.04;
constexpr double kBeepHz = 1000;
constexpr double kPi = 3.14159265358979323846;

struct FreeOutput {
  void operator()(AVFormatContext* format) const { avformat_free_context(format); }
};

void set_all(av::Options& options, const std::map<std::string, std::string>& values) {
  for (const auto& [name, value] : values) options.set(name, value);
}

// ---- Frames ----

void set_luma(AVFrame& frame, int x, int y, int value) {
  const bool wide = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format))->comp[0].depth > 8;
  std::uint8_t* row = frame.data[0] + static_cast<std::ptrdiff_t>(y) * frame.linesize[0];
  if (wide) {
    reinterpret_cast<std::uint16_t*>(row)[x] = static_cast<std::uint16_t>(value * 4);
  } else {
    row[x] = static_cast<std::uint8_t>(value);
  }
}

// `flat`: the whole frame has this luma; negative: the moving gradient. `bottom`: the number of lines 1, 3, 5…
void draw(AVFrame& frame, std::uint32_t top, std::uint32_t bottom, int flat) {
  const int square = code_square_of(frame.width);
  for (int y = 0; y < frame.height; ++y) {
    const std::uint32_t number = y % 2 == 0 ? top : bottom;
    for (int x = 0; x < frame.width; ++x) {
      int value = flat >= 0 ? flat : 40 + ((x * 2 + y + static_cast<int>(number) * 3) / 4) % 160;
      const int bit = x / square - 2;
      if (y < square && bit >= 0 && bit < kCodeBits) value = number >> bit & 1U ? 225 : 25;
      set_luma(frame, x, y, value);
    }
  }
  const AVPixFmtDescriptor& format = *av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  const int chroma_height = AV_CEIL_RSHIFT(frame.height, format.log2_chroma_h);
  for (int plane = 1; plane <= 2 && frame.data[plane]; ++plane) {  // grey formats have none
    for (int y = 0; y < chroma_height; ++y) {
      std::uint8_t* row = frame.data[plane] + static_cast<std::ptrdiff_t>(y) * frame.linesize[plane];
      const int width = AV_CEIL_RSHIFT(frame.width, format.log2_chroma_w);
      if (format.comp[0].depth > 8) {
        std::fill_n(reinterpret_cast<std::uint16_t*>(row), width, static_cast<std::uint16_t>(512));
      } else {
        std::fill_n(row, width, static_cast<std::uint8_t>(flat >= 0 ? 128 : 118 + plane * 6));
      }
    }
  }
}

av::Frame new_frame(int width, int height, AVPixelFormat format) {
  av::Frame frame = av::make_frame();
  frame->width = width;
  frame->height = height;
  frame->format = format;
  GOPMILL_CHECK(av_frame_get_buffer(frame.get(), 0) >= 0);
  return frame;
}

// ---- Encoding a clip ----

struct Track {
  av::CodecContext context;
  AVStream* stream = nullptr;
};

struct Output {
  std::unique_ptr<FileIo> io;
  std::unique_ptr<AVFormatContext, FreeOutput> format;
  std::vector<av::Packet> packets;  // all tracks; written in order of decode time
};

void open_track(Track& track, Output& output, const std::map<std::string, std::string>& options) {
  if (output.format->oformat->flags & AVFMT_GLOBALHEADER) track.context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  track.context->thread_count = 1;
  track.context->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
  av::Options taken;
  set_all(taken, options);
  GOPMILL_CHECK(avcodec_open2(track.context.get(), track.context->codec, taken.address()) >= 0);
  GOPMILL_CHECK(taken.first().empty());
  if (track.stream) return;
  track.stream = avformat_new_stream(output.format.get(), nullptr);
  GOPMILL_CHECK(track.stream && avcodec_parameters_from_context(track.stream->codecpar, track.context.get()) >= 0);
  track.stream->time_base = track.context->time_base;
}

template <class Keep>
void encode(Track& track, AVFrame* frame, Output& output, Keep keep) {
  GOPMILL_CHECK(avcodec_send_frame(track.context.get(), frame) >= 0);
  for (;;) {
    av::Packet packet = av::make_packet();
    const int error = avcodec_receive_packet(track.context.get(), packet.get());
    if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return;
    GOPMILL_CHECK(error >= 0);
    packet->stream_index = track.stream->index;
    if (keep(*packet)) output.packets.push_back(std::move(packet));
  }
}

void shift_by(AVPacket& packet, Rational seconds, AVRational base) {
  const std::int64_t ticks = av_rescale_q(seconds.num, {1, static_cast<int>(seconds.den)}, base);
  packet.pts += ticks;
  packet.dts += ticks;
}

std::int64_t pts_of(const ClipVideo& clip, int index) {
  return clip.pts.empty() ? index : clip.pts[static_cast<std::size_t>(index)];
}

void add_frames(const ClipVideo& clip, Rational shift, Track& track, Output& output) {
  const AVCodec* codec = avcodec_find_encoder_by_name(clip.encoder.c_str());
  GOPMILL_CHECK(codec);
  track.context.reset(avcodec_alloc_context3(codec));
  AVCodecContext& context = *track.context;
  context.width = clip.width;
  context.height = clip.height;
  context.pix_fmt = av_get_pix_fmt(clip.pixel_format.c_str());
  context.time_base = av::to_av(clip.base);
  context.sample_aspect_ratio = av::to_av(clip.sample_aspect);
  context.framerate = {context.time_base.den, context.time_base.num};
  context.gop_size = clip.gop;
  context.max_b_frames = clip.b_frames;
  if (!clip.open_gop) context.flags |= AV_CODEC_FLAG_CLOSED_GOP;
  auto options = clip.options;
  if (clip.encoder == "libx264") {
    options.try_emplace("preset", "veryfast");
    options.try_emplace(
        "x264-params", std::string("scenecut=0:keyint=") + std::to_string(clip.gop) + ":open-gop=" + (clip.open_gop ? "1" : "0"));
  }
  if (clip.coded_top_first) context.flags |= AV_CODEC_FLAG_INTERLACED_DCT | AV_CODEC_FLAG_INTERLACED_ME;
  open_track(track, output, options);
  const int count = clip.pts.empty() ? clip.frames : static_cast<int>(clip.pts.size());
  const av::Frame frame = new_frame(clip.width, clip.height, context.pix_fmt);
  for (int i = 0; i < count; ++i) {
    GOPMILL_CHECK(av_frame_make_writable(frame.get()) >= 0);
    frame->pts = pts_of(clip, i);
    const double seconds = static_cast<double>(frame->pts) * clip.base.value();
    const bool flash = std::abs(seconds - std::round(seconds)) < clip.base.value() / 2;
    const auto number = static_cast<std::uint32_t>(i);
    const auto shown = [&](bool bottom) { return clip.moment ? clip.moment(number, bottom) : number; };
    draw(*frame, shown(false), shown(true), clip.flashes ? (flash ? 235 : 60) : -1);
    frame->interlaced_frame = clip.coded_top_first ? 1 : 0;
    frame->top_field_first = clip.coded_top_first.value_or(false) ? 1 : 0;
    encode(track, frame.get(), output, [&](AVPacket& packet) {
      shift_by(packet, shift, context.time_base);
      if (packet.duration == 0) packet.duration = 1;
      return true;
    });
  }
  encode(track, nullptr, output, [&](AVPacket& packet) {
    shift_by(packet, shift, context.time_base);
    if (packet.duration == 0) packet.duration = 1;
    return true;
  });
}

av::Packet packet_of(const std::string& bytes, int stream, std::int64_t pts, std::int64_t duration, bool key) {
  av::Packet packet = av::make_packet();
  GOPMILL_CHECK(av_new_packet(packet.get(), static_cast<int>(bytes.size())) >= 0);
  std::memcpy(packet->data, bytes.data(), bytes.size());
  packet->pts = packet->dts = pts;
  packet->duration = duration;
  packet->stream_index = stream;
  if (key) packet->flags |= AV_PKT_FLAG_KEY;
  return packet;
}

void add_field_frames(const ClipVideo& clip, Rational shift, Track& track, Output& output) {
  track.context.reset(avcodec_alloc_context3(nullptr));
  track.context->time_base = av::to_av({clip.base.num, 2 * clip.base.den});  // of fields
  track.stream = avformat_new_stream(output.format.get(), nullptr);
  GOPMILL_CHECK(track.stream);
  track.stream->time_base = track.context->time_base;
  const std::string headers = h264_field_headers(clip.width, clip.height);
  AVCodecParameters& parameters = *track.stream->codecpar;
  parameters.codec_type = AVMEDIA_TYPE_VIDEO;
  parameters.codec_id = AV_CODEC_ID_H264;
  parameters.width = clip.width;
  parameters.height = clip.height;
  parameters.extradata = static_cast<std::uint8_t*>(av_mallocz(headers.size() + AV_INPUT_BUFFER_PADDING_SIZE));
  std::memcpy(parameters.extradata, headers.data(), headers.size());
  parameters.extradata_size = static_cast<int>(headers.size());
  const av::Frame frame = new_frame(clip.width, clip.height, AV_PIX_FMT_YUV420P);
  const auto keep = [&](const std::string& bytes, std::int64_t pts, std::int64_t duration, bool key) {
    av::Packet packet = packet_of(bytes, track.stream->index, pts, duration, key);
    shift_by(*packet, shift, track.context->time_base);
    output.packets.push_back(std::move(packet));
  };
  for (int i = 0; i < clip.frames; ++i) {
    const auto number = static_cast<std::uint32_t>(i);
    const auto shown = [&](bool bottom) { return clip.moment ? clip.moment(number, bottom) : number; };
    draw(*frame, shown(false), shown(true), -1);
    FieldOfFrame field{.frame = number, .since_key = number % static_cast<std::uint32_t>(clip.gop)};
    for (int plane = 0; plane < 3; ++plane) {
      field.planes[plane] = frame->data[plane];
      field.strides[plane] = frame->linesize[plane];
    }
    field.width = clip.width;
    field.height = clip.height;
    field.bottom = !clip.coded_top_first.value_or(true);
    const bool key = field.since_key == 0;
    const std::string first = (key ? headers : "") + h264_field(field);
    field.first = false;
    field.bottom = !field.bottom;
    const std::string second = h264_field(field);
    if (clip.field_pictures == FieldPictures::kPacketPair) {
      keep(first + second, 2 * i, 2, key);
    } else {
      keep(first, 2 * i, 1, key);
      keep(second, 2 * i + 1, 1, false);
    }
  }
}

// Fixed point: 16 bits behind the point, but 30 in the last column.
void add_display_matrix(const std::array<int, 4>& shown_by, AVStream& stream) {
  const auto [a, b, c, d] = shown_by;
  const std::int32_t matrix[9] = {a * 65536, b * 65536, 0, c * 65536, d * 65536, 0, 0, 0, 1 << 30};
  std::uint8_t* data = av_stream_new_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, sizeof matrix);
  GOPMILL_CHECK(data);
  std::memcpy(data, matrix, sizeof matrix);
}

double audio_at(const ClipAudio& clip, double seconds) {
  if (clip.kind == ClipAudio::Kind::kSine) return clip.level * std::sin(2 * kPi * clip.hz * seconds);
  const double within = seconds - std::floor(seconds);
  // In the middle of its beep at each full second plus half a beep: starts exactly on the second.
  return within < kBeepSeconds ? clip.level * std::sin(2 * kPi * kBeepHz * seconds) : 0;
}

void put_sample(AVFrame& frame, int channel, int channels, int i, double value) {
  switch (frame.format) {
    case AV_SAMPLE_FMT_FLTP: reinterpret_cast<float*>(frame.data[channel])[i] = static_cast<float>(value); break;
    case AV_SAMPLE_FMT_FLT: reinterpret_cast<float*>(frame.data[0])[i * channels + channel] = static_cast<float>(value); break;
    case AV_SAMPLE_FMT_S16P:
      reinterpret_cast<std::int16_t*>(frame.data[channel])[i] = static_cast<std::int16_t>(std::lrint(value * 32767));
      break;
    case AV_SAMPLE_FMT_S16:
      reinterpret_cast<std::int16_t*>(frame.data[0])[i * channels + channel] =
          static_cast<std::int16_t>(std::lrint(value * 32767));
      break;
    case AV_SAMPLE_FMT_S32:
      reinterpret_cast<std::int32_t*>(frame.data[0])[i * channels + channel] =
          static_cast<std::int32_t>(std::lrint(value * 2147483000));
      break;
    default: GOPMILL_CHECK(!"a sample format the clips know");
  }
}

void add_audio(const ClipAudio& clip, Rational shift, Track& track, Output& output) {
  const AVCodec* codec = avcodec_find_encoder_by_name(clip.encoder.c_str());
  GOPMILL_CHECK(codec);
  track.context.reset(avcodec_alloc_context3(codec));
  AVCodecContext& context = *track.context;
  context.sample_rate = clip.sample_rate;
  context.time_base = {1, clip.sample_rate};
  context.bit_rate = 128'000;
  context.sample_fmt = codec->sample_fmts[0];
  for (const AVSampleFormat* format = codec->sample_fmts; *format != AV_SAMPLE_FMT_NONE; ++format) {
    if (*format == AV_SAMPLE_FMT_FLTP || *format == AV_SAMPLE_FMT_FLT) context.sample_fmt = *format;
  }
  if (clip.layout.empty()) {
    av_channel_layout_default(&context.ch_layout, clip.channels);
  } else {
    GOPMILL_CHECK(av_channel_layout_from_string(&context.ch_layout, clip.layout.c_str()) >= 0);
  }
  const int channels = context.ch_layout.nb_channels;
  open_track(track, output, {});
  if (!clip.language.empty()) av_dict_set(&track.stream->metadata, "language", clip.language.c_str(), 0);
  const int size = context.frame_size > 0 ? context.frame_size : 1024;
  const auto total = static_cast<std::int64_t>(std::llround(clip.seconds * clip.sample_rate));
  const auto keep = [&](AVPacket& packet) {
    shift_by(packet, shift, context.time_base);
    return true;
  };
  for (std::int64_t done = 0; done < total; done += size) {
    av::Frame frame = av::make_frame();
    frame->format = context.sample_fmt;
    frame->sample_rate = context.sample_rate;
    frame->nb_samples = static_cast<int>(std::min<std::int64_t>(size, total - done));
    GOPMILL_CHECK(av_channel_layout_copy(&frame->ch_layout, &context.ch_layout) >= 0 && av_frame_get_buffer(frame.get(), 0) >= 0);
    frame->pts = clip.starts + done;
    for (int i = 0; i < frame->nb_samples; ++i) {
      const double value = audio_at(clip, static_cast<double>(clip.starts + done + i) / clip.sample_rate);
      for (int c = 0; c < channels; ++c) put_sample(*frame, c, channels, i, clip.only < 0 || c == clip.only ? value : 0);
    }
    encode(track, frame.get(), output, keep);
  }
  encode(track, nullptr, output, keep);
}

void add_text(const ClipText& clip, Rational shift, Output& output, std::vector<AVRational>& bases) {
  AVStream* stream = avformat_new_stream(output.format.get(), nullptr);
  GOPMILL_CHECK(stream);
  stream->time_base = {1, 1000};
  stream->codecpar->codec_type = AVMEDIA_TYPE_SUBTITLE;
  stream->codecpar->codec_id = avcodec_descriptor_get_by_name(clip.codec.c_str())->id;
  if (!clip.language.empty()) av_dict_set(&stream->metadata, "language", clip.language.c_str(), 0);
  if (!clip.title.empty()) av_dict_set(&stream->metadata, "title", clip.title.c_str(), 0);
  if (clip.is_default) stream->disposition |= AV_DISPOSITION_DEFAULT;
  if (clip.is_forced) stream->disposition |= AV_DISPOSITION_FORCED;
  if (clip.codec == "ass") {
    static constexpr char kHeader[] = "[Script Info]\nScriptType: v4.00+\n";
    stream->codecpar->extradata = static_cast<std::uint8_t*>(av_mallocz(sizeof kHeader + AV_INPUT_BUFFER_PADDING_SIZE));
    std::memcpy(stream->codecpar->extradata, kHeader, sizeof kHeader - 1);
    stream->codecpar->extradata_size = sizeof kHeader - 1;
  }
  bases.push_back(stream->time_base);
  const std::int64_t late = shift.num * 1000 / shift.den;
  for (const ClipText::Line& line : clip.lines) {
    output.packets.push_back(packet_of(line.bytes, stream->index, line.start_ms + late, line.lasts_ms, true));
  }
}

void add_cover(Track& track, Output& output) {
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
  track.context.reset(avcodec_alloc_context3(codec));
  track.context->width = 64;
  track.context->height = 48;
  track.context->pix_fmt = AV_PIX_FMT_YUVJ420P;
  track.context->time_base = {1, 25};
  open_track(track, output, {});
  track.stream->disposition |= AV_DISPOSITION_ATTACHED_PIC;
  const av::Frame frame = new_frame(64, 48, AV_PIX_FMT_YUVJ420P);
  draw(*frame, 0, 0, 128);
  frame->pts = 0;
  encode(track, frame.get(), output, [](AVPacket&) { return true; });
  encode(track, nullptr, output, [](AVPacket&) { return true; });
}

void add_chapters(const std::vector<ClipChapter>& chapters, AVFormatContext& format) {
  if (chapters.empty()) return;
  format.chapters = static_cast<AVChapter**>(av_calloc(chapters.size(), sizeof(AVChapter*)));
  for (const ClipChapter& chapter : chapters) {
    auto* made = static_cast<AVChapter*>(av_mallocz(sizeof(AVChapter)));
    made->id = static_cast<std::int64_t>(format.nb_chapters) + 1;
    made->time_base = {1, 1000};
    made->start = chapter.start_ms;
    made->end = chapter.end_ms;
    av_dict_set(&made->metadata, "title", chapter.title.c_str(), 0);
    format.chapters[format.nb_chapters++] = made;
  }
}

// libavformat sorts them across tracks; without a limit on how much it may hold back, since whole tracks come one after the other.
void write_packets(Output& output, const std::vector<AVRational>& bases) {
  output.format->max_interleave_delta = 0;
  for (const av::Packet& packet : output.packets) {
    const auto index = static_cast<std::size_t>(packet->stream_index);
    av_packet_rescale_ts(packet.get(), bases[index], output.format->streams[index]->time_base);
    const int error = av_interleaved_write_frame(output.format.get(), packet.get());
    GOPMILL_CHECK(error >= 0);
  }
}

}  // namespace

Fd make_clip(const Clip& clip) {
  av_log_set_level(AV_LOG_ERROR);
  Fd file = *temporary_file();
  Output output;
  output.io = std::make_unique<FileIo>(file.get(), true);
  AVFormatContext* made = nullptr;
  GOPMILL_CHECK(avformat_alloc_output_context2(&made, nullptr, clip.container.c_str(), nullptr) >= 0);
  output.format.reset(made);
  made->pb = output.io->io();
  made->flags |= AVFMT_FLAG_CUSTOM_IO;
  Track frame, later, cover;
  std::deque<Track> audio_tracks;  // tracks never move
  std::vector<AVRational> bases;   // of packets before they are written, by stream
  if (clip.frame) {
    if (clip.frame->field_pictures) {
      add_field_frames(*clip.frame, clip.shift, frame, output);
    } else {
      add_frames(*clip.frame, clip.shift, frame, output);
    }
    if (clip.frame->shown_by) add_display_matrix(*clip.frame->shown_by, *frame.stream);
    bases.push_back(frame.context->time_base);
  }
  if (clip.later) {
    later.stream = frame.stream;
    add_frames(*clip.later, {2, 1}, later, output);
  }
  std::vector<ClipAudio> all = clip.more_audio;
  if (clip.audio) all.insert(all.begin(), *clip.audio);
  for (const ClipAudio& audio : all) {
    add_audio(audio, clip.shift, audio_tracks.emplace_back(), output);
    bases.push_back(audio_tracks.back().context->time_base);
  }
  for (const ClipText& text : clip.texts) add_text(text, clip.shift, output, bases);
  if (clip.cover) {
    add_cover(cover, output);
    bases.push_back(cover.context->time_base);
  }
  add_chapters(clip.chapters, *made);
  for (const auto& [name, value] : clip.tags) av_dict_set(&made->metadata, name.c_str(), value.c_str(), 0);
  av::Options options;
  set_all(options, clip.muxer_options);
  GOPMILL_CHECK(avformat_write_header(made, options.address()) >= 0);
  write_packets(output, bases);
  GOPMILL_CHECK(av_write_trailer(made) >= 0);
  avio_flush(made->pb);
  return file;
}

Fd journal_of_track(int clip, Media media, const std::function<bool(JournalPacket&)>& change) {
  Fd file = *temporary_file();
  auto demuxer = av::Demuxer::open(clip);
  GOPMILL_CHECK(demuxer);
  const auto& streams = demuxer->streams();
  const auto stream =
      std::find_if(streams.begin(), streams.end(), [&](const av::StreamFacts& s) { return s.parameters.media == media; });
  GOPMILL_CHECK(stream != streams.end());
  JournalWriter journal(file.get(), 0);
  GOPMILL_CHECK(journal.begin(stream->parameters));
  demuxer->keep_only({stream->index});
  for (;;) {
    auto item = demuxer->next();
    GOPMILL_CHECK(item);
    if (!*item) break;
    if (!change || change((*item)->packet)) GOPMILL_CHECK(journal.append((*item)->packet));
  }
  GOPMILL_CHECK(journal.finish());
  return file;
}

EncoderSettings settings_for(const RenditionPlan& plan) {
  EncoderSettings settings;
  settings.encoder = encoder_for(plan.codec);
  settings.width = plan.width;
  settings.height = plan.height;
  settings.pixel_format = plan.pixel_format;
  settings.rate.quality = 23;
  settings.rate.maxrate = plan.maxrate;
  settings.rate.bufsize = plan.bufsize;
  settings.preset = plan.codec == VideoCodec::kAv1 ? "12" : plan.codec == VideoCodec::kVp9 ? "8" : "veryfast";
  settings.codec_profile = "auto";
  settings.level = "auto";
  settings.base = plan.base;
  return settings;
}

std::vector<Fd> encode_segments(const RenditionPlan& plan, const std::vector<std::size_t>& lengths,
                                const EncoderSettings& settings) {
  std::vector<Fd> files;
  const AVPixelFormat format = plan.pixel_format == PixelFormat::kYuv420p10 ? AV_PIX_FMT_YUV420P10LE : AV_PIX_FMT_YUV420P;
  std::size_t at = 0;
  for (const std::size_t length : lengths) {
    files.push_back(*temporary_file());
    const bool alone = length == 1 || plan.frames.at(at + 1).key;
    std::optional<av::VideoEncoder> encoder = *av::VideoEncoder::open(settings, {.alone = alone});
    JournalWriter journal(files.back().get(), 0);
    GOPMILL_CHECK(journal.begin(encoder->parameters()));
    const auto keep = [&](const JournalPacket& packet) { return journal.append(packet); };
    for (std::size_t i = 0; i < length; ++i, ++at) {
      GOPMILL_CHECK(at < plan.frames.size());
      if (i > 0 && plan.frames[at].key && facts_of(settings.encoder).keys == KeyRequests::kAtIntervals) {
        GOPMILL_CHECK(encoder->finish(keep));
        encoder.emplace(*av::VideoEncoder::open(settings, {}));
      }
      const av::Frame frame = new_frame(plan.width, plan.height, format);
      draw(*frame, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at), -1);
      GOPMILL_CHECK(encoder->send(*frame, plan.frames[at].pts, plan.frames[at].key, keep));
    }
    GOPMILL_CHECK(encoder->finish(keep) && journal.finish());
  }
  GOPMILL_CHECK(at == plan.frames.size());
  return files;
}

}  // namespace gopmill::test
