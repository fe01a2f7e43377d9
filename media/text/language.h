#pragma once

#include <string>
#include <string_view>

namespace gopmill {

// Language tags, of which sources have two kinds: of two letters (BCP 47, ISO 639-1: "pt-br") and of three (ISO 639-2: "por", some with a
// second, bibliographic code: "ger" for "deu"). PURE.

// The terminological code of three letters for the tag's language: "de", "ger" and "de-at" all give "deu". Empty where there is none.
std::string iso639_2(std::string_view tag);

// Is a track with this tag wanted by someone who asks for `wanted`? "pt" and "por" want every Portuguese, "pt-br" only the Brazilian.
bool language_matches(std::string_view tag, std::string_view wanted);

}  // namespace gopmill
