#include "media/text/cue_writer.h"

#include <algorithm>

#include "base/utf8.h"
#include "media/text/cue_text.h"

namespace gopmill {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

}  // namespace

void CueWriter::text(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t length = utf8_length(bytes);
    const std::string_view character = bytes.substr(0, std::max<std::size_t>(length, 1));
    bytes.remove_prefix(character.size());
    if (length == 0) {
      add(kReplacement);
    } else if (character == "\n") {
      line();
    } else if (character == " " || character == "\t") {
      blank_ = true;
    } else if (!is_control(character)) {
      add(character == "&" ? "&amp;" : character == "<" ? "&lt;" : character == ">" ? "&gt;" : character);
    }
  }
}

std::string CueWriter::finish() && {
  close(0);
  return std::move(text_);
}

void CueWriter::add(std::string_view piece) {
  // Room for the tags of three styles, opened and closed.
  if (full_ || text_.size() + piece.size() + 24 > kCueBytesMax) {
    full_ = true;
    return;
  }
  close(wanted_);
  if (line_) {
    text_ += '\n';
  } else if (blank_ && !text_.empty()) {
    text_ += ' ';
  }
  line_ = blank_ = false;
  for (unsigned i = 0; i < kStyleLetters.size(); ++i) {
    const unsigned bit = 1U << i;
    if ((wanted_ & bit) == 0 || (open_bits() & bit) != 0) continue;
    text_ += {'<', kStyleLetters[i], '>'};
    open_.push_back(i);
  }
  text_ += piece;
}

unsigned CueWriter::open_bits() const {
  unsigned bits = 0;
  for (const unsigned i : open_) bits |= 1U << i;
  return bits;
}

void CueWriter::close(unsigned wanted) {
  while ((open_bits() & ~wanted) != 0) {
    text_ += {'<', '/', kStyleLetters[open_.back()], '>'};
    open_.pop_back();
  }
}

std::optional<CueTag> tag_at(std::string_view text) {
  const std::size_t end = text.find('>');
  if (end == std::string_view::npos || text.substr(1, end - 1).find_first_of("<\n") != std::string_view::npos)
    return std::nullopt;
  CueTag tag;
  tag.size = end + 1;
  std::string_view inside = text.substr(1, end - 1);
  tag.ends = inside.starts_with('/');
  if (tag.ends) inside.remove_prefix(1);
  for (const char c : inside) {
    if (!is_letter(c) && !(c >= '0' && c <= '9')) break;
    tag.name += static_cast<char>(c | 0x20);
  }
  return tag;
}

bool StyleStack::take(const CueTag& tag) {
  if (tag.name.size() != 1) return false;
  const auto found = std::find(kStyleLetters.begin(), kStyleLetters.end(), tag.name[0]);
  if (found == kStyleLetters.end()) return false;
  int& depth = depth_[static_cast<std::size_t>(found - kStyleLetters.begin())];
  depth = tag.ends ? std::max(0, depth - 1) : depth + 1;
  return true;
}

std::string without_returns(std::string_view text) {
  std::string clean;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') {
      if (i + 1 == text.size() || text[i + 1] != '\n') clean += '\n';
    } else {
      clean += text[i];
    }
  }
  return clean;
}

}  // namespace gopmill
