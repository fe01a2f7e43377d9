#include "media/signal/tone_map.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace gopmill {

namespace {

using Triple = std::array<double, 3>;
using Matrix = std::array<Triple, 3>;

// ---- The table's shape ----

constexpr std::uint32_t kStepBits = 4;  // 16 codes between nodes
constexpr std::uint32_t kStep = 1U << kStepBits;
constexpr std::uint32_t kNodes = 1024 / kStep + 1;
constexpr std::uint32_t kNodeWidth = 4;
constexpr std::uint32_t kAlongCr = kNodeWidth, kAlongCb = kNodes * kAlongCr, kAlongY = kNodes * kAlongCb;
constexpr std::uint32_t kFineBits = 6;  // of a result below the 10-bit code
constexpr double kFine = 1U << kFineBits;

// Limited range, 10 bits (BT.2100 table 9).
constexpr double kBlack = 64, kLumaSpan = 876, kGrey = 512, kChromaSpan = 896;
constexpr double kCodeMin = 4, kCodeMax = 1019;  // the others mark where lines begin (BT.1361)

// ---- Matrices ----

Triple operator*(const Matrix& m, const Triple& v) {
  Triple result{};
  for (std::size_t i = 0; i < 3; ++i) result[i] = m[i][0] * v[0] + m[i][1] * v[1] + m[i][2] * v[2];
  return result;
}

Matrix operator*(const Matrix& a, const Matrix& b) {
  Matrix result{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) result[i][j] = a[i][0] * b[0][j] + a[i][1] * b[1][j] + a[i][2] * b[2][j];
  }
  return result;
}

Matrix inverse(const Matrix& m) {
  const auto minor = [&](std::size_t i, std::size_t j) {
    const std::size_t a = (i + 1) % 3, b = (i + 2) % 3, c = (j + 1) % 3, d = (j + 2) % 3;
    return m[a][c] * m[b][d] - m[a][d] * m[b][c];
  };
  const double determinant = m[0][0] * minor(0, 0) + m[0][1] * minor(0, 1) + m[0][2] * minor(0, 2);
  Matrix result{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) result[j][i] = minor(i, j) / determinant;
  }
  return result;
}

// Shares of red and blue in luma (ISO/IEC 23091-2 table 4).
struct Shares {
  double red, blue;
};
Shares shares_of(std::uint8_t matrix) {
  switch (matrix) {
    case kMatrixFcc: return {0.30, 0.11};
    case kMatrixBt470Bg:
    case kMatrixSmpte170: return {0.299, 0.114};
    case kMatrixSmpte240: return {0.212, 0.087};
    case kMatrixBt2020: return {0.2627, 0.0593};
    default: return {0.2126, 0.0722};
  }
}

// From R'G'B' (0 to 1) to Y' (0 to 1), Cb and Cr (-0.5 to 0.5).
Matrix from_rgb(std::uint8_t matrix) {
  if (matrix == kMatrixYcgco) return {{{0.25, 0.5, 0.25}, {-0.25, 0.5, -0.25}, {0.5, 0, -0.5}}};
  const auto [red, blue] = shares_of(matrix);
  const double green = 1 - red - blue;
  const double cb = 2 * (1 - blue), cr = 2 * (1 - red);
  return {{{red, green, blue}, {-red / cb, -green / cb, 0.5}, {0.5, -green / cr, -blue / cr}}};
}

// From linear R, G, B to X, Y, Z, with D65 as white whatever the primaries' own white is, so that grey stays grey.
Matrix to_xyz(std::uint8_t primaries) {
  constexpr double kWhiteX = 0.3127, kWhiteY = 0.3290;
  std::array<std::array<double, 2>, 3> xy{};
  switch (primaries) {
    case kPrimariesBt2020: xy = {{{0.708, 0.292}, {0.170, 0.797}, {0.131, 0.046}}}; break;
    case kPrimariesDciP3:
    case kPrimariesDisplayP3: xy = {{{0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}}}; break;
    default: xy = {{{0.640, 0.330}, {0.300, 0.600}, {0.150, 0.060}}}; break;
  }
  Matrix columns{};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto [x, y] = xy[i];
    columns[0][i] = x / y;
    columns[1][i] = 1;
    columns[2][i] = (1 - x - y) / y;
  }
  const Triple scale = inverse(columns) * Triple{kWhiteX / kWhiteY, 1, (1 - kWhiteX - kWhiteY) / kWhiteY};
  for (Triple& row : columns) {
    for (std::size_t i = 0; i < 3; ++i) row[i] *= scale[i];
  }
  return columns;
}

// ---- Transfer functions. Below black they go on as their own mirror images, so that the table has no kinks there. ----

template <class F>
double mirrored(double value, F f) {
  return value < 0 ? -f(-value) : f(value);
}

// SMPTE ST 2084; light as a share of 10,000 cd/m2.
constexpr double kPqM1 = 2610.0 / 16384, kPqM2 = 2523.0 / 32, kPqC1 = 3424.0 / 4096, kPqC2 = 2413.0 / 128, kPqC3 = 2392.0 / 128;

double pq_light(double signal) {
  const double p = std::pow(std::min(signal, 1.0), 1 / kPqM2);
  return std::pow(std::max(p - kPqC1, 0.0) / (kPqC2 - kPqC3 * p), 1 / kPqM1);
}
double pq_signal(double light) {
  const double p = std::pow(std::clamp(light, 0.0, 1.0), kPqM1);
  return std::pow((kPqC1 + kPqC2 * p) / (1 + kPqC3 * p), kPqM2);
}

// BT.2100 table 5: light of the scene, 0 to 1.
double hlg_scene(double signal) {
  constexpr double a = 0.17883277, b = 0.28466892, c = 0.55991073;
  return signal <= 0.5 ? signal * signal / 3 : (std::exp((signal - c) / a) + b) / 12;
}

// SDR, as displays show it.
double sdr_light(double signal, std::uint8_t transfer) {
  switch (transfer) {
    case kTransferLinear: return signal;
    case kTransferGamma22: return std::pow(signal, 2.2);
    case kTransferGamma28: return std::pow(signal, 2.8);
    case kTransferSrgb: return signal <= 0.04045 ? signal / 12.92 : std::pow((signal + 0.055) / 1.055, 2.4);
    default: return std::pow(signal, 2.4);
  }
}
double sdr_signal(double light, std::uint8_t transfer) {
  switch (transfer) {
    case kTransferLinear: return light;
    case kTransferGamma22: return std::pow(light, 1 / 2.2);
    case kTransferGamma28: return std::pow(light, 1 / 2.8);
    case kTransferSrgb: return light <= 0.0031308 ? light * 12.92 : 1.055 * std::pow(light, 1 / 2.4) - 0.055;
    default: return std::pow(light, 1 / 2.4);
  }
}

// ---- Curve and gamut ----

// BT.2390 5.4.1 with black at 0 on both sides. Light in cd/m2.
double compressed(double light, double peak) {
  if (peak <= kSdrWhite) return std::min<double>(light, kSdrWhite);
  const double source_white = pq_signal(peak / kPeakMax);
  const double target = pq_signal(1.0 * kSdrWhite / kPeakMax) / source_white;
  const double knee = 1.5 * target - 0.5;
  const double value = std::min(pq_signal(light / kPeakMax) / source_white, 1.0);
  if (value < knee) return light;
  const double t = (value - knee) / (1 - knee);
  const double spline =
      (2 * t * t * t - 3 * t * t + 1) * knee + (t * t * t - 2 * t * t + t) * (1 - knee) + (-2 * t * t * t + 3 * t * t) * target;
  return pq_light(spline * source_white) * kPeakMax;
}

// Light in the target's primaries; no channel may exceed `white`. Luminance and hue stay.
Triple into_gamut(const Triple& rgb, const Triple& luminance_shares, double white) {
  double luminance = 0;
  for (std::size_t i = 0; i < 3; ++i) luminance += luminance_shares[i] * rgb[i];
  if (luminance <= 0) return {};
  if (luminance >= white) return {white, white, white};
  double saturation = 0;  // 1 is the border
  for (const double c : rgb) {
    saturation = std::max(saturation, c < luminance ? (luminance - c) / luminance : (c - luminance) / (white - luminance));
  }
  if (saturation <= kGamutKnee) return rgb;
  const double beyond = (saturation - kGamutKnee) / (1 - kGamutKnee);
  const double wanted = kGamutKnee + (1 - kGamutKnee) * beyond / (1 + beyond);
  Triple result{};
  for (std::size_t i = 0; i < 3; ++i) result[i] = luminance + (rgb[i] - luminance) * wanted / saturation;
  return result;
}

// ---- One colour, from Y'CbCr to Y'CbCr, as ColourTable's head tells it ----

class Change {
 public:
  explicit Change(const ColourChange& change)
      : change_(change),
        decode_(inverse(from_rgb(change.from.matrix))),
        encode_(from_rgb(change.to.matrix)),
        primaries_(inverse(to_xyz(change.to.primaries)) * to_xyz(change.from.primaries)),
        source_luminance_(to_xyz(change.from.primaries)[1]),
        target_luminance_(to_xyz(change.to.primaries)[1]),
        by_light_(change.peak > 0 || change.from.primaries != change.to.primaries) {}

  [[nodiscard]] Triple operator()(const Triple& from) const {
    Triple rgb = decode_ * from;
    if (by_light_ && change_.peak > 0) {
      // There is no white to exceed before the curve, which then leaves no channel above it.
      const Triple light = into_gamut(primaries_ * hdr_light(rgb), target_luminance_, std::numeric_limits<double>::infinity());
      const double largest = *std::max_element(light.begin(), light.end());
      const double gain = largest > 0 ? compressed(largest, change_.peak) / largest / kSdrWhite : 0;
      for (std::size_t i = 0; i < 3; ++i) rgb[i] = sdr_signal(light[i] * gain, kTransferBt709);
    } else if (by_light_) {
      for (double& c : rgb) c = mirrored(c, [&](double signal) { return sdr_light(signal, change_.from.transfer); });
      const Triple light = into_gamut(primaries_ * rgb, target_luminance_, 1);
      for (std::size_t i = 0; i < 3; ++i) rgb[i] = sdr_signal(light[i], change_.from.transfer);
    }
    return encode_ * rgb;
  }

 private:
  // cd/m2 on the display of whoever graded it.
  [[nodiscard]] Triple hdr_light(const Triple& rgb) const {
    Triple light{};
    if (change_.from.transfer == kTransferPq) {
      for (std::size_t i = 0; i < 3; ++i) light[i] = mirrored(rgb[i], pq_light) * kPeakMax;
      return light;
    }
    double luminance = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      light[i] = mirrored(rgb[i], hlg_scene);
      luminance += source_luminance_[i] * light[i];
    }
    // The OOTF; its gamma is 1.2 at a peak of 1000 cd/m2.
    const double gain = kPeakUsual * std::pow(std::max(luminance, 0.0), 0.2);
    for (double& c : light) c *= gain;
    return light;
  }

  ColourChange change_;
  Matrix decode_, encode_, primaries_;
  Triple source_luminance_, target_luminance_;
  bool by_light_;
};

std::uint16_t fine_code(double code) {
  return static_cast<std::uint16_t>(std::lround(std::clamp(code, kCodeMin, kCodeMax) * kFine));
}

// Bayer's 8x8 pattern: each number from 0 to 63 once, neighbours far apart.
constexpr std::array<std::array<std::uint8_t, 8>, 8> kDither = {{{0, 32, 8, 40, 2, 34, 10, 42},
                                                                 {48, 16, 56, 24, 50, 18, 58, 26},
                                                                 {12, 44, 4, 36, 14, 46, 6, 38},
                                                                 {60, 28, 52, 20, 62, 30, 54, 22},
                                                                 {3, 35, 11, 43, 1, 33, 9, 41},
                                                                 {51, 19, 59, 27, 49, 17, 57, 25},
                                                                 {15, 47, 7, 39, 13, 45, 5, 37},
                                                                 {63, 31, 55, 23, 61, 29, 53, 21}}};

// From 64ths of a 10-bit code to a sample. Half a step is what rounding would add; the dither adds 0 to 63/64 of one, and
// exact codes stay as they are.
template <class Sample>
Sample sample_of(std::uint32_t fine, int x, int y) {
  if constexpr (sizeof(Sample) == 1) {
    const std::uint32_t dither = kDither[static_cast<std::size_t>(y) & 7][static_cast<std::size_t>(x) & 7];
    return static_cast<Sample>((fine + 4 * dither) >> (kFineBits + 2));
  } else {
    return static_cast<Sample>((fine + (1U << (kFineBits - 1))) >> kFineBits);
  }
}

// Mean of 1-2-1 across and two rows down: the low-pass whose middle is where the chroma lies.
std::uint32_t chroma_at(const std::vector<std::uint16_t>& above, const std::vector<std::uint16_t>& below, std::size_t x) {
  const std::size_t left = x == 0 ? 1 : x - 1;
  const auto across = [&](const std::vector<std::uint16_t>& row) {
    return static_cast<std::uint32_t>(row[left]) + 2U * row[x] + row[x + 1];
  };
  return (across(above) + across(below) + 4) / 8;
}

}  // namespace

bool matrix_is_known(std::uint8_t matrix) {
  switch (matrix) {
    case kMatrixBt709:
    case kUnspecified:
    case kMatrixFcc:
    case kMatrixBt470Bg:
    case kMatrixSmpte170:
    case kMatrixSmpte240:
    case kMatrixYcgco:
    case kMatrixBt2020: return true;
    default: return false;
  }
}

ColourTable::ColourTable(const ColourChange& change) : nodes_(std::size_t{kNodes} * kAlongY) {
  GOPMILL_CHECK(matrix_is_known(change.from.matrix) && matrix_is_known(change.to.matrix));
  const Change colour(change);
  auto node = nodes_.begin();
  for (std::uint32_t y = 0; y < kNodes; ++y) {
    for (std::uint32_t cb = 0; cb < kNodes; ++cb) {
      for (std::uint32_t cr = 0; cr < kNodes; ++cr, node += kNodeWidth) {
        const Triple to =
            colour({(y * kStep - kBlack) / kLumaSpan, (cb * kStep - kGrey) / kChromaSpan, (cr * kStep - kGrey) / kChromaSpan});
        node[0] = fine_code(to[0] * kLumaSpan + kBlack);
        node[1] = fine_code(to[1] * kChromaSpan + kGrey);
        node[2] = fine_code(to[2] * kChromaSpan + kGrey);
      }
    }
  }
}

// The cell's cube is cut into six tetrahedra that share the diagonal from its lowest to its highest corner. Which one the colour is in
// is told by the order of its three fractions: the way to the far corner goes first along the axis of the largest.
std::array<std::uint32_t, 3> ColourTable::look_up(std::uint32_t y, std::uint32_t cb, std::uint32_t cr) const {
  const std::uint32_t fy = y % kStep, fb = cb % kStep, fr = cr % kStep;
  const std::uint32_t most = std::max({fy, fb, fr}), least = std::min({fy, fb, fr});
  const std::uint32_t middle = fy + fb + fr - most - least;
  const std::uint32_t first = fy == most ? kAlongY : fb == most ? kAlongCb : kAlongCr;
  const std::uint32_t last = fr == least ? kAlongCr : fb == least ? kAlongCb : kAlongY;
  const std::uint16_t* const corner =
      nodes_.data() + std::size_t{y / kStep} * kAlongY + std::size_t{cb / kStep} * kAlongCb + std::size_t{cr / kStep} * kAlongCr;
  constexpr std::uint32_t kFar = kAlongY + kAlongCb + kAlongCr;
  std::array<std::uint32_t, 3> result{};
  for (std::size_t i = 0; i < 3; ++i) {
    const std::uint32_t sum = corner[i] * (kStep - most) + corner[first + i] * (most - middle) +
                              corner[kFar - last + i] * (middle - least) + corner[kFar + i] * least;
    result[i] = (sum + kStep / 2) >> kStepBits;
  }
  return result;
}

template <class Sample>
void ColourTable::convert(const Planes444& in, const Planes420<Sample>& out) const {
  GOPMILL_CHECK(in.width >= 2 && in.height >= 2 && in.width % 2 == 0 && in.height % 2 == 0);
  const auto width = static_cast<std::size_t>(in.width);
  constexpr std::uint16_t kCode = 1023;  // What a decoder left in the upper bits must not lead out of the table.
  std::array<std::vector<std::uint16_t>, 2> cb{std::vector<std::uint16_t>(width), std::vector<std::uint16_t>(width)};
  auto cr = cb;
  for (int y = 0; y < in.height; ++y) {
    const auto row = static_cast<std::size_t>(y & 1);
    std::array<const std::uint16_t*, 3> from{};
    for (std::size_t i = 0; i < 3; ++i) from[i] = in.samples[i] + y * in.strides[i];
    Sample* const luma = out.samples[0] + y * out.strides[0];
    for (std::size_t x = 0; x < width; ++x) {
      const auto colour = look_up(from[0][x] & kCode, from[1][x] & kCode, from[2][x] & kCode);
      luma[x] = sample_of<Sample>(colour[0], static_cast<int>(x), y);
      cb[row][x] = static_cast<std::uint16_t>(colour[1]);
      cr[row][x] = static_cast<std::uint16_t>(colour[2]);
    }
    if (row == 0) continue;
    Sample* const blue = out.samples[1] + y / 2 * out.strides[1];
    Sample* const red = out.samples[2] + y / 2 * out.strides[2];
    for (std::size_t x = 0; x < width / 2; ++x) {
      blue[x] = sample_of<Sample>(chroma_at(cb[0], cb[1], 2 * x), static_cast<int>(x), y / 2);
      red[x] = sample_of<Sample>(chroma_at(cr[0], cr[1], 2 * x), static_cast<int>(x), y / 2);
    }
  }
}

template void ColourTable::convert<std::uint8_t>(const Planes444&, const Planes420<std::uint8_t>&) const;
template void ColourTable::convert<std::uint16_t>(const Planes444&, const Planes420<std::uint16_t>&) const;

}  // namespace gopmill
