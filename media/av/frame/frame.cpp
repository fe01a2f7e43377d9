#include "media/av/frame/frame.h"

extern "C" {
#include <libavutil/pixdesc.h>
}

#include <algorithm>

#include "media/av/handles.h"
#include "media/av/hdr.h"

namespace gopmill::av {

namespace {

bool is_rgb(const AVFrame& frame) {
  const AVPixFmtDescriptor* description = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  return description && (description->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL)) != 0;
}

// The format is the fact; a tag that says otherwise is a mistake of whoever wrote it.
std::uint8_t matrix_of(const AVFrame& frame) {
  if (is_rgb(frame)) return kMatrixRgb;
  return frame.colorspace == AVCOL_SPC_RGB ? kUnspecified : static_cast<std::uint8_t>(frame.colorspace);
}

bool is_full_range(const AVFrame& frame) {
  // The yuvj formats are full range by name, whatever the field says.
  switch (frame.format) {
    case AV_PIX_FMT_YUVJ420P:
    case AV_PIX_FMT_YUVJ422P:
    case AV_PIX_FMT_YUVJ444P:
    case AV_PIX_FMT_YUVJ440P:
    case AV_PIX_FMT_YUVJ411P: return true;
    default: return frame.color_range == AVCOL_RANGE_JPEG || (is_rgb(frame) && frame.color_range != AVCOL_RANGE_MPEG);
  }
}

// A decoder of 5.1 says so in either field: error concealment sets the second.
bool is_damaged(const AVFrame& frame) { return (frame.flags & AV_FRAME_FLAG_CORRUPT) != 0 || frame.decode_error_flags != 0; }

}  // namespace

FrameFacts facts_of(const AVFrame& frame) {
  FrameFacts facts;
  facts.pts = frame.pts;
  facts.width = frame.width;
  facts.height = frame.height;
  facts.sample_aspect = from_av(frame.sample_aspect_ratio);
  facts.colour.primaries = static_cast<std::uint8_t>(frame.color_primaries);
  facts.colour.transfer = static_cast<std::uint8_t>(frame.color_trc);
  facts.colour.matrix = matrix_of(frame);
  facts.colour.full_range = is_full_range(frame);
  facts.colour.chroma_location = static_cast<std::uint8_t>(frame.chroma_location);
  facts.hdr = hdr_of(frame);
  facts.damaged = is_damaged(frame);
  facts.interlaced = frame.interlaced_frame != 0;
  facts.top_first = frame.interlaced_frame == 0 || frame.top_field_first != 0;
  facts.has_captions = av_frame_get_side_data(&frame, AV_FRAME_DATA_A53_CC) != nullptr;
  if (const AVPixFmtDescriptor* description = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format))) {
    facts.bit_depth = description->comp[0].depth;
    facts.has_alpha = (description->flags & AV_PIX_FMT_FLAG_ALPHA) != 0;
  }
  return facts;
}

std::optional<LumaPlane> luma_of(const AVFrame& frame) {
  const AVPixFmtDescriptor* format = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  constexpr std::uint64_t kOdd = AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM | AV_PIX_FMT_FLAG_HWACCEL |
                                 AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_FLOAT;
  if (!format || (format->flags & kOdd) != 0 || !frame.data[format->comp[0].plane]) return std::nullopt;
  const AVComponentDescriptor& luma = format->comp[0];
  return LumaPlane{
      frame.data[luma.plane] + luma.offset,    frame.linesize[luma.plane], frame.width, frame.height, luma.step, luma.depth > 8,
      luma.shift + std::max(0, luma.depth - 8)};
}

AudioFacts audio_facts_of(const AVFrame& frame) {
  return {frame.pts == AV_NOPTS_VALUE ? INT64_MIN : frame.pts, frame.sample_rate, frame.ch_layout.nb_channels, frame.nb_samples};
}

LumaSample sample_luma(const AVFrame& frame) {
  constexpr int kStep = 8;
  LumaSample sample;
  const AVPixFmtDescriptor* description = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  sample.depth = description ? description->comp[0].depth : 8;
  const bool wide = sample.depth > 8;
  // Small frames are sampled densely, so that there is always something to compare.
  const int step = frame.width < 64 || frame.height < 64 ? 1 : kStep;
  for (int y = step / 2; y < frame.height; y += step) {
    const std::uint8_t* row = frame.data[0] + static_cast<std::ptrdiff_t>(y) * frame.linesize[0];
    for (int x = step / 2; x < frame.width; x += step) {
      sample.values.push_back(wide ? reinterpret_cast<const std::uint16_t*>(row)[x] : row[x]);
    }
  }
  return sample;
}

std::optional<double> squared_error(const LumaSample& a, const LumaSample& b) {
  if (a.depth != b.depth || a.values.size() != b.values.size() || a.values.empty()) return std::nullopt;
  double sum = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    const double difference = static_cast<double>(a.values[i]) - b.values[i];
    sum += difference * difference;
  }
  const double peak = static_cast<double>((1 << a.depth) - 1);
  return sum / static_cast<double>(a.values.size()) / (peak * peak);
}

}  // namespace gopmill::av
