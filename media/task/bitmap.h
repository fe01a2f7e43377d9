#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gopmill {

// Subtitles that are frames (PGS, VobSub, DVB), on their way from the analysis to the tasks that burn them in. Value types.

inline constexpr int kBitmapSideMax = 4096;            // a canvas of UHD; PGS ends at 1920
inline constexpr std::size_t kBitmapRectsMax = 16;     // PGS shows 2 at once, DVB has had 8 regions
inline constexpr std::size_t kBitmapPaletteMax = 256;  // an index is a byte

struct BitmapRect {
  int x = 0, y = 0;  // on the canvas
  int width = 0, height = 0;
  std::vector<std::uint32_t> palette;  // 0xAARRGGBB, not premultiplied
  std::string runs;  // pairs of bytes: how many (1 to 255), which colour; rows follow each other without a break
  friend bool operator==(const BitmapRect&, const BitmapRect&) = default;
};

// What is laid over the frame for a while; the canvas is stretched to the frame's width.
struct Bitmap {
  std::int64_t start = 0, end = 0;  // microseconds after the first frame; shown from start on, not any more at end
  int width = 0, height = 0;        // of the canvas
  std::vector<BitmapRect> rects;
  friend bool operator==(const Bitmap&, const Bitmap&) = default;
};

// Which source frames of a task a bitmap is shown on.
struct Overlay {
  std::uint32_t first = 0, end = 0;  // places in VideoTask::sources
  Bitmap bitmap;
};

template <class A>
void fields(A& a, BitmapRect& v) {
  a(v.x, v.y, v.width, v.height, v.palette, v.runs);
}
template <class A>
void fields(A& a, Bitmap& v) {
  a(v.start, v.end, v.width, v.height, v.rects);
}
template <class A>
void fields(A& a, Overlay& v) {
  a(v.first, v.end, v.bitmap);
}

}  // namespace gopmill
