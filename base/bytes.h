#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gopmill {

// Numbers as bytes, the most significant first. Pure.

// The caller sees to it that all `bytes`, at most 8, are there.
inline std::uint64_t big_endian(std::string_view text, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<std::uint8_t>(text[at + i]);
  return value;
}

inline void put_big_endian(std::string& to, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) to.push_back(static_cast<char>(value >> shift & 0xff));
}

}  // namespace gopmill
