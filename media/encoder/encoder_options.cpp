#include "media/encoder/encoder_options.h"

#include <algorithm>
#include <charconv>

namespace gopmill {

namespace {

template <class Number>
std::optional<Number> parsed(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<std::uint32_t> whole_number(std::string_view text) { return parsed<std::uint32_t>(text); }
std::optional<double> number(std::string_view text) { return parsed<double>(text); }

std::string_view option_of(const EncoderSettings& encoder, const std::string& name) {
  const auto found = encoder.options.find(name);
  return found == encoder.options.end() ? std::string_view{} : std::string_view(found->second);
}

std::optional<std::string_view> value_in_list(std::string_view list, std::string_view key) {
  std::optional<std::string_view> value;
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(':'));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    const std::size_t equals = item.find('=');
    if (item.substr(0, equals) == key) value = equals == std::string_view::npos ? std::string_view{} : item.substr(equals + 1);
  }
  return value;
}

std::string number_text(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

Rational told_rate(Rational frame_rate) { return std::max(frame_rate, Rational{1001, 1000}); }

std::string fraction(Rational rate) { return std::to_string(rate.num) + "/" + std::to_string(rate.den); }

namespace {

// "G(…)B(…)R(…)WP(…)L(…)", the form all encoders take; x264 and x265 in the integer units of ST 2086, SVT-AV1 in plain numbers.
std::string mastering_text(const MasteringDisplay& display, bool plain) {
  const auto chromaticity = [&](std::uint16_t value) { return plain ? number_text(value / 50'000.0) : std::to_string(value); };
  const auto luminance = [&](std::uint32_t value) { return plain ? number_text(value / 10'000.0) : std::to_string(value); };
  const auto point = [&](const Chromaticity& p) { return "(" + chromaticity(p.x) + "," + chromaticity(p.y) + ")"; };
  return "G" + point(display.green) + "B" + point(display.blue) + "R" + point(display.red) + "WP" + point(display.white) + "L(" +
         luminance(display.luminance_max) + "," + luminance(display.luminance_min) + ")";
}

}  // namespace

std::string hdr_parameters(const EncoderSettings& s, const std::string& mastering_key, const std::string& light_key, bool plain) {
  std::string text;
  if (s.mastering) text += ":" + mastering_key + "=" + mastering_text(*s.mastering, plain);
  if (s.light) text += ":" + light_key + "=" + std::to_string(s.light->max) + "," + std::to_string(s.light->average_max);
  return text;
}

std::string with_own(std::string ours, const EncoderSettings& settings, const std::string& key) {
  const auto own = settings.options.find(key);
  return own == settings.options.end() || own->second.empty() ? ours : ours + ":" + own->second;
}

}  // namespace gopmill
