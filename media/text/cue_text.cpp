#include "media/text/cue_text.h"

#include "media/text/cue_piece.h"

namespace gopmill {

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

}  // namespace gopmill
