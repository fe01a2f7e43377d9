#include "profiles/written_value.h"

#include <algorithm>

#include "base/utf8.h"

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
  // An escape in a quoted text can make any character.
  for (std::string_view left = node_.text; !left.empty();) {
    const std::string_view character = left.substr(0, std::max<std::size_t>(utf8_length(left), 1));
    if (is_control(character) && !(lines && character == "\n")) return wrong(expected + ", without control characters");
    left.remove_prefix(character.size());
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
