#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace gopmill {

// Single values of a profile, from text and back. Exact: no value passes through floating point except a quality, which
// is one. Private to profiles/. Reading returns nullopt for whatever is not written as described; ranges are the caller's.

// "12": decimal digits, at most 9.
std::optional<int> parse_whole(std::string_view text);

// "23" or "22.5": at most 9 digits before the point and 6 after it.
std::optional<double> parse_quality(std::string_view text);
std::string quality_text(double quality);  // the shortest text that reads back as the same number

// "-16" or "-16.5": at most 9 digits before the point and 6 after it; no plus sign.
std::optional<double> parse_decibels(std::string_view text);
std::string decibels_text(double decibels);  // the shortest text that reads back as the same number

// "128000", "128k", "2.5M": bits or bits/s, k = 1000. A fraction of a bit is refused.
std::optional<std::int64_t> parse_bits(std::string_view text);
std::string bits_text(std::int64_t bits);  // "128k", "2500k", "4M", "128001"

// "2", "1.92", "1.92s", "1001/500": seconds, in lowest terms. Parts of a fraction have at most 7 digits.
std::optional<Rational> parse_seconds(std::string_view text);
std::string seconds_text(Rational seconds);  // "2", "1.92"; "1001/30000" where no decimal of 6 places is exact
// "30", "29.97", "30000/1001": frames per second, in lowest terms. 23.976, 23.98, 29.97, 47.95, 59.94 and 119.88 mean the
// NTSC rates N·1000/1001 they are short for: taken literally, 29.97 would be just below its own source and drop a frame
// every nine hours.
std::optional<Rational> parse_frame_rate(std::string_view text);
std::string frame_rate_text(Rational rate);  // "30", "30000/1001"; never a decimal, which could be taken for an NTSC rate

}  // namespace gopmill
