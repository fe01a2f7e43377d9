#include "media/text/cue_piece.h"

#include <string>

#include "base/utf8.h"
#include "media/text/cue_writer.h"

namespace gopmill {

std::optional<CuePiece> piece_at(std::string_view left) {
  if (left[0] == '<') {
    for (std::size_t i = 0; i < kStyleLetters.size(); ++i) {
      const std::string opening = {'<', kStyleLetters[i], '>'};
      const std::string closing = {'<', '/', kStyleLetters[i], '>'};
      if (left.starts_with(opening)) return CuePiece{left.substr(0, 3), 1U << i, 0, {}};
      if (left.starts_with(closing)) return CuePiece{left.substr(0, 4), 0, 1U << i, {}};
    }
    return std::nullopt;
  }
  if (left[0] == '&') {
    for (const Entity& entity : kEscapes) {
      if (left.starts_with(entity.name)) return CuePiece{left.substr(0, entity.name.size()), 0, 0, entity.text};
    }
    return std::nullopt;
  }
  const std::size_t length = utf8_length(left);
  if (length == 0 || left[0] == '>' || (left[0] != '\n' && is_control(left.substr(0, length)))) return std::nullopt;
  return CuePiece{left.substr(0, length), 0, 0, left.substr(0, length)};
}

}  // namespace gopmill
