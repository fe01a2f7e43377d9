#include "media/package/box_bytes.h"

#include <algorithm>

#include "base/bytes.h"

namespace gopmill {

std::unexpected<Fault> malformed(std::string_view type) {
  return fail(FaultKind::kInput, "the box '" + std::string(type) + "' is malformed");
}

std::uint64_t BoxContent::number(std::size_t bytes) {
  if (text_.size() - at_ < bytes) {
    ok_ = false;
    at_ = text_.size();
    return 0;
  }
  const std::uint64_t value = big_endian(text_, at_, bytes);
  at_ += bytes;
  return value;
}

void BoxContent::skip(std::size_t bytes) {
  if (text_.size() - at_ < bytes) ok_ = false;
  at_ = std::min(text_.size(), at_ + bytes);
}

Result<std::vector<ChildBox>> children_of(std::string_view text, std::string_view parent) {
  std::vector<ChildBox> children;
  for (std::size_t at = 0; at < text.size();) {
    if (text.size() - at < 8 || children.size() >= kBoxesMax) return malformed(parent);
    std::uint64_t size = big_endian(text, at, 4);
    std::size_t head = 8;
    if (size == 1 && text.size() - at >= 16) {
      size = big_endian(text, at + 8, 8);
      head = 16;
    }
    if (size < head || size > text.size() - at) return malformed(parent);
    children.push_back({text.substr(at + 4, 4), text.substr(at + head, size - head), text.substr(at, size)});
    at += size;
  }
  return children;
}

const ChildBox* find_box(const std::vector<ChildBox>& children, std::string_view type) {
  const auto found = std::find_if(children.begin(), children.end(), [&](const ChildBox& c) { return c.type == type; });
  return found == children.end() ? nullptr : &*found;
}

std::string box_of(std::string_view type, const std::string& content) {
  std::string text;
  put_big_endian(text, content.size() + 8, 4);
  text += type;
  return text + content;
}

}  // namespace gopmill
