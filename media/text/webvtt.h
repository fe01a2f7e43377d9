#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "media/text/cue.h"

namespace gopmill {

// WebVTT files (W3C WebVTT 1), as gopmill writes them and as it reads its own again. PURE.

// Whole cues in order of their start; times in ms. The language is said in a comment, since WebVTT has no place for it.
std::string webvtt_of(const TextTrack& track);

// Reads what webvtt_of wrote, the strict way: signature, blocks apart by one empty line, times that rise and are positive, nothing but cue
// text. kInternal says what is wrong and on which line.
Result<std::vector<Cue>> read_webvtt(std::string_view file);

}  // namespace gopmill
