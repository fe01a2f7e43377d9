#include "profiles/profile_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <numeric>

namespace gopmill {
namespace {

constexpr std::size_t kWholeDigitsMax = 9;     // Fits an int, and no rate, size or time is longer.
constexpr std::size_t kFractionDigitsMax = 6;  // Microseconds; keeps the product of two times within 64 bits.
constexpr std::size_t kPartDigitsMax = 7;  // Of a fraction's two parts, for the same reason; 10000000/333667 is seen for 29.97.
constexpr std::int64_t kMillion = 1'000'000;

bool all_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

Rational reduced(Rational value) {
  const std::int64_t divisor = std::gcd(value.num, value.den);
  return {value.num / divisor, value.den / divisor};
}

std::int64_t power_of_ten(std::size_t exponent) {
  std::int64_t power = 1;
  for (std::size_t i = 0; i < exponent; ++i) power *= 10;
  return power;
}

// "12" or "1.92". A point needs digits on both sides.
std::optional<Rational> parse_decimal(std::string_view text) {
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos) {
    const auto whole = parse_whole(text);
    return whole ? std::optional<Rational>({*whole, 1}) : std::nullopt;
  }
  const auto whole = parse_whole(text.substr(0, point));
  const std::string_view digits = text.substr(point + 1);
  if (!whole || digits.empty() || digits.size() > kFractionDigitsMax) return std::nullopt;
  const auto fraction = parse_whole(digits);
  if (!fraction) return std::nullopt;
  const std::int64_t scale = power_of_ten(digits.size());
  return reduced({*whole * scale + *fraction, scale});
}

// "30000/1001", or a decimal.
std::optional<Rational> parse_rational(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return parse_decimal(text);
  if (slash > kPartDigitsMax || text.size() - slash - 1 > kPartDigitsMax) return std::nullopt;
  const auto num = parse_whole(text.substr(0, slash));
  const auto den = parse_whole(text.substr(slash + 1));
  if (!num || !den || *den == 0) return std::nullopt;
  return reduced({*num, *den});
}

}  // namespace

std::optional<int> parse_whole(std::string_view text) {
  if (text.empty() || text.size() > kWholeDigitsMax || !all_digits(text)) return std::nullopt;
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::optional<double> parse_quality(std::string_view text) {
  // The digits are checked first: from_chars alone would take "1e1", "inf" and "-0".
  if (!parse_decimal(text)) return std::nullopt;
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string quality_text(double quality) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), quality, std::chars_format::fixed).ptr;
  return {text.data(), end};
}

std::optional<double> parse_decibels(std::string_view text) {
  const bool below = text.starts_with('-');
  if (below) text.remove_prefix(1);
  const auto size = parse_quality(text);
  if (!size) return std::nullopt;
  return below && *size > 0 ? -*size : *size;
}

std::string decibels_text(double decibels) { return quality_text(decibels); }

std::optional<std::int64_t> parse_bits(std::string_view text) {
  std::int64_t unit = 1;
  if (text.ends_with('k')) unit = 1000;
  if (text.ends_with('M')) unit = kMillion;
  if (unit != 1) text.remove_suffix(1);
  const auto value = parse_decimal(text);
  if (!value || (unit == 1 && text.find('.') != std::string_view::npos)) return std::nullopt;
  // A number of 9 digits with 6 more behind the point, in millions, does not fit; no bit rate comes near.
  if (value->num > INT64_MAX / unit || value->num * unit % value->den != 0) return std::nullopt;
  return value->num * unit / value->den;
}

std::string bits_text(std::int64_t bits) {
  if (bits != 0 && bits % kMillion == 0) return std::to_string(bits / kMillion) + "M";
  if (bits != 0 && bits % 1000 == 0) return std::to_string(bits / 1000) + "k";
  return std::to_string(bits);
}

std::optional<Rational> parse_seconds(std::string_view text) {
  if (text.ends_with('s')) text.remove_suffix(1);
  return parse_rational(text);
}

std::optional<Rational> parse_frame_rate(std::string_view text) {
  struct ShortName {
    std::string_view text;
    std::int64_t num;
  };
  constexpr auto kShortNames = std::to_array<ShortName>(
      {{"23.976", 24000}, {"23.98", 24000}, {"29.97", 30000}, {"47.95", 48000}, {"59.94", 60000}, {"119.88", 120000}});
  const auto name = std::ranges::find(kShortNames, text, &ShortName::text);
  if (name != kShortNames.end()) return Rational{name->num, 1001};
  return parse_rational(text);
}

std::string frame_rate_text(Rational rate) {
  rate = reduced(rate);
  if (rate.den == 1) return std::to_string(rate.num);
  return std::to_string(rate.num) + "/" + std::to_string(rate.den);
}

std::string seconds_text(Rational value) {
  value = reduced(value);
  if (value.den == 1) return std::to_string(value.num);
  const std::int64_t millionths = value.num % value.den * kMillion;
  if (millionths % value.den != 0) return std::to_string(value.num) + "/" + std::to_string(value.den);
  std::string digits = std::to_string(millionths / value.den);
  digits.insert(0, kFractionDigitsMax - digits.size(), '0');
  digits.erase(digits.find_last_not_of('0') + 1);
  return std::to_string(value.num / value.den) + "." + digits;
}

}  // namespace gopmill
