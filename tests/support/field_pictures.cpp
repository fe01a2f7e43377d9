#include "tests/support/field_pictures.h"

#include <bit>
#include <cstddef>

#include "base/check.h"

namespace gopmill::test {

namespace {

constexpr int kMacroblock = 16;
constexpr int kNumberBits = 8;  // of frame_num and pic_order_cnt_lsb: their GOPs stay below 128 frames
constexpr std::uint32_t kIPcm = 25;
constexpr std::uint32_t kAllI = 7;  // slice_type: every slice of the frame is an I slice
constexpr std::uint8_t kSlice = 1, kIdr = 5, kSps = 7, kPps = 8, kDelimiter = 9;

// The bits of one NAL unit, most significant first.
class Bits {
 public:
  void put(std::uint32_t value, int count) {
    for (int i = count - 1; i >= 0; --i) {
      if (used_ % 8 == 0) bytes_.push_back('\0');
      if (value >> i & 1U) bytes_.back() = static_cast<char>(static_cast<unsigned char>(bytes_.back()) | 128U >> used_ % 8);
      ++used_;
    }
  }
  // ue(v)
  void golomb(std::uint32_t value) {
    const int length = static_cast<int>(std::bit_width(value + 1));
    put(0, length - 1);
    put(value + 1, length);
  }
  void align() {
    while (used_ % 8 != 0) put(0, 1);
  }
  void byte(std::uint8_t value) { put(value, 8); }
  // With the stop bit, the start code, and a 3 wherever bytes would look like a start code.
  [[nodiscard]] std::string nal(std::uint8_t type, std::uint8_t reference) {
    put(1, 1);
    align();
    std::string out("\0\0\0\1", 4);
    out.push_back(static_cast<char>(reference << 5 | type));
    int zeros = 0;
    for (const char c : bytes_) {
      if (zeros == 2 && static_cast<unsigned char>(c) <= 3) {
        out.push_back('\3');
        zeros = 0;
      }
      zeros = c == '\0' ? zeros + 1 : 0;
      out.push_back(c);
    }
    return out;
  }

 private:
  std::string bytes_;
  std::size_t used_ = 0;
};

std::string sequence_set(int width, int height) {
  Bits bits;
  bits.byte(77);  // Main
  bits.byte(0);
  bits.byte(31);                 // level 3.1
  bits.golomb(0);                // seq_parameter_set_id
  bits.golomb(kNumberBits - 4);  // log2_max_frame_num_minus4
  bits.golomb(0);                // pic_order_cnt_type
  bits.golomb(kNumberBits - 4);  // log2_max_pic_order_cnt_lsb_minus4
  bits.golomb(1);                // max_num_ref_frames
  bits.put(0, 1);                // gaps_in_frame_num_value_allowed_flag
  bits.golomb(static_cast<std::uint32_t>(width / kMacroblock - 1));
  bits.golomb(static_cast<std::uint32_t>(height / kMacroblock / 2 - 1));
  bits.put(0, 1);  // frame_mbs_only_flag
  bits.put(0, 1);  // mb_adaptive_frame_field_flag
  bits.put(1, 1);  // direct_8x8_inference_flag
  bits.put(0, 1);  // frame_cropping_flag
  bits.put(0, 1);  // vui_parameters_present_flag
  return bits.nal(kSps, 1);
}

std::string frame_set() {
  Bits bits;
  bits.golomb(0);  // pic_parameter_set_id
  bits.golomb(0);  // seq_parameter_set_id
  bits.put(0, 1);  // entropy_coding_mode_flag: CAVLC
  bits.put(0, 1);  // bottom_field_pic_order_in_frame_present_flag
  bits.golomb(0);  // num_slice_groups_minus1
  bits.golomb(0);  // num_ref_idx_l0_default_active_minus1
  bits.golomb(0);  // num_ref_idx_l1_default_active_minus1
  bits.put(0, 3);  // weighted_pred_flag, weighted_bipred_idc
  bits.golomb(0);  // pic_init_qp_minus26
  bits.golomb(0);  // pic_init_qs_minus26
  bits.golomb(0);  // chroma_qp_index_offset
  bits.put(1, 1);  // deblocking_filter_control_present_flag
  bits.put(0, 2);  // constrained_intra_pred_flag, redundant_pic_cnt_present_flag
  return bits.nal(kPps, 1);
}

// A block of the field's plane, whose lines are every second one of the frame's.
void put_block(Bits& bits, const FieldOfFrame& field, int plane, int x, int y, int size) {
  const std::ptrdiff_t stride = field.strides[plane];
  const std::uint8_t* samples = field.planes[plane] + (field.bottom ? stride : 0);
  for (int line = y; line < y + size; ++line) {
    for (int column = x; column < x + size; ++column) bits.byte(samples[2 * stride * line + column]);
  }
}

}  // namespace

std::string h264_field_headers(int width, int height) {
  GOPMILL_CHECK(width % kMacroblock == 0 && height % (2 * kMacroblock) == 0);
  return sequence_set(width, height) + frame_set();
}

std::string h264_field(const FieldOfFrame& field) {
  GOPMILL_CHECK(field.since_key < 1U << (kNumberBits - 1));
  const bool idr = field.since_key == 0 && field.first;
  Bits delimiter;
  delimiter.put(0, 3);  // I slices only
  Bits bits;
  bits.golomb(0);  // first_mb_in_slice
  bits.golomb(kAllI);
  bits.golomb(0);  // pic_parameter_set_id
  bits.put(field.since_key, kNumberBits);
  bits.put(1, 1);  // field_pic_flag
  bits.put(field.bottom ? 1 : 0, 1);
  if (idr) bits.golomb(field.frame % 2);  // idr_pic_id: neighbours differ
  bits.put(2 * field.since_key + (field.first ? 0 : 1), kNumberBits);
  bits.put(0, idr ? 2 : 1);  // dec_ref_pic_marking
  bits.golomb(0);            // slice_qp_delta
  bits.golomb(1);            // disable_deblocking_filter_idc
  for (int y = 0; y < field.height / 2; y += kMacroblock) {
    for (int x = 0; x < field.width; x += kMacroblock) {
      bits.golomb(kIPcm);
      bits.align();
      put_block(bits, field, 0, x, y, kMacroblock);
      for (const int chroma : {1, 2}) put_block(bits, field, chroma, x / 2, y / 2, kMacroblock / 2);
    }
  }
  return delimiter.nal(kDelimiter, 0) + bits.nal(idr ? kIdr : kSlice, 1);
}

}  // namespace gopmill::test
