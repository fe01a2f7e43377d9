#pragma once

#include <cstdint>
#include <string>

// H.264 whose frames are single fields, which no encoder of FFmpeg writes and every broadcaster may. Macroblocks are I_PCM: what is decoded
// is what was given, to the sample. ITU-T H.264, 7.3.

namespace gopmill::test {

// Sequence and picture parameter sets, with start codes. Sides of the frame are multiples of 32.
std::string h264_field_headers(int width, int height);

struct FieldOfFrame {
  bool bottom = false;
  bool first = true;              // of the two fields of its frame, in coding order
  std::uint32_t frame = 0;        // number in the clip
  std::uint32_t since_key = 0;    // frames since the last IDR frame; 0: this frame is one
  const std::uint8_t* planes[3];  // of the frame, 4:2:0, 8 bits
  int strides[3];
  int width = 0, height = 0;  // of the frame
};
// One access unit of one field, with its delimiter and start codes.
std::string h264_field(const FieldOfFrame& field);

}  // namespace gopmill::test
