#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "media/task/task.h"

// What a profile asks of an encoder beyond the keys of the profile: encoder options by name, and the encoder's own list in one of
// them ("x264-params", "x265-params", "svtav1-params": "key=value:key"), which the encoder applies last. PURE.

namespace gopmill {

// An option's value; empty if it is not given.
std::string_view option_of(const EncoderSettings& encoder, const std::string& name);
// The last value of a key in an encoder's own list; empty for a key without one.
std::optional<std::string_view> listed(std::string_view list, std::string_view key);
std::optional<std::uint32_t> whole_number(std::string_view text);
std::optional<double> number(std::string_view text);

// How far x264 and x265 look ahead and how many frames they hold for reordering, by preset and options.
struct LookaheadDepth {
  std::uint32_t lookahead = 0;
  std::uint32_t bframes = 0;
};
LookaheadDepth lookahead_depth(const EncoderSettings& encoder);

}  // namespace gopmill
