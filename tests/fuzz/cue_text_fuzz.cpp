#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "media/text/cue_text.h"

// Text of subtitles comes from anybody's file. Whatever a reader makes of it is cue text, and so is what a timed text sample gives back.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gopmill;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto read : {cue_text_of_subrip, cue_text_of_ass, cue_text_of_webvtt, cue_text_of_tx3g}) {
    const std::string cue = read(text);
    GOPMILL_CHECK(is_cue_text(cue));
    GOPMILL_CHECK(is_cue_text(cue_text_of_tx3g(tx3g_of_cue_text(cue))));
  }
  GOPMILL_CHECK(cue_settings(cue_settings(text)) == cue_settings(text));
  return 0;
}
