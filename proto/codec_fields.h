#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/result.h"
#include "base/time.h"
#include "proto/messages.h"

// What every field of a message goes through on its way out and in: text made clean, values held against their limits, lists
// counted. It knows no message; codec_messages.h has them. Private to the codec.

namespace gopmill::wire {

// Valid UTF-8 of at most `bytes_max`, cut between characters.
std::string clean_text(std::string_view text, std::size_t bytes_max);

// Checks each value that is taken out of a parsed message against its limit. The first refusal is kept; what comes after it
// does not matter any more.
class Taker {
 public:
  explicit Taker(std::string_view message) : message_(message) {}
  [[nodiscard]] std::optional<Fault>& refusal() { return refusal_; }

  void refuse(std::string_view field, std::string_view why);
  template <class T>
  void at_most(std::string_view field, T value, T max) {
    if (value > max) refuse(field, "is " + std::to_string(value) + ", at most " + std::to_string(max) + " is allowed");
  }
  std::string blob(std::string_view field, std::string* from, std::size_t bytes_max);
  std::string text(std::string_view field, std::string* from, std::size_t bytes_max = kNameBytesMax);
  // A name that becomes part of a file's: it must not lead out of its folder.
  std::string file_name(std::string_view field, std::string* from);
  // The same of a path below a folder.
  std::string output_path(std::string_view field, std::string* from);
  std::string path(std::string_view field, std::string* from);
  Duration duration(std::string_view field, std::int64_t ms);
  template <class Enum>
  Enum enumerator(std::string_view field, std::uint32_t value, Enum last) {
    if (value < 1 || value > static_cast<std::uint32_t>(last))
      refuse(field, "is " + std::to_string(value) + ", which names nothing");
    return static_cast<Enum>(value);
  }
  bool count(std::string_view field, int size, std::size_t max);

 private:
  std::string_view message_;
  std::optional<Fault> refusal_;
};

// Lists of what has a put() and a get() of its own.
template <class Wire, class List>
void put_list(const std::vector<Wire>& from, List* to, std::size_t max) {
  GOPMILL_CHECK(from.size() <= max);
  for (const Wire& one : from) put(one, *to->Add());
}
template <class Wire, class List>
void get_list(Taker& taker, std::string_view field, List* from, std::size_t max, std::vector<Wire>& to) {
  if (!taker.count(field, from->size(), max)) return;
  for (auto& one : *from) get(taker, one, to.emplace_back());
}

// Names of codecs.
template <class List>
void put_names(const std::vector<std::string>& from, List* to, std::size_t max) {
  GOPMILL_CHECK(from.size() <= max);
  for (const std::string& name : from) *to->Add() = clean_text(name, kCodecNameBytesMax);
}
template <class List>
void get_names(Taker& taker, std::string_view field, List* from, std::size_t max, std::vector<std::string>& to) {
  if (!taker.count(field, from->size(), max)) return;
  for (std::string& name : *from) to.push_back(taker.text(field, &name, kCodecNameBytesMax));
}

}  // namespace gopmill::wire
