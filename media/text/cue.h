#pragma once

#include <cstdint>
#include <string>
#include <vector>

// Timed text: values alone.

namespace gopmill {

// Text shown for a while. In facts microseconds after the first frame (the first audio, where there is no video); in plans
// milliseconds of the output timeline.
struct Cue {
  std::int64_t start = 0, end = 0;
  std::string text;      // cue text (media/text/cue_text.h), not empty
  std::string settings;  // of WebVTT; mostly empty
  friend bool operator==(const Cue&, const Cue&) = default;
};

// One text track of an output, times in milliseconds of its timeline, cues in order of start, inside of [0, video end].
struct TextTrack {
  std::string language;
  std::string title;
  bool is_default = false, is_forced = false;
  std::vector<Cue> cues;
};

template <class A>
void fields(A& a, Cue& v) {
  a(v.start, v.end, v.text, v.settings);
}
template <class A>
void fields(A& a, TextTrack& v) {
  a(v.language, v.title, v.is_default, v.is_forced, v.cues);
}

}  // namespace gopmill
