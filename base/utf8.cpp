#include "base/utf8.h"

#include <algorithm>

namespace gopmill {

std::size_t utf8_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i) { return i < text.size() && (at(i) & 0xC0U) == 0x80U; };
  if (at(0) < 0x80) return 1;
  if (at(0) >= 0xC2 && at(0) <= 0xDF) return continues(1) ? 2 : 0;
  if (at(0) >= 0xE0 && at(0) <= 0xEF && continues(1) && continues(2)) {
    if (at(0) == 0xE0 && at(1) < 0xA0) return 0;
    if (at(0) == 0xED && at(1) > 0x9F) return 0;
    return 3;
  }
  if (at(0) >= 0xF0 && at(0) <= 0xF4 && continues(1) && continues(2) && continues(3)) {
    if (at(0) == 0xF0 && at(1) < 0x90) return 0;
    if (at(0) == 0xF4 && at(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

char32_t utf8_value(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return lead;
  char32_t value = lead & (0xFFU >> (character.size() + 1));
  for (std::size_t i = 1; i < character.size(); ++i) value = value << 6U | (static_cast<unsigned char>(character[i]) & 0x3FU);
  return value;
}

bool is_ascii_control(char byte) { return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7F; }

bool is_control(std::string_view character) {
  if (character.size() == 1) return is_ascii_control(character[0]);
  return static_cast<unsigned char>(character[0]) == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;  // U+0080 to U+009F
}

std::string one_line(std::string_view text, std::size_t bytes_max) {
  std::string line;
  bool blank = false;
  for (std::string_view left = text; !left.empty();) {
    const std::size_t length = utf8_length(left);
    const std::string_view character = left.substr(0, std::max<std::size_t>(length, 1));
    left.remove_prefix(character.size());
    if (length > 0 && (character == " " || is_control(character))) {
      blank = !line.empty();
      continue;
    }
    const std::string_view kept = length > 0 ? character : "\xEF\xBF\xBD";
    if (line.size() + (blank ? 1 : 0) + kept.size() > bytes_max) break;
    if (blank) line += ' ';
    blank = false;
    line += kept;
  }
  return line;
}

}  // namespace gopmill
