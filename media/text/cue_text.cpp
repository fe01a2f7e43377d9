// Long because: it reads five dialects of one thing, each in a few lines over the same writer.

#include "media/text/cue_text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "base/utf8.h"

namespace gopmill {

namespace {

// Of timed text, in its own 5 % of a frame of 360 lines; players scale it.
constexpr std::uint64_t kTextSize = 18;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kHardBlank = "\xC2\xA0";

// Styles as bits, in the order of tx3g's face-style-flags.
constexpr unsigned kBold = 1, kItalic = 2, kUnderline = 4;
constexpr std::array<char, 3> kStyleLetters = {'b', 'i', 'u'};

std::uint32_t big_endian(std::string_view text, std::size_t at, std::size_t bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<std::uint8_t>(text[at + i]);
  return value;
}

void put(std::string& to, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) to.push_back(static_cast<char>(value >> shift & 0xff));
}

// Takes characters and styles in, gives cue text out. Styles are opened only where a character needs them, and closed right after the last one.
class Writer {
 public:
  void style(unsigned bits) { wanted_ = bits; }
  [[nodiscard]] unsigned style() const { return wanted_; }
  void line() {
    blank_ = false;
    line_ = !text_.empty();
  }
  // Any bytes; line feeds become lines.
  void text(std::string_view bytes) {
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
  std::string finish() && {
    close(0);
    return std::move(text_);
  }

 private:
  void add(std::string_view piece) {
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
  [[nodiscard]] unsigned open_bits() const {
    unsigned bits = 0;
    for (const unsigned i : open_) bits |= 1U << i;
    return bits;
  }
  // Closes from the innermost outwards until nothing is open that `wanted` lacks.
  void close(unsigned wanted) {
    while ((open_bits() & ~wanted) != 0) {
      text_ += {'<', '/', kStyleLetters[open_.back()], '>'};
      open_.pop_back();
    }
  }

  std::string text_;
  unsigned wanted_ = 0;
  std::vector<unsigned> open_;  // places in kStyleLetters, innermost last
  bool line_ = false;
  bool blank_ = false;
  bool full_ = false;
};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// A tag at the start of `text`: "<", perhaps "/", a name, anything, ">".
struct Tag {
  bool ends = false;
  std::string name;  // small letters
  std::size_t size = 0;
};
std::optional<Tag> tag_at(std::string_view text) {
  const std::size_t end = text.find('>');
  if (end == std::string_view::npos || text.substr(1, end - 1).find_first_of("<\n") != std::string_view::npos)
    return std::nullopt;
  Tag tag;
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

// Follows <b>, <i> and <u>, which may be nested in themselves.
class StyleStack {
 public:
  // True if the tag is one of the three.
  bool take(const Tag& tag) {
    if (tag.name.size() != 1) return false;
    const auto found = std::find(kStyleLetters.begin(), kStyleLetters.end(), tag.name[0]);
    if (found == kStyleLetters.end()) return false;
    int& depth = depth_[static_cast<std::size_t>(found - kStyleLetters.begin())];
    depth = tag.ends ? std::max(0, depth - 1) : depth + 1;
    return true;
  }
  [[nodiscard]] unsigned bits() const {
    return (depth_[0] > 0 ? kBold : 0U) | (depth_[1] > 0 ? kItalic : 0U) | (depth_[2] > 0 ? kUnderline : 0U);
  }

 private:
  std::array<int, 3> depth_{};
};

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

}  // namespace

std::string cue_text_of_subrip(std::string_view text) {
  static constexpr std::array<std::string_view, 4> kLeftOut = {"font", "s", "c", "strike"};
  const std::string clean = without_returns(text);
  Writer writer;
  StyleStack styles;
  for (std::string_view left = clean; !left.empty();) {
    std::size_t taken = 1;
    if (left.starts_with("{\\") && left.find('}') != std::string_view::npos) {
      taken = left.find('}') + 1;
    } else if (const auto tag = left[0] == '<' ? tag_at(left) : std::nullopt;
               tag && (styles.take(*tag) || std::ranges::find(kLeftOut, tag->name) != kLeftOut.end())) {
      taken = tag->size;
      writer.style(styles.bits());
    } else {
      taken = std::max<std::size_t>(1, std::min(left.find_first_of("<{", 1), left.size()));
      writer.text(left.substr(0, taken));
    }
    left.remove_prefix(taken);
  }
  return std::move(writer).finish();
}

namespace {

// What an override block means for styles and drawings: "\b1\i0\p1". A style's own settings are not known here, so \r is plain.
void override_style(std::string_view block, unsigned& style, bool& draws) {
  for (std::size_t at = block.find('\\'); at != std::string_view::npos; at = block.find('\\', at + 1)) {
    const std::string_view tag = block.substr(at + 1);
    if (tag.empty()) return;
    const auto number = [&] {
      return tag.size() > 1 && tag[1] >= '0' && tag[1] <= '9' ? std::optional<char>(tag[1]) : std::nullopt;
    };
    const bool bare = tag.size() == 1 || tag[1] == '\\' || tag[1] == ')';
    for (std::size_t i = 0; i < kStyleLetters.size(); ++i) {
      // \be, \bord, \iclip and \u with letters after it are other tags.
      if (tag[0] != kStyleLetters[i] || (!number() && !bare)) continue;
      const unsigned bit = 1U << i;
      style = number() && *number() != '0' ? style | bit : style & ~bit;
    }
    if (tag[0] == 'r' && !tag.starts_with("rnd")) style = 0;
    if (tag[0] == 'p' && number()) draws = *number() != '0';
  }
}

}  // namespace

std::string cue_text_of_ass(std::string_view event) {
  for (int fields = 0; fields < 8; ++fields) {
    const std::size_t comma = event.find(',');
    if (comma == std::string_view::npos) return {};
    event.remove_prefix(comma + 1);
  }
  const std::string clean = without_returns(event);
  Writer writer;
  unsigned style = 0;
  bool draws = false;
  for (std::string_view left = clean; !left.empty();) {
    std::size_t taken = 1;
    const std::string_view two = left.substr(0, 2);
    if (left[0] == '{' && left.find('}') != std::string_view::npos) {
      taken = left.find('}') + 1;
      override_style(left.substr(1, taken - 2), style, draws);
      writer.style(style);
    } else if (two == "\\N" || two == "\\n" || two == "\\h") {
      taken = 2;
      if (two == "\\h") {
        if (!draws) writer.text(kHardBlank);
      } else {
        writer.line();
      }
    } else {
      taken = std::max<std::size_t>(1, std::min(left.find_first_of("{\\", 1), left.size()));
      if (!draws) writer.text(left.substr(0, taken));
    }
    left.remove_prefix(taken);
  }
  return std::move(writer).finish();
}

namespace {

struct Entity {
  std::string_view name, text;
};
constexpr auto kEntities = std::to_array<Entity>({{"&amp;", "&"},
                                                  {"&lt;", "<"},
                                                  {"&gt;", ">"},
                                                  {"&nbsp;", kHardBlank},
                                                  {"&lrm;", "\xE2\x80\x8E"},
                                                  {"&rlm;", "\xE2\x80\x8F"},
                                                  {"&quot;", "\""},
                                                  {"&apos;", "'"}});

}  // namespace

std::string cue_text_of_webvtt(std::string_view text) {
  const std::string clean = without_returns(text);
  Writer writer;
  StyleStack styles;
  for (std::string_view left = clean; !left.empty();) {
    std::size_t taken = 1;
    const auto entity = std::ranges::find_if(kEntities, [&](const Entity& e) { return left.starts_with(e.name); });
    if (entity != kEntities.end()) {
      taken = entity->name.size();
      writer.text(entity->text);
    } else if (left[0] == '<' && left.find('>') != std::string_view::npos) {
      // Every '<' begins a tag, known or not.
      taken = left.find('>') + 1;
      if (const auto tag = tag_at(left)) styles.take(*tag);
      writer.style(styles.bits());
    } else {
      taken = std::max<std::size_t>(1, std::min(left.find_first_of("<&", 1), left.size()));
      writer.text(left.substr(0, taken));
    }
    left.remove_prefix(taken);
  }
  return std::move(writer).finish();
}

namespace {

std::string utf8_of_utf16(std::string_view text, bool little) {
  std::string out;
  const auto unit = [&](std::size_t at) {
    const std::uint32_t value = big_endian(text, at, 2);
    return little ? (value >> 8 | (value & 0xff) << 8) : value;
  };
  for (std::size_t at = 0; at + 1 < text.size(); at += 2) {
    std::uint32_t code = unit(at);
    if (code >= 0xD800 && code < 0xDC00 && at + 3 < text.size() && unit(at + 2) >= 0xDC00 && unit(at + 2) < 0xE000) {
      code = 0x10000 + ((code - 0xD800) << 10) + (unit(at + 2) - 0xDC00);
      at += 2;
    } else if (code >= 0xD800 && code < 0xE000) {
      code = 0xFFFD;
    }
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else if (code < 0x800) {
      out += {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
    } else if (code < 0x10000) {
      out += {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3F)),
              static_cast<char>(0x80 | (code & 0x3F))};
    } else {
      out += {static_cast<char>(0xF0 | code >> 18), static_cast<char>(0x80 | (code >> 12 & 0x3F)),
              static_cast<char>(0x80 | (code >> 6 & 0x3F)), static_cast<char>(0x80 | (code & 0x3F))};
    }
  }
  return out;
}

struct StyleRun {
  std::size_t first = 0, end = 0;  // characters
  unsigned bits = 0;
};

// The runs of the 'styl' boxes among `boxes`; what is malformed ends them.
std::vector<StyleRun> style_runs(std::string_view boxes) {
  std::vector<StyleRun> runs;
  while (boxes.size() >= 8) {
    const std::size_t size = big_endian(boxes, 0, 4);
    if (size < 8 || size > boxes.size()) break;
    if (boxes.substr(4, 4) == "styl" && size >= 10) {
      const std::size_t count = std::min<std::size_t>(big_endian(boxes, 8, 2), (size - 10) / 12);
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t at = 10 + i * 12;
        runs.push_back({big_endian(boxes, at, 2), big_endian(boxes, at + 2, 2), big_endian(boxes, at + 6, 1) & 7U});
      }
    }
    boxes.remove_prefix(size);
  }
  return runs;
}

}  // namespace

std::string cue_text_of_tx3g(std::string_view sample) {
  if (sample.size() < 2) return {};
  const std::size_t size = std::min<std::size_t>(big_endian(sample, 0, 2), sample.size() - 2);
  std::string_view bytes = sample.substr(2, size);
  const bool big = bytes.starts_with("\xFE\xFF");
  const bool little = bytes.starts_with("\xFF\xFE");
  const std::string text = without_returns(big || little ? utf8_of_utf16(bytes.substr(2), little) : std::string(bytes));
  const std::vector<StyleRun> runs = style_runs(sample.substr(2 + size));
  Writer writer;
  std::size_t character = 0;
  auto run = runs.begin();
  for (std::string_view left = text; !left.empty(); ++character) {
    while (run != runs.end() && run->end <= character) ++run;
    writer.style(run != runs.end() && run->first <= character ? run->bits : 0);
    const std::size_t length = std::max<std::size_t>(1, utf8_length(left));
    writer.text(left.substr(0, length));
    left.remove_prefix(length);
  }
  return std::move(writer).finish();
}

namespace {

// One piece of cue text: a tag, an entity or a character.
struct Piece {
  std::string_view text;
  unsigned opens = 0, closes = 0;  // style bits
  std::string_view shown;          // the character it stands for
};
// nullopt: `left` does not begin with a piece of cue text.
std::optional<Piece> piece_at(std::string_view left) {
  if (left[0] == '<') {
    for (std::size_t i = 0; i < kStyleLetters.size(); ++i) {
      const std::string opening = {'<', kStyleLetters[i], '>'};
      const std::string closing = {'<', '/', kStyleLetters[i], '>'};
      if (left.starts_with(opening)) return Piece{left.substr(0, 3), 1U << i, 0, {}};
      if (left.starts_with(closing)) return Piece{left.substr(0, 4), 0, 1U << i, {}};
    }
    return std::nullopt;
  }
  if (left[0] == '&') {
    for (const Entity& entity : std::span(kEntities).first(3)) {
      if (left.starts_with(entity.name)) return Piece{left.substr(0, entity.name.size()), 0, 0, entity.text};
    }
    return std::nullopt;
  }
  const std::size_t length = utf8_length(left);
  if (length == 0 || left[0] == '>' || (left[0] != '\n' && is_control(left.substr(0, length)))) return std::nullopt;
  return Piece{left.substr(0, length), 0, 0, left.substr(0, length)};
}

}  // namespace

bool is_cue_text(std::string_view text) {
  if (text.size() > kCueBytesMax) return false;
  std::vector<unsigned> open;
  char before = '\n';
  for (std::string_view left = text; !left.empty();) {
    const auto piece = piece_at(left);
    if (!piece) return false;
    if (piece->opens != 0) open.push_back(piece->opens);
    if (piece->closes != 0) {
      if (open.empty() || open.back() != piece->closes) return false;
      open.pop_back();
    }
    if (!piece->shown.empty()) {
      const char now = piece->shown[0];
      if (before == '\n' && (now == '\n' || now == ' ')) return false;
      if (before == ' ' && now == '\n') return false;
      before = now;
    }
    left.remove_prefix(piece->text.size());
  }
  return open.empty() && (text.empty() || (before != '\n' && before != ' '));
}

std::string cue_settings(std::string_view settings) {
  static constexpr auto kNames = std::to_array<std::string_view>({"vertical", "line", "position", "size", "align"});
  static constexpr std::size_t kSettingsMax = 5;
  std::string kept;
  std::vector<std::string_view> seen;
  while (!settings.empty() && seen.size() < kSettingsMax) {
    const std::size_t end = std::min(settings.find_first_of(" \t"), settings.size());
    const std::string_view setting = settings.substr(0, end);
    settings.remove_prefix(std::min(end + 1, settings.size()));
    const std::size_t colon = setting.find(':');
    if (colon == std::string_view::npos || setting.size() > 32) continue;
    const std::string_view name = setting.substr(0, colon);
    const std::string_view value = setting.substr(colon + 1);
    const bool plain = !value.empty() && std::ranges::all_of(value, [](char c) {
      return is_letter(c) || (c >= '0' && c <= '9') || c == '%' || c == '.' || c == ',' || c == '-';
    });
    if (!plain || std::ranges::find(kNames, name) == kNames.end() || std::ranges::find(seen, name) != seen.end()) continue;
    seen.push_back(name);
    kept.append(kept.empty() ? "" : " ").append(setting);
  }
  return kept;
}

std::string tx3g_of_cue_text(std::string_view text) {
  std::string plain;
  std::vector<StyleRun> runs;
  unsigned style = 0;
  std::size_t character = 0;
  while (!text.empty()) {
    const auto piece = piece_at(text);
    if (!piece) break;
    text.remove_prefix(piece->text.size());
    style = (style | piece->opens) & ~piece->closes;
    if (piece->shown.empty()) continue;
    plain += piece->shown;
    if (style != 0) {
      if (runs.empty() || runs.back().bits != style || runs.back().end != character)
        runs.push_back({character, character, style});
      runs.back().end = character + 1;
    }
    ++character;
  }
  std::string sample;
  put(sample, plain.size(), 2);
  sample += plain;
  if (runs.empty()) return sample;
  put(sample, 10 + 12 * runs.size(), 4);
  sample += "styl";
  put(sample, runs.size(), 2);
  for (const StyleRun& run : runs) {
    put(sample, run.first, 2);
    put(sample, run.end, 2);
    put(sample, 1, 2);  // the font of the description
    put(sample, run.bits, 1);
    put(sample, kTextSize, 1);
    put(sample, 0xFFFFFFFF, 4);
  }
  return sample;
}

std::string tx3g_description(bool forced) {
  static constexpr std::uint64_t kAllForced = 0xC0000000;  // some and all samples are (QuickTime File Format, text display flags)
  std::string text;
  put(text, forced ? kAllForced : 0, 4);
  put(text, 1, 1);     // centred
  put(text, 0xFF, 1);  // at the bottom
  put(text, 0, 4);     // a background of nothing
  put(text, 0, 8);     // a box the player chooses
  put(text, 0, 4);     // the default style holds from character 0 to 0, for all
  put(text, 1, 2);     // its font
  put(text, 0, 1);     // plain
  put(text, kTextSize, 1);
  put(text, 0xFFFFFFFF, 4);  // white
  static constexpr std::string_view kFont = "Sans-Serif";
  put(text, 8 + 2 + 2 + 1 + kFont.size(), 4);
  text += "ftab";
  put(text, 1, 2);
  put(text, 1, 2);
  put(text, kFont.size(), 1);
  text += kFont;
  return text;
}

}  // namespace gopmill
