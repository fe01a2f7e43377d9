#include <algorithm>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/utf8.h"
#include "media/text/cue_piece.h"
#include "media/text/cue_text.h"
#include "media/text/cue_writer.h"

namespace gopmill {

namespace {

// Of timed text, in its own 5 % of a frame of 360 lines; players scale it.
constexpr std::uint64_t kTextSize = 18;

std::string utf8_of_utf16(std::string_view text, bool little) {
  std::string out;
  const auto unit = [&](std::size_t at) {
    const auto value = static_cast<std::uint32_t>(big_endian(text, at, 2));
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
        runs.push_back(
            {big_endian(boxes, at, 2), big_endian(boxes, at + 2, 2), static_cast<unsigned>(big_endian(boxes, at + 6, 1) & 7U)});
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
  CueWriter writer;
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
  put_big_endian(sample, plain.size(), 2);
  sample += plain;
  if (runs.empty()) return sample;
  put_big_endian(sample, 10 + 12 * runs.size(), 4);
  sample += "styl";
  put_big_endian(sample, runs.size(), 2);
  for (const StyleRun& run : runs) {
    put_big_endian(sample, run.first, 2);
    put_big_endian(sample, run.end, 2);
    put_big_endian(sample, 1, 2);  // the font of the description
    put_big_endian(sample, run.bits, 1);
    put_big_endian(sample, kTextSize, 1);
    put_big_endian(sample, 0xFFFFFFFF, 4);
  }
  return sample;
}

std::string tx3g_description(bool forced) {
  static constexpr std::uint64_t kAllForced = 0xC0000000;  // some and all samples are (QuickTime File Format, text display flags)
  std::string text;
  put_big_endian(text, forced ? kAllForced : 0, 4);
  put_big_endian(text, 1, 1);     // centred
  put_big_endian(text, 0xFF, 1);  // at the bottom
  put_big_endian(text, 0, 4);     // a background of nothing
  put_big_endian(text, 0, 8);     // a box the player chooses
  put_big_endian(text, 0, 4);     // the default style holds from character 0 to 0, for all
  put_big_endian(text, 1, 2);     // its font
  put_big_endian(text, 0, 1);     // plain
  put_big_endian(text, kTextSize, 1);
  put_big_endian(text, 0xFFFFFFFF, 4);  // white
  static constexpr std::string_view kFont = "Sans-Serif";
  put_big_endian(text, 8 + 2 + 2 + 1 + kFont.size(), 4);
  text += "ftab";
  put_big_endian(text, 1, 2);
  put_big_endian(text, 1, 2);
  put_big_endian(text, kFont.size(), 1);
  text += kFont;
  return text;
}

}  // namespace gopmill
