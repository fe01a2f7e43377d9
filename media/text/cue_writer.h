#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What the readers of subtitle dialects (cue_text.h) have in common: tags and styles in, clean cue text out. PURE.

namespace gopmill {

// Styles as bits, in the order of tx3g's face-style-flags.
inline constexpr unsigned kBold = 1, kItalic = 2, kUnderline = 4;
inline constexpr std::array<char, 3> kStyleLetters = {'b', 'i', 'u'};

inline constexpr std::string_view kHardBlank = "\xC2\xA0";

inline bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Takes characters and styles in, gives cue text out. Styles are opened only where a character needs them, and closed right
// after the last one.
class CueWriter {
 public:
  void style(unsigned bits) { wanted_ = bits; }
  void line() {
    blank_ = false;
    line_ = !text_.empty();
  }
  // Any bytes; line feeds become lines.
  void text(std::string_view bytes);
  std::string finish() &&;

 private:
  void add(std::string_view piece);
  [[nodiscard]] unsigned open_bits() const;
  // Closes from the innermost outwards until nothing is open that `wanted` lacks.
  void close(unsigned wanted);

  std::string text_;
  unsigned wanted_ = 0;
  std::vector<unsigned> open_;  // places in kStyleLetters, innermost last
  bool line_ = false;
  bool blank_ = false;
  bool full_ = false;
};

// A tag at the start of `text`: "<", perhaps "/", a name, anything, ">".
struct CueTag {
  bool ends = false;
  std::string name;  // small letters
  std::size_t size = 0;
};
std::optional<CueTag> tag_at(std::string_view text);

// Follows <b>, <i> and <u>, which may be nested in themselves.
class StyleStack {
 public:
  // True if the tag is one of the three.
  bool take(const CueTag& tag);
  [[nodiscard]] unsigned bits() const {
    return (depth_[0] > 0 ? kBold : 0U) | (depth_[1] > 0 ? kItalic : 0U) | (depth_[2] > 0 ? kUnderline : 0U);
  }

 private:
  std::array<int, 3> depth_{};
};

// Returns alone, or before a line feed, become line feeds.
std::string without_returns(std::string_view text);

}  // namespace gopmill
