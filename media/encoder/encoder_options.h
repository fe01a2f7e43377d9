#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "media/task/task.h"

// What a profile asks of an encoder beyond the keys of the profile: encoder options by name, and the encoder's own list in one of
// them ("x264-params", "x265-params", "svtav1-params": "key=value:key"), which the encoder applies last. PURE.

namespace gopmill {

// An option's value; empty if it is not given.
std::string_view option_of(const EncoderSettings& encoder, const std::string& name);
// The last value of a key in an encoder's own list; empty for a key without one.
std::optional<std::string_view> value_in_list(std::string_view list, std::string_view key);
std::optional<std::uint32_t> whole_number(std::string_view text);
std::optional<double> number(std::string_view text);

// No encoder may place a key frame on its own: the grid is the plan's.
inline constexpr int kNeverKey = 1'000'000;
std::string number_text(double value);
std::string fraction(Rational rate);  // "25/1"
// No encoder is told that frames last a second or longer on average. EncoderClock makes none last longer, libvpx wants no longer tick, x264
// and x265 enlarge a buffer that does not hold what arrives in that time, and x265 3.5 looks ahead by less than a second: past no
// frame then (see kBufferStartAlone of x265.cpp).
Rational told_rate(Rational frame_rate);
// What an encoder writes beside HDR frames, ":key=value" each; libavcodec 5.1's wrappers do not pass it on. libvpx has no such
// thing: there the MP4's boxes say it alone. `plain`: in plain numbers, not in the integer units of ST 2086.
std::string hdr_parameters(const EncoderSettings& s, const std::string& mastering_key, const std::string& light_key, bool plain);
// The profile's own colon-separated encoder parameters come last, so that they win where that is allowed.
std::string with_own(std::string ours, const EncoderSettings& settings, const std::string& key);

}  // namespace gopmill
