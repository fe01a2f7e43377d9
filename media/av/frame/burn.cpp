#include "media/av/frame/burn.h"

extern "C" {
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "base/check.h"
#include "media/av/handles.h"

namespace gopmill::av {

namespace {

// Codes of ISO/IEC 23091-2.
constexpr int kTransferPq = 16, kTransferHlg = 18;
constexpr int kMatrix709 = 1, kMatrix470 = 5, kMatrix601 = 6, kMatrix2020 = 9, kMatrix2020c = 10;

// For each of 256 levels of a display of 203 cd/m2 (BT.1886, gamma 2.4) the PQ signal (SMPTE ST 2084) of 65535.
constexpr std::array<std::uint16_t, 256> kPqOfLevel = {
    0,     223,   571,   962,   1371,  1786,  2202,  2614,  3023,  3425,  3821,  4211,  4593,  4969,  5337,  5699,  6054,  6403,
    6746,  7082,  7413,  7738,  8057,  8371,  8679,  8983,  9282,  9576,  9865,  10150, 10431, 10707, 10979, 11248, 11512, 11773,
    12031, 12284, 12535, 12782, 13026, 13266, 13504, 13739, 13970, 14199, 14425, 14649, 14869, 15088, 15303, 15517, 15728, 15936,
    16142, 16346, 16548, 16748, 16945, 17141, 17335, 17526, 17716, 17904, 18090, 18274, 18456, 18637, 18816, 18993, 19168, 19342,
    19515, 19686, 19855, 20023, 20189, 20354, 20518, 20680, 20841, 21000, 21158, 21315, 21470, 21625, 21778, 21929, 22080, 22229,
    22378, 22525, 22671, 22815, 22959, 23102, 23243, 23384, 23524, 23662, 23800, 23936, 24072, 24206, 24340, 24473, 24605, 24736,
    24866, 24995, 25123, 25251, 25377, 25503, 25628, 25752, 25875, 25998, 26120, 26241, 26361, 26480, 26599, 26717, 26834, 26951,
    27066, 27182, 27296, 27410, 27523, 27635, 27747, 27858, 27969, 28078, 28188, 28296, 28404, 28511, 28618, 28724, 28830, 28935,
    29039, 29143, 29246, 29349, 29451, 29553, 29654, 29754, 29854, 29954, 30053, 30151, 30249, 30346, 30443, 30540, 30636, 30731,
    30826, 30921, 31015, 31108, 31202, 31294, 31386, 31478, 31570, 31660, 31751, 31841, 31931, 32020, 32108, 32197, 32285, 32372,
    32459, 32546, 32632, 32718, 32804, 32889, 32974, 33058, 33142, 33226, 33309, 33392, 33475, 33557, 33639, 33720, 33801, 33882,
    33962, 34043, 34122, 34202, 34281, 34360, 34438, 34516, 34594, 34671, 34748, 34825, 34902, 34978, 35054, 35129, 35205, 35280,
    35354, 35429, 35503, 35576, 35650, 35723, 35796, 35869, 35941, 36013, 36085, 36157, 36228, 36299, 36370, 36440, 36510, 36580,
    36650, 36719, 36788, 36857, 36926, 36994, 37062, 37130, 37198, 37265, 37332, 37399, 37466, 37532, 37599, 37665, 37730, 37796,
    37861, 37926, 37991, 38055,
};

// A colour in the frame's own terms: 16 bits for each component, full scale 65535, and alpha of 255.
struct Ink {
  std::array<std::int32_t, 3> yuv{};
  std::int32_t alpha = 0;
};

// Kr and Kb of 65536.
std::pair<std::int64_t, std::int64_t> matrix_of(int matrix, int lines) {
  switch (matrix) {
    case kMatrix709: return {13933, 4732};
    case kMatrix2020:
    case kMatrix2020c: return {17216, 3886};
    case kMatrix470:
    case kMatrix601: return {19595, 7471};
    // As players guess: what has no more lines than PAL is of its time.
    default:
      return lines > 576 ? std::pair<std::int64_t, std::int64_t>(13933, 4732)
                         : std::pair<std::int64_t, std::int64_t>(19595, 7471);
  }
}

Ink ink_of(std::uint32_t argb, const Colour& colour, int lines) {
  std::array<std::int64_t, 3> rgb{};  // of 65535
  for (std::size_t i = 0; i < 3; ++i) {
    const std::uint32_t level = argb >> (16 - 8 * i) & 0xFF;
    rgb[i] = colour.transfer == kTransferPq    ? kPqOfLevel[level]
             : colour.transfer == kTransferHlg ? level * 257 * 3 / 4
                                               : level * 257;
  }
  const auto [kr, kb] = matrix_of(colour.matrix, lines);
  const auto divide = [](std::int64_t value, std::int64_t by) { return (value + (value < 0 ? -by : by) / 2) / by; };
  const std::int64_t luma = divide(kr * rgb[0] + (65536 - kr - kb) * rgb[1] + kb * rgb[2], 65536);
  // -32768 to 32768.
  const std::int64_t blue = divide((rgb[2] - luma) * 32768, 65536 - kb);
  const std::int64_t red = divide((rgb[0] - luma) * 32768, 65536 - kr);
  Ink ink;
  ink.alpha = static_cast<std::int32_t>(argb >> 24);
  const auto component = [](std::int64_t value) { return static_cast<std::int32_t>(std::clamp<std::int64_t>(value, 0, 65535)); };
  if (colour.full_range) {
    ink.yuv = {component(luma), component(32768 + blue), component(32768 + red)};
  } else {
    // 16 to 235 and 16 to 240 of 8 bits, times 256.
    ink.yuv = {component(16 * 256 + divide(luma * 219 * 256, 65535)), component(128 * 256 + divide(blue * 224 * 256, 65536)),
               component(128 * 256 + divide(red * 224 * 256, 65536))};
  }
  return ink;
}

// One component of what is drawn, in the size of its plane: sums of value x alpha and of alpha, each divided by how many were summed.
struct Layer {
  int x = 0, y = 0, width = 0, height = 0;  // in the plane
  std::vector<std::uint16_t> value;         // premultiplied by alpha/255, of 65535
  std::vector<std::uint8_t> alpha;
};

// The rectangle as inks, row by row.
std::vector<std::uint8_t> indexes_of(const BitmapRect& rect) {
  std::vector<std::uint8_t> indexes;
  const auto size = static_cast<std::size_t>(rect.width) * static_cast<std::size_t>(rect.height);
  indexes.reserve(size);
  for (std::size_t i = 0; i + 1 < rect.runs.size() && indexes.size() < size; i += 2) {
    const auto count = std::min<std::size_t>(static_cast<std::uint8_t>(rect.runs[i]), size - indexes.size());
    indexes.insert(indexes.end(), count, static_cast<std::uint8_t>(rect.runs[i + 1]));
  }
  indexes.resize(size);
  return indexes;
}

// A rectangle's place on one plane, in plane pixels times 2^16, and how it is laid there.
struct Place {
  std::int64_t left = 0, top = 0;       // of the rectangle, 16.16
  std::int64_t step_x = 0, step_y = 0;  // rectangle pixels for each of the plane's, 16.16
};

// Averages the rectangle's pixels (value weighted by alpha) over each pixel of the plane it touches.
Layer layer_of(const BitmapRect& rect, const std::vector<std::uint8_t>& indexes, const std::vector<Ink>& inks,
               std::size_t component, const Place& place, int plane_width, int plane_height) {
  constexpr std::int64_t kOne = 1 << 16;
  Layer layer;
  const auto floor_of = [](std::int64_t fixed) { return static_cast<int>(fixed >> 16); };
  const std::int64_t right = place.left + static_cast<std::int64_t>(rect.width) * kOne * kOne / place.step_x;
  const std::int64_t bottom = place.top + static_cast<std::int64_t>(rect.height) * kOne * kOne / place.step_y;
  layer.x = std::clamp(floor_of(place.left), 0, plane_width);
  layer.y = std::clamp(floor_of(place.top), 0, plane_height);
  layer.width = std::clamp(floor_of(right + kOne - 1), layer.x, plane_width) - layer.x;
  layer.height = std::clamp(floor_of(bottom + kOne - 1), layer.y, plane_height) - layer.y;
  const auto size = static_cast<std::size_t>(layer.width) * static_cast<std::size_t>(layer.height);
  layer.value.resize(size);
  layer.alpha.resize(size);
  // Where a pixel of the plane begins, in the rectangle's pixels: at least one of them is looked at, all of them count alike.
  const auto source_of = [&](int at, std::int64_t origin, std::int64_t step) {
    return ((static_cast<std::int64_t>(at) * kOne - origin) * step) >> 32;
  };
  for (int y = 0; y < layer.height; ++y) {
    const std::int64_t first_row = source_of(layer.y + y, place.top, place.step_y);
    const std::int64_t end_row = std::max(first_row + 1, source_of(layer.y + y + 1, place.top, place.step_y));
    for (int x = 0; x < layer.width; ++x) {
      const std::int64_t first = source_of(layer.x + x, place.left, place.step_x);
      const std::int64_t end = std::max(first + 1, source_of(layer.x + x + 1, place.left, place.step_x));
      std::int64_t values = 0, alphas = 0, count = 0;
      for (std::int64_t row = first_row; row < end_row; ++row) {
        for (std::int64_t column = first; column < end; ++column) {
          ++count;
          if (row < 0 || row >= rect.height || column < 0 || column >= rect.width) continue;
          const Ink& ink = inks[indexes[static_cast<std::size_t>(row) * static_cast<std::size_t>(rect.width) +
                                        static_cast<std::size_t>(column)]];
          values += static_cast<std::int64_t>(ink.yuv[component]) * ink.alpha;
          alphas += ink.alpha;
        }
      }
      const std::size_t at = static_cast<std::size_t>(y) * static_cast<std::size_t>(layer.width) + static_cast<std::size_t>(x);
      layer.value[at] = static_cast<std::uint16_t>((values + count * 255 / 2) / (count * 255));
      layer.alpha[at] = static_cast<std::uint8_t>((alphas + count / 2) / count);
    }
  }
  return layer;
}

// A rectangle's three layers.
using Drawing = std::array<Layer, 3>;

Drawing drawing_of(const Bitmap& bitmap, const BitmapRect& rect, const AVFrame& frame, const AVPixFmtDescriptor& format,
                   const Colour& colour) {
  std::vector<Ink> inks;
  for (std::size_t i = 0; i < kBitmapPaletteMax; ++i)
    inks.push_back(ink_of(i < rect.palette.size() ? rect.palette[i] : 0, colour, frame.height));
  const std::vector<std::uint8_t> indexes = indexes_of(rect);
  // Of the canvas, for each pixel of the frame.
  const std::int64_t step = (static_cast<std::int64_t>(bitmap.width) << 16) / frame.width;
  const auto scaled = [&](std::int64_t canvas) { return (canvas << 32) / step; };
  const std::int64_t frame_width = static_cast<std::int64_t>(frame.width) << 16;
  const std::int64_t frame_height = static_cast<std::int64_t>(frame.height) << 16;
  const auto inside = [](std::int64_t at, std::int64_t size, std::int64_t room) {
    return std::max<std::int64_t>(0, std::min(at, room - size));
  };
  const std::int64_t left = inside(scaled(rect.x), scaled(rect.width), frame_width);
  const std::int64_t top = inside(scaled(rect.y) + (frame_height - scaled(bitmap.height)) / 2, scaled(rect.height), frame_height);
  Drawing drawing;
  for (std::size_t i = 0; i < 3; ++i) {
    const int shift_x = i == 0 ? 0 : format.log2_chroma_w;
    const int shift_y = i == 0 ? 0 : format.log2_chroma_h;
    const Place place{left >> shift_x, top >> shift_y, step << shift_x, step << shift_y};
    drawing[i] =
        layer_of(rect, indexes, inks, i, place, AV_CEIL_RSHIFT(frame.width, shift_x), AV_CEIL_RSHIFT(frame.height, shift_y));
  }
  return drawing;
}

template <class Sample>
void blend(AVFrame& frame, int plane, const Layer& layer, int depth) {
  for (int y = 0; y < layer.height; ++y) {
    auto* row =
        reinterpret_cast<Sample*>(frame.data[plane] + static_cast<std::ptrdiff_t>(layer.y + y) * frame.linesize[plane]) + layer.x;
    for (int x = 0; x < layer.width; ++x) {
      const std::size_t at = static_cast<std::size_t>(y) * static_cast<std::size_t>(layer.width) + static_cast<std::size_t>(x);
      const unsigned alpha = layer.alpha[at];
      if (alpha == 0) continue;
      const unsigned over = (layer.value[at] + (1U << (16 - depth) >> 1)) >> (16 - depth);
      const unsigned sum = (row[x] * (255 - alpha) + 127) / 255 + over;
      row[x] = static_cast<Sample>(std::min(sum, (1U << depth) - 1));
    }
  }
}

bool is_planar_yuv(const AVPixFmtDescriptor& format) {
  const auto refused = static_cast<std::uint64_t>(AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM |
                                                  AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_FLOAT | AV_PIX_FMT_FLAG_BE);
  if ((format.flags & refused) != 0 || (format.nb_components != 1 && format.nb_components < 3)) return false;
  for (int i = 0; i < std::min<int>(3, format.nb_components); ++i) {
    const AVComponentDescriptor& part = format.comp[i];
    if (part.plane != i || part.shift != 0 || part.offset != 0 || part.step != (part.depth > 8 ? 2 : 1)) return false;
  }
  return true;
}

}  // namespace

struct Burner::State {
  const std::vector<Overlay>& overlays;
  Colour colour;
  // Of the overlays that are shown now, by place; drawn once for frames of one shape.
  std::map<std::size_t, std::vector<Drawing>> drawings;
  std::tuple<int, int, int> shape;
};

Burner::Burner(const std::vector<Overlay>& overlays, Colour colour)
    : state_(std::make_unique<State>(State{overlays, colour, {}, {}})) {}
Burner::Burner(Burner&&) noexcept = default;
Burner::~Burner() = default;

Result<> Burner::burn(AVFrame& frame, std::uint32_t index) {
  State& s = *state_;
  for (std::size_t i = 0; i < s.overlays.size(); ++i) {
    const Overlay& overlay = s.overlays[i];
    if (index < overlay.first || index >= overlay.end) {
      if (index >= overlay.end) s.drawings.erase(i);
      continue;
    }
    const AVPixFmtDescriptor& format = *av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
    if (!is_planar_yuv(format)) {
      return fail(FaultKind::kInput, std::string("subtitles cannot be burnt into frames of format ") + format.name +
                                         ": drop them, or give the source in planar YUV");
    }
    const std::tuple shape(frame.width, frame.height, frame.format);
    if (shape != s.shape) s.drawings.clear();
    s.shape = shape;
    auto drawn = s.drawings.find(i);
    if (drawn == s.drawings.end()) {
      drawn = s.drawings.try_emplace(i).first;
      for (const BitmapRect& rect : overlay.bitmap.rects)
        drawn->second.push_back(drawing_of(overlay.bitmap, rect, frame, format, s.colour));
    }
    if (av_frame_make_writable(&frame) < 0) return fail(FaultKind::kMachine, "out of memory for a frame");
    for (const Drawing& drawing : drawn->second) {
      for (int plane = 0; plane < std::min<int>(3, format.nb_components); ++plane) {
        const Layer& layer = drawing[static_cast<std::size_t>(plane)];
        const int depth = format.comp[plane].depth;
        depth > 8 ? blend<std::uint16_t>(frame, plane, layer, depth) : blend<std::uint8_t>(frame, plane, layer, depth);
      }
    }
  }
  return {};
}

}  // namespace gopmill::av
