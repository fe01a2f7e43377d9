#include "cli/terminal/talk.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/utf8.h"

namespace gopmill {

namespace {

bool write_whole(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

// The character at the start of `text`: its bytes and what it stands for. What is not UTF-8 counts as one byte each.
struct Character {
  std::size_t bytes = 1;
  char32_t value = 0;
};

Character first_character(std::string_view text) {
  const std::size_t bytes = utf8_length(text);
  if (bytes == 0) return {1, static_cast<unsigned char>(text.front())};
  return {bytes, utf8_value(text.substr(0, bytes))};
}

// The blocks that terminals show two columns wide; the rest of Unicode's table matters too little for cutting a line.
bool is_wide(char32_t value) {
  return (value >= 0x1100 && value <= 0x115F) || (value >= 0x2E80 && value <= 0xA4CF) || (value >= 0xAC00 && value <= 0xD7A3) ||
         (value >= 0xF900 && value <= 0xFAFF) || (value >= 0xFE30 && value <= 0xFE6F) || (value >= 0xFF00 && value <= 0xFF60) ||
         (value >= 0x1F300 && value <= 0x1FAFF) || (value >= 0x20000 && value <= 0x3FFFD);
}

// `value` in steps of 1000 with the prefix that leaves one to three digits before the point.
std::string scaled(double value, std::string_view unit) {
  constexpr std::array<std::string_view, 6> kPrefixes{"", "k", "M", "G", "T", "P"};
  std::size_t step = 0;
  // 999.95 would be shown as 1000.0.
  while (value >= (step == 0 ? 1000 : 999.95) && step + 1 < kPrefixes.size()) {
    value /= 1000;
    ++step;
  }
  return decimal_text(value, step == 0 ? 0 : 1) + " " + std::string(kPrefixes[step]) + std::string(unit);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const Character character = first_character(text.substr(i));
    if (character.value == '\n' || character.value == '\r' || character.value == '\t') {
      line += ' ';
    } else if (is_control(text.substr(i, character.bytes))) {
      line += '?';
    } else {
      line += text.substr(i, character.bytes);
    }
    i += character.bytes;
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

void say(std::string_view line) { write_whole(STDERR_FILENO, std::string(line) + "\n"); }

void complain(std::string_view text) { say("gopmill: " + printable(text)); }

Result<> print(std::string_view bytes) {
  if (!write_whole(STDOUT_FILENO, bytes)) {
    return fail(FaultKind::kMachine, std::string("cannot write to standard output: ") + std::strerror(errno));
  }
  return {};
}

std::string duration_text(Duration duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  std::array<char, 48> text{};
  if (seconds >= 3600) {
    std::snprintf(text.data(), text.size(), "%lld:%02lld:%02lld", static_cast<long long>(seconds / 3600),
                  static_cast<long long>(seconds / 60 % 60), static_cast<long long>(seconds % 60));
  } else {
    std::snprintf(text.data(), text.size(), "%lld:%02lld", static_cast<long long>(seconds / 60),
                  static_cast<long long>(seconds % 60));
  }
  return text.data();
}

std::string bytes_text(std::uint64_t bytes) { return scaled(static_cast<double>(bytes), "B"); }

std::string bit_rate_text(std::int64_t bits) { return scaled(static_cast<double>(bits), "b/s"); }

std::string decimal_text(double value, int places) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", places, value);
  return text.data();
}

std::size_t columns(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size();) {
    const Character character = first_character(text.substr(i));
    count += is_wide(character.value) ? 2 : 1;
    i += character.bytes;
  }
  return count;
}

std::string cut_to(std::string_view text, std::size_t width) {
  std::size_t count = 0;
  std::size_t end = 0;
  while (end < text.size()) {
    const Character character = first_character(text.substr(end));
    count += is_wide(character.value) ? 2 : 1;
    if (count > width) break;
    end += character.bytes;
  }
  return std::string(text.substr(0, end));
}

}  // namespace gopmill
