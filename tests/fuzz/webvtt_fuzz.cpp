#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "media/text/cue.h"
#include "media/text/cue_text.h"
#include "media/text/webvtt.h"

// Subtitle files are read again by the verification. What is accepted holds cue text alone, and is read from what is written of it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gopmill;
  const auto cues = read_webvtt(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!cues) return 0;
  for (const Cue& cue : *cues) GOPMILL_CHECK(is_cue_text(cue.text));
  TextTrack track;
  track.language = "und";
  track.cues = *cues;
  const auto again = read_webvtt(webvtt_of(track));
  GOPMILL_CHECK(again && *again == *cues);
  return 0;
}
