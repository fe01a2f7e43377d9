#include "media/av/clip.h"

extern "C" {
#include <libavutil/opt.h>
}

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numbers>
#include <optional>
#include <span>
#include <string>

#include "base/file.h"
#include "media/av/handles.h"
#include "media/av/io_context.h"

namespace gopmill {

namespace {

constexpr int kWidth = 1280;
constexpr int kHeight = 720;
constexpr int kFramesPerSecond = 25;
constexpr int kSampleRate = 48000;
constexpr int kBeepHz = 1000;
constexpr int kBeepSamples = kSampleRate / 10;
constexpr int kBeepFrames = kFramesPerSecond / 10;

struct CloseFormat {
  void operator()(AVFormatContext* context) const { avformat_free_context(context); }
};

// The file as libav writes it.
struct ClipFile {
  int fd = -1;
  std::uint64_t bytes = 0;

  Result<> write(std::uint64_t at, std::span<const std::byte> more) {
    TRY(write_at(fd, at, more));
    bytes = std::max(bytes, at + more.size());
    return {};
  }
  [[nodiscard]] std::optional<std::uint64_t> size() const { return bytes; }
};

Result<> good(int error, const char* what) {
  if (error >= 0) return {};
  return std::unexpected(av::fault_of(FaultKind::kMachine, std::string("cannot make the clip: ") + what, error));
}

// A gradient that wanders, rings that grow from a point that circles, and a square that is white while it beeps: motion of every
// kind an encoder meets, cheap to draw and without two equal frames in a minute.
void draw(AVFrame& frame, std::int64_t number) {
  const double turn = static_cast<double>(number) / kFramesPerSecond;
  const int centre_x = kWidth / 2 + static_cast<int>(400 * std::cos(turn * 0.9));
  const int centre_y = kHeight / 2 + static_cast<int>(200 * std::sin(turn * 1.3));
  for (int y = 0; y < kHeight; ++y) {
    std::uint8_t* row = frame.data[0] + static_cast<std::ptrdiff_t>(y) * frame.linesize[0];
    for (int x = 0; x < kWidth; ++x) {
      const int dx = x - centre_x;
      const int dy = y - centre_y;
      const auto ring = static_cast<int>(((dx * dx + dy * dy) / 512 - number * 6) & 63);
      const auto slope = static_cast<int>((x + 2 * y + number * 5) / 16 & 127);
      row[x] = static_cast<std::uint8_t>(32 + slope + ring);
    }
  }
  for (int plane = 1; plane <= 2; ++plane) {
    for (int y = 0; y < kHeight / 2; ++y) {
      std::uint8_t* row = frame.data[plane] + static_cast<std::ptrdiff_t>(y) * frame.linesize[plane];
      for (int x = 0; x < kWidth / 2; ++x) {
        const auto wave = static_cast<int>((plane == 1 ? x : y) + number * (plane == 1 ? 3 : -2)) & 255;
        row[x] = static_cast<std::uint8_t>(80 + (wave < 128 ? wave : 255 - wave) / 2);
      }
    }
  }
  const bool beeps = number % kFramesPerSecond < kBeepFrames;
  for (int y = 40; y < 140; ++y) {
    std::uint8_t* row = frame.data[0] + static_cast<std::ptrdiff_t>(y) * frame.linesize[0];
    std::fill(row + 40, row + 140, static_cast<std::uint8_t>(beeps ? 235 : 16));
  }
}

// Fades in and out within 5 ms, else it clicks.
float beep_at(std::int64_t sample) {
  const std::int64_t within = sample % kSampleRate;
  if (within >= kBeepSamples) return 0;
  constexpr double kFade = kSampleRate / 200.0;
  const double loud = std::min({1.0, static_cast<double>(within) / kFade, static_cast<double>(kBeepSamples - within) / kFade});
  return static_cast<float>(0.4 * loud * std::sin(2 * std::numbers::pi * kBeepHz * static_cast<double>(within) / kSampleRate));
}

// Two encoders and a muxer.
class ClipWriter {
 public:
  explicit ClipWriter(int fd) : file_{fd} {}

  Result<> open() {
    AVFormatContext* format = nullptr;
    TRY(good(avformat_alloc_output_context2(&format, nullptr, "mp4", nullptr), "the muxer"));
    format_.reset(format);
    format_->pb = io_.get();
    format_->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
    TRY(open_video());
    TRY(open_audio());
    return good(avformat_write_header(format_.get(), nullptr), "its header");
  }

  Result<> frame(std::int64_t number) {
    const av::Frame frame = av::make_frame();
    frame->format = AV_PIX_FMT_YUV420P;
    frame->width = kWidth;
    frame->height = kHeight;
    TRY(good(av_frame_get_buffer(frame.get(), 0), "a frame"));
    draw(*frame, number);
    frame->pts = number;
    return encode(*video_, frame.get(), 0);
  }

  // One encoder frame of audio from `sample` on, at most `count` samples; returns how many.
  Result<int> audio(std::int64_t sample, std::int64_t count) {
    const av::Frame frame = av::make_frame();
    frame->format = AV_SAMPLE_FMT_FLTP;
    frame->nb_samples = static_cast<int>(std::min<std::int64_t>(audio_->frame_size, count));
    frame->sample_rate = kSampleRate;
    TRY(good(av_channel_layout_copy(&frame->ch_layout, &audio_->ch_layout), "a piece of audio"));
    TRY(good(av_frame_get_buffer(frame.get(), 0), "a piece of audio"));
    for (int channel = 0; channel < 2; ++channel) {
      auto* samples = reinterpret_cast<float*>(frame->extended_data[channel]);
      for (int i = 0; i < frame->nb_samples; ++i) samples[i] = beep_at(sample + i);
    }
    frame->pts = sample;
    TRY(encode(*audio_, frame.get(), 1));
    return frame->nb_samples;
  }

  Result<> finish() {
    TRY(encode(*video_, nullptr, 0));
    TRY(encode(*audio_, nullptr, 1));
    return good(av_write_trailer(format_.get()), "its index");
  }

 private:
  Result<> open_video() {
    const AVCodec* codec = avcodec_find_encoder_by_name("libx264");
    if (codec == nullptr) return fail(FaultKind::kMachine, "cannot make the clip: this build of FFmpeg has no libx264");
    video_.reset(avcodec_alloc_context3(codec));
    video_->width = kWidth;
    video_->height = kHeight;
    video_->pix_fmt = AV_PIX_FMT_YUV420P;
    video_->time_base = {1, kFramesPerSecond};
    video_->framerate = {kFramesPerSecond, 1};
    video_->gop_size = 2 * kFramesPerSecond;
    video_->color_primaries = AVCOL_PRI_BT709;
    video_->color_trc = AVCOL_TRC_BT709;
    video_->colorspace = AVCOL_SPC_BT709;
    video_->color_range = AVCOL_RANGE_MPEG;
    // A number of our own, not the machine's: it changes bytes.
    video_->thread_count = 4;
    av_opt_set(video_->priv_data, "preset", "veryfast", 0);
    av_opt_set(video_->priv_data, "crf", "20", 0);
    return open_encoder(*video_, codec);
  }

  Result<> open_audio() {
    const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_AAC);
    if (codec == nullptr) return fail(FaultKind::kMachine, "cannot make the clip: this build of FFmpeg has no AAC encoder");
    audio_.reset(avcodec_alloc_context3(codec));
    audio_->sample_rate = kSampleRate;
    audio_->sample_fmt = AV_SAMPLE_FMT_FLTP;
    av_channel_layout_default(&audio_->ch_layout, 2);
    audio_->time_base = {1, kSampleRate};
    audio_->bit_rate = 128'000;
    return open_encoder(*audio_, codec);
  }

  Result<> open_encoder(AVCodecContext& context, const AVCodec* codec) {
    context.flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;
    TRY(good(avcodec_open2(&context, codec, nullptr), codec->name));
    AVStream* stream = avformat_new_stream(format_.get(), nullptr);
    if (stream == nullptr) return fail(FaultKind::kMachine, "out of memory");
    stream->time_base = context.time_base;
    return good(avcodec_parameters_from_context(stream->codecpar, &context), codec->name);
  }

  // `frame` nullptr: everything that is still inside.
  Result<> encode(AVCodecContext& context, const AVFrame* frame, int stream) {
    TRY(good(avcodec_send_frame(&context, frame), "an encoder refused a frame"));
    const av::Packet packet = av::make_packet();
    while (true) {
      const int got = avcodec_receive_packet(&context, packet.get());
      if (got == AVERROR(EAGAIN) || got == AVERROR_EOF) return {};
      TRY(good(got, "an encoder failed"));
      packet->stream_index = stream;
      if (packet->duration == 0 && stream == 0) packet->duration = 1;
      av_packet_rescale_ts(packet.get(), context.time_base, format_->streams[stream]->time_base);
      TRY(good(av_interleaved_write_frame(format_.get(), packet.get()), "writing"));
    }
  }

  // The format is freed before the io it writes to, and that before the file it means.
  ClipFile file_;
  av::IoContext io_ = av::IoContext::writing(file_);
  std::unique_ptr<AVFormatContext, CloseFormat> format_;
  av::CodecContext video_;
  av::CodecContext audio_;
};

}  // namespace

Result<> make_clip(int fd, double seconds) {
  const av::LastWords words;
  const std::int64_t frames = std::max<std::int64_t>(1, std::llround(seconds * kFramesPerSecond));
  const std::int64_t samples = frames * kSampleRate / kFramesPerSecond;
  ClipWriter clip(fd);
  TRY(clip.open());
  std::int64_t heard = 0;
  for (std::int64_t shown = 0; shown < frames; ++shown) {
    TRY(clip.frame(shown));
    while (heard < std::min(samples, (shown + 1) * kSampleRate / kFramesPerSecond))
      heard += TRY(clip.audio(heard, samples - heard));
  }
  return clip.finish();
}

}  // namespace gopmill
