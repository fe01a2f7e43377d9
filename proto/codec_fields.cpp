#include "proto/codec_fields.h"

#include <utility>

#include "base/utf8.h"

namespace gopmill::wire {

namespace {

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace

std::string clean_text(std::string_view text, std::size_t bytes_max) {
  std::string clean;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::string_view piece = length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(0, length);
    if (clean.size() + piece.size() > bytes_max) break;
    clean += piece;
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return clean;
}

void Taker::refuse(std::string_view field, std::string_view why) {
  if (refusal_) return;
  std::string text(message_);
  text.append(".").append(field).append(" ").append(why);
  refusal_ = Fault{FaultKind::kInput, std::move(text)};
}

std::string Taker::blob(std::string_view field, std::string* from, std::size_t bytes_max) {
  if (from->size() > bytes_max) {
    refuse(field, "is " + std::to_string(from->size()) + " bytes, at most " + std::to_string(bytes_max) + " are allowed");
    return {};
  }
  return std::move(*from);
}

std::string Taker::text(std::string_view field, std::string* from, std::size_t bytes_max) {
  std::string taken = blob(field, from, bytes_max);
  if (!is_utf8(taken)) refuse(field, "is not UTF-8");
  return taken;
}

std::string Taker::file_name(std::string_view field, std::string* from) {
  std::string taken = text(field, from);
  if (taken == "." || taken == ".." || taken.find('/') != taken.npos || taken.find('\0') != taken.npos) {
    refuse(field, "is not a file name");
  }
  return taken;
}

std::string Taker::output_path(std::string_view field, std::string* from) {
  std::string taken = blob(field, from, kOutputPathBytesMax);
  if (const auto good = check_output_path(taken); !good) refuse(field, "names no output: " + good.error().text);
  return taken;
}

std::string Taker::path(std::string_view field, std::string* from) {
  std::string taken = blob(field, from, kPathBytesMax);
  if (taken.find('\0') != taken.npos) refuse(field, "has a zero byte");
  return taken;
}

Duration Taker::duration(std::string_view field, std::int64_t ms) {
  if (ms < 0 || ms > kDurationMax.count()) {
    refuse(field, "is " + std::to_string(ms) + " ms, which is out of range");
    return Duration{0};
  }
  return Duration{ms};
}

bool Taker::count(std::string_view field, int size, std::size_t max) {
  if (static_cast<std::size_t>(size) <= max) return true;
  refuse(field, "has " + std::to_string(size) + " entries, at most " + std::to_string(max) + " are allowed");
  return false;
}

}  // namespace gopmill::wire
