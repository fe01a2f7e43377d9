#include <algorithm>
#include <array>
#include <utility>

#include "media/text/cue_text.h"
#include "media/text/cue_writer.h"

namespace gopmill {

std::string cue_text_of_subrip(std::string_view text) {
  static constexpr std::array<std::string_view, 4> kLeftOut = {"font", "s", "c", "strike"};
  const std::string clean = without_returns(text);
  CueWriter writer;
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

}  // namespace gopmill
