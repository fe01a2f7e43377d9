#include <algorithm>
#include <optional>
#include <utility>

#include "media/text/cue_text.h"
#include "media/text/cue_writer.h"

namespace gopmill {

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
  CueWriter writer;
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

}  // namespace gopmill
