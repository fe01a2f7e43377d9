#include "media/av/frame/scale_step.h"

#include <optional>

#include "media/av/handles.h"

extern "C" {
#include <libavutil/pixdesc.h>
}

namespace gopmill::av {

namespace {

// The matrix in vf_scale's words. Input and output get the same one, so frames are scaled and never recoloured; where
// the source names none, or one that swscale does not know, any will do as long as both agree.
const char* matrix_name(const Colour& colour) {
  switch (colour.matrix) {
    case kMatrixFcc: return "fcc";
    case kMatrixBt470Bg:
    case kMatrixSmpte170: return "smpte170m";
    case kMatrixSmpte240: return "smpte240m";
    case kMatrixRgb: return colour.primaries == kPrimariesBt2020 ? "bt2020" : "bt709";
    case kMatrixBt2020:
    case AVCOL_SPC_BT2020_CL: return "bt2020";
    default: return "bt709";
  }
}

// Where chroma lies, in 256ths of a luma sample from the first one. Left is what MPEG video has where it says nothing.
struct Place {
  int across = 0, down = 128;
};
Place place_of(std::uint8_t chroma_location) {
  switch (chroma_location) {
    case AVCHROMA_LOC_CENTER: return {128, 128};
    case AVCHROMA_LOC_TOPLEFT: return {0, 0};
    case AVCHROMA_LOC_TOP: return {128, 0};
    case AVCHROMA_LOC_BOTTOMLEFT: return {0, 256};
    case AVCHROMA_LOC_BOTTOM: return {128, 256};
    default: return {};
  }
}

// Only for directions in which chroma is subsampled by 2: swscale (5.1, get_local_pos) shifts the frame where it is not, and has no
// notion of a place where it is by 4.
std::string chroma_place(const std::string& side, const AVPixFmtDescriptor& format, std::uint8_t chroma_location) {
  const Place place = place_of(chroma_location);
  std::string text;
  if (format.log2_chroma_w == 1) text += ":" + side + "_h_chr_pos=" + std::to_string(place.across);
  if (format.log2_chroma_h == 1) text += ":" + side + "_v_chr_pos=" + std::to_string(place.down);
  return text;
}

}  // namespace

std::string scale_step(const Colour& colour, int from, const FrameTarget& target) {
  const AVPixelFormat to = target.recolour                            ? AV_PIX_FMT_YUV444P10LE
                           : target.format == PixelFormat::kYuv420p10 ? AV_PIX_FMT_YUV420P10LE
                                                                      : AV_PIX_FMT_YUV420P;
  std::string text = "scale=w=" + std::to_string(target.width) + ":h=" + std::to_string(target.height) +
                     ":flags=bicubic+accurate_rnd+full_chroma_int+bitexact";
  text += std::string(":in_color_matrix=") + matrix_name(colour) + ":out_color_matrix=" + matrix_name(colour);
  text += std::string(":in_range=") + (colour.full_range ? "full" : "limited") + ":out_range=limited";
  if (const AVPixFmtDescriptor* format = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(from)))
    text += chroma_place("in", *format, colour.chroma_location);
  text += chroma_place("out", *av_pix_fmt_desc_get(to), colour.chroma_location);
  return text + ",format=" + av_get_pix_fmt_name(to);
}

}  // namespace gopmill::av
