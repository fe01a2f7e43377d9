#pragma once

#include <array>
#include <optional>
#include <string_view>

// Cue text (cue_text.h), taken apart again. PURE.

namespace gopmill {

// A name for a character.
struct Entity {
  std::string_view name, text;
};
// Those that cue text has.
inline constexpr auto kEscapes = std::to_array<Entity>({{"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}});

// One piece of cue text: a tag, an entity or a character.
struct CuePiece {
  std::string_view text;
  unsigned opens = 0, closes = 0;  // style bits
  std::string_view shown;          // the character it stands for
};
// `left` is not empty. nullopt: it does not begin with a piece of cue text.
std::optional<CuePiece> piece_at(std::string_view left);

}  // namespace gopmill
