#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gopmill {

// Text from outside, one character at a time. Pure.

// Bytes of the UTF-8 character at the start of `text`, which is not empty; 0 where there is none: overlong, cut off, a
// surrogate, above U+10FFFF (table 3-7 of the Unicode standard).
std::size_t utf8_length(std::string_view text);

// What one whole UTF-8 character stands for.
char32_t utf8_value(std::string_view character);

// A byte of text: U+0000 to U+001F, U+007F. No byte of a longer UTF-8 character is one.
bool is_ascii_control(char byte);

// `character` is one whole UTF-8 character: U+0000 to U+001F, U+007F to U+009F.
bool is_control(std::string_view character);

// One line of valid UTF-8, at most `bytes_max` bytes, cut between characters: what is no UTF-8 becomes U+FFFD, runs of control
// characters and blanks become one blank, and none is left at either end.
std::string one_line(std::string_view text, std::size_t bytes_max);

}  // namespace gopmill
