#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"
#include "profiles/profile_tree.h"
#include "profiles/profile_words.h"

namespace gopmill {

// What the readers of keys share: one value as a file has it, and whether a map has only keys that there are. Every fault is
// as load_profile promises, and points at the value. Private to profiles/.

inline constexpr std::size_t kNameMax = 32;  // Names become part of file names, with a base name and a suffix beside them.

// Neither the entry nor the complaints may go before it.
class WrittenValue {
 public:
  WrittenValue(const TreeEntry& entry, const Complaints& complaints)
      : key_(entry.key), node_(entry.value), complaints_(complaints) {}

  [[nodiscard]] std::unexpected<Fault> wrong(std::string_view expected, std::string_view nearest = {}) const;
  [[nodiscard]] bool is(std::string_view word) const { return is_text() && node_.text == word; }

  // Reads text with `parse` and checks that it is in [min, max]; `expected` says both for people.
  template <class T, class Parse>
  Result<T> in_range(const Parse& parse, T min, T max, const std::string& expected) const {
    if (!is_text()) return wrong(expected);
    const std::optional<T> value = parse(node_.text);
    if (!value || *value < min || *value > max) return wrong(expected, meant<T>(parse, min, max));
    return *value;
  }
  // The value of the row whose word stands there.
  template <class T, class Row>
  Result<T> one_of(std::span<const Row> rows, std::string_view Row::* word, T Row::* value) const {
    std::vector<std::string_view> words;
    for (const Row& row : rows) {
      if (is(row.*word)) return row.*value;
      words.push_back(row.*word);
    }
    return none_of(words);
  }
  template <class T, std::size_t N>
  Result<T> one_of(const std::array<Word<T>, N>& words) const {
    return one_of(std::span<const Word<T>>(words), &Word<T>::text, &Word<T>::value);
  }
  // One line (more with `lines`) of at most `bytes_max` bytes.
  [[nodiscard]] Result<std::string> text(std::size_t bytes_max, bool lines) const;
  [[nodiscard]] Result<std::string> name() const;

 private:
  [[nodiscard]] bool is_text() const { return node_.kind == TreeNode::Kind::kText; }
  [[nodiscard]] std::unexpected<Fault> none_of(std::span<const std::string_view> words) const;
  // "4m" for "4M", "128K" or a bare "128" for "128k": a unit that makes the value fit.
  template <class T, class Parse>
  [[nodiscard]] std::string meant(const Parse& parse, T min, T max) const {
    if constexpr (!std::is_same_v<T, std::int64_t>) return {};
    std::string digits = node_.text.substr(0, node_.text.find_first_not_of("0123456789."));
    const char unit = digits.size() < node_.text.size() ? node_.text[digits.size()] : 'k';
    digits += unit == 'm' || unit == 'M' ? 'M' : 'k';
    const auto value = parse(digits);
    return value && !(*value < min) && !(*value > max) ? digits : "";
  }

  std::string_view key_;
  const TreeNode& node_;
  const Complaints& complaints_;
};

// Whether `text` can be the name of a profile or a rendition.
bool is_name(std::string_view text);

// Complains about the first key of `map` that is none of `keys`.
Result<> check_keys(const TreeNode& map, std::span<const std::string_view> keys, const Complaints& complaints);

}  // namespace gopmill
