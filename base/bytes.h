#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gopmill {

// Bytes as numbers, the most significant first, and as text. Pure.

// The caller sees to it that all `bytes`, at most 8, are there.
inline std::uint64_t big_endian(std::string_view text, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<std::uint8_t>(text[at + i]);
  return value;
}

inline void put_big_endian(std::string& to, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) to.push_back(static_cast<char>(value >> shift & 0xff));
}

// Bytes as lower-case hexadecimal, two digits each.
inline std::string hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace gopmill
