#include "tests/support/seen.h"

extern "C" {
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/check.h"
#include "base/hash.h"
#include "media/av/decode/decoder.h"
#include "media/av/handles.h"
#include "tests/support/file_io.h"

namespace gopmill::test {

int code_square_of(int width) { return std::max(2, width / (kCodeBits + 4)); }

namespace {

constexpr double kPi = 3.14159265358979323846;

struct CloseInput {
  void operator()(AVFormatContext* format) const { avformat_close_input(&format); }
};
using Input = std::unique_ptr<AVFormatContext, CloseInput>;

Input open_input(const FileIo& io) {
  av_log_set_level(AV_LOG_ERROR);
  AVFormatContext* made = avformat_alloc_context();
  made->pb = io.io();
  made->flags |= AVFMT_FLAG_CUSTOM_IO;
  GOPMILL_CHECK(avformat_open_input(&made, "", nullptr, nullptr) >= 0);
  Input format(made);
  GOPMILL_CHECK(avformat_find_stream_info(made, nullptr) >= 0);
  return format;
}

int luma_at(const AVFrame& frame, int x, int y) {
  const bool wide = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format))->comp[0].depth > 8;
  const std::uint8_t* row = frame.data[0] + static_cast<std::ptrdiff_t>(y) * frame.linesize[0];
  return wide ? reinterpret_cast<const std::uint16_t*>(row)[x] / 4 : row[x];
}

template <class LumaAt>
std::uint32_t number_drawn(int width, LumaAt luma) {
  const int square = code_square_of(width);
  std::uint32_t number = 0;
  for (int bit = 0; bit < kCodeBits; ++bit) {
    if (luma((bit + 2) * square + square / 2, square / 2) > 125) number |= 1U << bit;
  }
  return number;
}
std::uint32_t number_in(const AVFrame& frame) {
  return number_drawn(frame.width, [&frame](int x, int y) { return luma_at(frame, x, y); });
}

double mean_luma(const AVFrame& frame) {
  double sum = 0;
  std::int64_t count = 0;
  for (int y = frame.height / 4; y < frame.height; y += 4) {
    for (int x = 0; x < frame.width; x += 4, ++count) sum += luma_at(frame, x, y);
  }
  return sum / static_cast<double>(count);
}

struct Viewer {
  av::CodecContext context;
  AVStream* stream = nullptr;
};

void see(const Viewer& viewer, const AVFrame& frame, SeenFile& seen) {
  const AVRational base = viewer.stream->time_base;
  if (viewer.context->codec_type == AVMEDIA_TYPE_VIDEO) {
    seen.frames.push_back(
        {static_cast<double>(frame.pts) * av_q2d(base), frame.pts, number_in(frame), mean_luma(frame), frame.key_frame != 0});
    return;
  }
  const std::int64_t at = av_rescale_q(frame.pts, base, {1, frame.sample_rate});
  if (!seen.audio) {
    seen.audio.emplace();
    seen.audio->sample_rate = frame.sample_rate;
    seen.audio->channels = frame.ch_layout.nb_channels;
    seen.audio->first = at;
    seen.audio->planes.resize(static_cast<std::size_t>(frame.ch_layout.nb_channels));
  }
  HeardAudio& audio = *seen.audio;
  if (at != audio.first + static_cast<std::int64_t>(audio.planes[0].size())) audio.contiguous = false;
  for (std::size_t c = 0; c < audio.planes.size(); ++c) {
    for (int i = 0; i < frame.nb_samples; ++i) {
      float value = 0;
      switch (frame.format) {
        case AV_SAMPLE_FMT_FLTP: value = reinterpret_cast<const float*>(frame.data[c])[i]; break;
        case AV_SAMPLE_FMT_FLT:
          value = reinterpret_cast<const float*>(frame.data[0])[static_cast<std::size_t>(i) * audio.planes.size() + c];
          break;
        case AV_SAMPLE_FMT_S16:
          value = static_cast<float>(reinterpret_cast<const std::int16_t*>(
                      frame.data[0])[static_cast<std::size_t>(i) * audio.planes.size() + c]) /
                  32768;
          break;
        default: GOPMILL_CHECK(!"a sample format the viewer knows");
      }
      audio.planes[c].push_back(value);
    }
  }
}

void decode(Viewer& viewer, const AVPacket* packet, SeenFile& seen) {
  if (avcodec_send_packet(viewer.context.get(), packet) < 0) ++seen.refused;
  const av::Frame frame = av::make_frame();
  for (;;) {
    const int error = avcodec_receive_frame(viewer.context.get(), frame.get());
    if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return;
    if (error < 0) {
      ++seen.refused;
      continue;
    }
    see(viewer, *frame, seen);
  }
}

}  // namespace

namespace {

void decode_journal(int journal, const av::Decoder::OnFrame& on_frame) {
  auto reader = JournalReader::open(journal, 0);
  GOPMILL_CHECK(reader);
  auto decoder = av::Decoder::open(reader->parameters(), {.threads = 1});
  GOPMILL_CHECK(decoder);
  for (;;) {
    const auto packet = reader->next();
    GOPMILL_CHECK(packet);
    if (!*packet) break;
    GOPMILL_CHECK(decoder->send(**packet, on_frame));
  }
  GOPMILL_CHECK(decoder->finish(on_frame));
}

}  // namespace

std::vector<std::string> frame_hashes(int journal) {
  std::vector<std::string> hashes;
  decode_journal(journal, [&](AVFrame& frame) -> Result<> {
    std::string samples;
    for (int plane = 0; plane < 3; ++plane) {
      const int width = plane == 0 ? frame.width : (frame.width + 1) / 2;
      const int height = plane == 0 ? frame.height : (frame.height + 1) / 2;
      for (int y = 0; y < height; ++y) {
        const auto* row = frame.data[plane] + static_cast<std::ptrdiff_t>(y) * frame.linesize[plane];
        samples.append(reinterpret_cast<const char*>(row), static_cast<std::size_t>(width));
      }
    }
    hashes.push_back(sha256_hex(std::as_bytes(std::span(samples))));
    return {};
  });
  return hashes;
}

std::vector<SeenLuma> luma_of_frames(int journal) {
  std::vector<SeenLuma> frames;
  decode_journal(journal, [&](AVFrame& frame) -> Result<> {
    SeenLuma& luma = frames.emplace_back(SeenLuma{frame.width, frame.height, {}});
    for (int y = 0; y < frame.height; ++y) {
      for (int x = 0; x < frame.width; ++x) luma.samples.push_back(static_cast<std::uint8_t>(luma_at(frame, x, y)));
    }
    return {};
  });
  return frames;
}

std::uint32_t number_in(const SeenLuma& frame) {
  return number_drawn(frame.width, [&frame](int x, int y) { return frame.at(x, y); });
}

std::vector<std::vector<std::uint8_t>> middle_columns(int journal) {
  std::vector<std::vector<std::uint8_t>> columns;
  for (const SeenLuma& frame : luma_of_frames(journal)) {
    columns.emplace_back();
    for (int y = 0; y < frame.height; ++y) columns.back().push_back(frame.at(frame.width / 2, y));
  }
  return columns;
}

SeenFile look_at(int file) {
  SeenFile seen;
  FileIo io(file, false);
  const Input format = open_input(io);
  std::vector<Viewer> viewers(format->nb_streams);
  for (unsigned i = 0; i < format->nb_streams; ++i) {
    Viewer& viewer = viewers[i];
    viewer.stream = format->streams[i];
    const AVCodec* codec = avcodec_find_decoder(viewer.stream->codecpar->codec_id);
    GOPMILL_CHECK(codec);
    viewer.context.reset(avcodec_alloc_context3(codec));
    GOPMILL_CHECK(avcodec_parameters_to_context(viewer.context.get(), viewer.stream->codecpar) >= 0);
    viewer.context->pkt_timebase = viewer.stream->time_base;
    GOPMILL_CHECK(avcodec_open2(viewer.context.get(), codec, nullptr) >= 0);
  }
  const av::Packet packet = av::make_packet();
  while (av_read_frame(format.get(), packet.get()) >= 0) {
    decode(viewers[static_cast<std::size_t>(packet->stream_index)], packet.get(), seen);
    av_packet_unref(packet.get());
  }
  for (Viewer& viewer : viewers) decode(viewer, nullptr, seen);
  return seen;
}

std::vector<double> beeps_in(const HeardAudio& audio) {
  constexpr float kLoud = 0.15F;
  constexpr int kQuietSamples = 400;  // this long without a loud sample ends a beep
  std::vector<double> beeps;
  const std::vector<float>& plane = audio.planes.at(0);
  bool loud = false;
  std::size_t first = 0, last = 0;
  for (std::size_t i = 0; i <= plane.size(); ++i) {
    if (i < plane.size() && std::abs(plane[i]) > kLoud) {
      if (!loud) first = i;
      loud = true;
      last = i;
    } else if (loud && (i == plane.size() || i - last > kQuietSamples)) {
      beeps.push_back((static_cast<double>(first + last) / 2 + static_cast<double>(audio.first)) / audio.sample_rate);
      loud = false;
    }
  }
  return beeps;
}

double worst_residual(const HeardAudio& audio, double hz, std::size_t from, std::size_t to) {
  const std::vector<float>& plane = audio.planes.at(0);
  const double turn = 2 * std::cos(2 * kPi * hz / audio.sample_rate);
  double worst = 0;
  for (std::size_t i = std::max<std::size_t>(from, 2); i < std::min(to, plane.size()); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(plane[i]) - turn * static_cast<double>(plane[i - 1]) +
                                     static_cast<double>(plane[i - 2])));
  }
  return worst;
}

double interleaving_of(int file) {
  FileIo io(file, false);
  const Input format = open_input(io);
  std::vector<std::pair<std::int64_t, std::pair<std::size_t, double>>> packets;  // by place in the file
  const av::Packet packet = av::make_packet();
  while (av_read_frame(format.get(), packet.get()) >= 0) {
    const auto index = static_cast<std::size_t>(packet->stream_index);
    packets.push_back({packet->pos, {index, static_cast<double>(packet->dts) * av_q2d(format->streams[index]->time_base)}});
    av_packet_unref(packet.get());
  }
  std::sort(packets.begin(), packets.end());
  std::vector<std::optional<double>> newest(format->nb_streams);
  double worst = 0;
  for (const auto& [at, entry] : packets) {
    newest[entry.first] = entry.second;
    for (const auto& other : newest) {
      if (other) worst = std::max(worst, std::abs(entry.second - *other));
    }
  }
  return worst;
}

}  // namespace gopmill::test
