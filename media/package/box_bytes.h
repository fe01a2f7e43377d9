#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// Boxes as bytes (ISO/IEC 14496-12 4.2), whatever they mean: taken apart and put together. PURE.

namespace gopmill {

inline constexpr std::uint32_t kBoxesMax = 10'000;  // in one parent; a finished file has five

// A fault of kind kInput that names the box.
std::unexpected<Fault> malformed(std::string_view type);

// The content of a box, read from front to back. Reading past the end gives zeros and is remembered.
class BoxContent {
 public:
  explicit BoxContent(std::string_view text) : text_(text) {}
  std::uint64_t number(std::size_t bytes);  // big-endian
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  void skip(std::size_t bytes);
  [[nodiscard]] std::string_view rest() const { return text_.substr(at_); }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

struct ChildBox {
  std::string_view type;
  std::string_view content;
  std::string_view whole;
};
// The boxes that `text`, the content of `parent`, consists of. They view `text`.
Result<std::vector<ChildBox>> children_of(std::string_view text, std::string_view parent);
// The first of the type; null: none.
const ChildBox* find_box(const std::vector<ChildBox>& children, std::string_view type);

// A whole box.
std::string box_of(std::string_view type, const std::string& content);

}  // namespace gopmill
