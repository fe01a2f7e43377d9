#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "media/task/colour.h"

// Other colours for frames: HDR to SDR, wide gamut to BT.709, rare matrices to BT.709. Pure arithmetic on planes of samples.
//
// Everything is folded into one table of 65 x 65 x 65 colours, Y'CbCr in and Y'CbCr out, made once per task in double
// arithmetic; pixels are looked up in it with integers alone (tetrahedral interpolation), so every machine gives the same
// bytes. Greys lie on an edge of the tetrahedra and stay exactly grey.
//
// What the table holds, in this order, where ColourChange asks for it:
// - The matrix of `from` is undone: R'G'B'.
// - PQ (SMPTE ST 2084) and HLG (BT.2100, its OOTF at 1000 cd/m2) become light in cd/m2.
// - SDR that only changes its primaries becomes light by its own transfer function, for BT.709, BT.2020 and what says
//   nothing the display's: BT.1886, a power of 2.4.
// - Primaries change to those of `to`. Colours outside of the new gamut come in along the line to the grey of the same
//   luminance, softly: from kGamutKnee of the way to the border on.
// - The curve of BT.2390 (5.4.1) brings `peak` down to kSdrWhite, on the largest of R, G, B and on the others in proportion, which
//   keeps hue and saturation. What is darker than its knee (88 cd/m2 for a peak of 1000) keeps its light.
// - Light becomes a signal: of HDR by BT.1886 with kSdrWhite as white, of SDR as it came. The matrix of `to` follows.

namespace gopmill {

inline constexpr double kGamutKnee = 0.9;  // of the way from grey to the border of the gamut

// True if a change from or to frames of this matrix can be computed.
bool matrix_is_known(std::uint8_t matrix);

// Three planes of 10-bit samples of one size; strides in samples.
struct Planes444 {
  std::array<const std::uint16_t*, 3> samples{};
  std::array<std::ptrdiff_t, 3> strides{};
  int width = 0, height = 0;  // even
};
// 4:2:0, 8 bits in bytes or 10 bits in words; the chroma lies on the left ones of four luma samples, between the rows.
template <class Sample>
struct Planes420 {
  std::array<Sample*, 3> samples{};
  std::array<std::ptrdiff_t, 3> strides{};
};

class ColourTable {
 public:
  // Precondition: matrix_is_known() of both sides.
  explicit ColourTable(const ColourChange& change);

  // Y', Cb, Cr as 10-bit codes of limited range; the result in 64ths of such codes.
  [[nodiscard]] std::array<std::uint32_t, 3> look_up(std::uint32_t y, std::uint32_t cb, std::uint32_t cr) const;

  // 8-bit samples are dithered by an ordered pattern that does not move, else skies and fades would show steps.
  template <class Sample>
  void convert(const Planes444& in, const Planes420<Sample>& out) const;

 private:
  std::vector<std::uint16_t> nodes_;  // kNodeWidth values for each node: Y', Cb, Cr in 64ths, and one unused
};

}  // namespace gopmill
