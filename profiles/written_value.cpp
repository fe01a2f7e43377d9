#include "profiles/written_value.h"

#include <algorithm>

namespace gopmill {

std::unexpected<Fault> WrittenValue::wrong(std::string_view expected, std::string_view nearest) const {
  return complaints_.wrong(node_.place, key_, expected, describe(node_), nearest);
}

std::unexpected<Fault> WrittenValue::none_of(std::span<const std::string_view> words) const {
  const std::string_view nearest = is_text() ? nearest_word(node_.text, words) : std::string_view{};
  return wrong((words.size() > 1 ? "one of " : "") + listed(words), nearest);
}

Result<std::string> WrittenValue::text(std::size_t bytes_max, bool lines) const {
  const std::string expected = "text of at most " + std::to_string(bytes_max) + " bytes" + (lines ? "" : " on one line");
  if (!is_text() || node_.text.size() > bytes_max) return wrong(expected);
  for (std::size_t i = 0; i < node_.text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(node_.text[i]);
    // An escape in a quoted text can make any character; U+0080 to U+009F are controls too.
    const bool second_control = byte == 0xC2 && i + 1 < node_.text.size() && static_cast<unsigned char>(node_.text[i + 1]) < 0xA0;
    if ((byte < 0x20 && !(lines && byte == '\n')) || byte == 0x7F || second_control)
      return wrong(expected + ", without control characters");
  }
  return node_.text;
}

Result<std::string> WrittenValue::name() const {
  if (!is_text() || !is_name(node_.text)) return wrong("1 to 32 characters of a-z, 0-9 and -");
  return node_.text;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameMax &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

Result<> check_keys(const TreeNode& map, std::span<const std::string_view> keys, const Complaints& complaints) {
  for (const TreeEntry& entry : map.entries) {
    if (std::ranges::find(keys, entry.key) != keys.end()) continue;
    return complaints.wrong(entry.place, entry.key, "one of " + listed(keys), in_quotes(entry.key),
                            nearest_word(entry.key, keys));
  }
  return {};
}

}  // namespace gopmill
