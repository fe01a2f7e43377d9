#pragma once

#include <cstdint>
#include <optional>

// Colour as video files describe it: value types and the few questions everybody asks of them. What is done about colour is
// decided in coordinator/plan/plan_colour.h and carried out by media/signal/tone_map.h.

namespace gopmill {

// Code points of ISO/IEC 23091-2, which containers, bitstreams and libav share.
inline constexpr std::uint8_t kUnspecified = 2;
inline constexpr std::uint8_t kPrimariesBt709 = 1, kPrimariesBt2020 = 9, kPrimariesDciP3 = 11, kPrimariesDisplayP3 = 12;
inline constexpr std::uint8_t kTransferBt709 = 1, kTransferGamma22 = 4, kTransferGamma28 = 5, kTransferLinear = 8,
                              kTransferSrgb = 13, kTransferBt2020Ten = 14, kTransferBt2020Twelve = 15, kTransferPq = 16,
                              kTransferHlg = 18;
inline constexpr std::uint8_t kMatrixRgb = 0, kMatrixBt709 = 1, kMatrixFcc = 4, kMatrixBt470Bg = 5, kMatrixSmpte170 = 6,
                              kMatrixSmpte240 = 7, kMatrixYcgco = 8, kMatrixBt2020 = 9;
inline constexpr std::uint8_t kChromaLeft = 1;  // libav's number: one above the bitstream's

// Light, in cd/m2.
inline constexpr std::uint32_t kSdrWhite = 203;    // HDR's reference white (BT.2408 2.2): SDR's white looks the same beside it
inline constexpr std::uint32_t kPeakUsual = 1000;  // of HLG (BT.2100 table 5); of PQ what nearly all of it is graded for
inline constexpr std::uint32_t kPeakMax = 10'000;  // of PQ

// Colour as the bitstream and container agree on; numbers of ISO/IEC 23091-2. 2 = unspecified.
struct Colour {
  std::uint8_t primaries = kUnspecified;
  std::uint8_t transfer = kUnspecified;
  std::uint8_t matrix = kUnspecified;  // kMatrixRgb only where frames really are red, green and blue
  bool full_range = false;
  std::uint8_t chroma_location = 0;  // 0 = unspecified
  friend bool operator==(const Colour&, const Colour&) = default;
};

inline bool is_hdr(const Colour& colour) { return colour.transfer == kTransferPq || colour.transfer == kTransferHlg; }

// A point of the CIE 1931 diagram, in units of 0.00002.
struct Chromaticity {
  std::uint16_t x = 0, y = 0;
  friend bool operator==(const Chromaticity&, const Chromaticity&) = default;
};

// The display a video was graded on (SMPTE ST 2086), as written in the file.
struct MasteringDisplay {
  Chromaticity red, green, blue, white;
  std::uint32_t luminance_max = 0, luminance_min = 0;  // 0.0001 cd/m2
  friend bool operator==(const MasteringDisplay&, const MasteringDisplay&) = default;
};

// How bright a video gets (CTA-861.3), cd/m2. 0: not said.
struct ContentLight {
  std::uint16_t max = 0;          // of any sample: MaxCLL
  std::uint16_t average_max = 0;  // of any frame's mean: MaxFALL
  friend bool operator==(const ContentLight&, const ContentLight&) = default;
};

// How frames come by other colours than the source's; decided once for the whole file. Both sides are of limited range.
struct ColourChange {
  Colour from;
  Colour to;
  std::uint32_t peak = 0;  // cd/m2: HDR is brought down to SDR by a curve that ends there; 0: no curve
  friend bool operator==(const ColourChange&, const ColourChange&) = default;
};

template <class A>
void fields(A& a, Colour& v) {
  a(v.primaries, v.transfer, v.matrix, v.full_range, v.chroma_location);
}
template <class A>
void fields(A& a, Chromaticity& v) {
  a(v.x, v.y);
}
template <class A>
void fields(A& a, MasteringDisplay& v) {
  a(v.red, v.green, v.blue, v.white, v.luminance_max, v.luminance_min);
}
template <class A>
void fields(A& a, ContentLight& v) {
  a(v.max, v.average_max);
}
template <class A>
void fields(A& a, ColourChange& v) {
  a(v.from, v.to, v.peak);
}

}  // namespace gopmill
