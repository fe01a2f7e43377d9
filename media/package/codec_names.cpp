#include "media/package/codec_names.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace gopmill {

namespace {

std::unexpected<Fault> too_short(const Mp4SampleEntry& entry) {
  return fail(FaultKind::kInput, "the decoder configuration '" + entry.configuration_type + "' is malformed");
}

std::string two_digits(unsigned value) { return (value < 10 ? "0" : "") + std::to_string(value); }

// ISO/IEC 14496-15 annex E.3: profile, compatibility in reverse bit order, tier and level, constraints without trailing zeros.
std::string hevc_string(const Mp4SampleEntry& entry) {
  const std::string& c = entry.configuration;
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(c[at]); };
  static constexpr std::string_view kSpaces[] = {"", "A", "B", "C"};
  std::uint32_t compatibility = 0;
  const auto flags = static_cast<std::uint32_t>(big_endian(c, 2, 4));
  for (int i = 0; i < 32; ++i) compatibility |= (flags >> i & 1U) << (31 - i);
  std::string bytes;
  put_big_endian(bytes, compatibility, 4);
  std::string reversed = hex(bytes);
  reversed.erase(0, std::min(reversed.find_first_not_of('0'), reversed.size() - 1));
  std::string text = entry.type + "." + std::string(kSpaces[byte(1) >> 6]) + std::to_string(byte(1) & 31) + "." + reversed + "." +
                     (byte(1) & 32 ? "H" : "L") + std::to_string(byte(12));
  std::size_t last = 12;
  while (last > 6 && byte(last - 1) == 0) --last;
  for (std::size_t i = 6; i < last; ++i) text += "." + hex(c.substr(i, 1));
  return text;
}

// AV1 Codec ISO Media File Format Binding, section 5.
std::string av1_string(const Mp4SampleEntry& entry) {
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(entry.configuration[at]); };
  const unsigned profile = byte(1) >> 5;
  const bool high = byte(2) & 0x40;
  const unsigned depth = !high ? 8 : profile == 2 && (byte(2) & 0x20) ? 12 : 10;
  return "av01." + std::to_string(profile) + "." + two_digits(byte(1) & 31) + (byte(2) & 0x80 ? "H" : "M") + "." +
         two_digits(depth);
}

// The object type of the decoder and, for MPEG-4 audio, the audio object type in its first five bits (ISO/IEC 14496-1
// section 7.2.6). Descriptors nest: ES, in it the decoder's configuration, in it the codec's own.
Result<std::string> mp4a_string(const Mp4SampleEntry& entry) {
  const std::string& c = entry.configuration;
  std::size_t at = 4;
  bool ok = true;
  const auto byte = [&]() -> unsigned {
    ok = ok && at < c.size();
    return ok ? static_cast<std::uint8_t>(c[at++]) : 0;
  };
  const auto descriptor = [&](unsigned tag) {
    ok = byte() == tag && ok;
    for (int i = 0; i < 4 && (byte() & 0x80); ++i) {}
  };
  descriptor(3);
  at += 3;
  descriptor(4);
  const unsigned object = byte();
  at += 12;
  if (object != 0x40)
    return ok ? Result<std::string>("mp4a." + hex(std::string(1, static_cast<char>(object)))) : too_short(entry);
  descriptor(5);
  const unsigned audio_object = byte() >> 3;
  if (!ok) return too_short(entry);
  return "mp4a.40." + std::to_string(audio_object);
}

std::size_t configuration_bytes_min(std::string_view type) {
  return type == "avcC" ? 4 : type == "hvcC" ? 13 : type == "av1C" ? 4 : type == "vpcC" ? 8 : 0;
}

}  // namespace

Result<std::string> codec_string(const Mp4SampleEntry& entry) {
  const std::string& type = entry.configuration_type;
  const std::string& c = entry.configuration;
  if (c.size() < configuration_bytes_min(type)) return too_short(entry);
  if (type == "avcC") return entry.type + "." + hex(c.substr(1, 3));
  if (type == "hvcC") return hevc_string(entry);
  if (type == "av1C") return av1_string(entry);
  if (type == "vpcC") {
    const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(c[at]); };
    return entry.type + "." + two_digits(byte(4)) + "." + two_digits(byte(5)) + "." + two_digits(byte(6) >> 4);
  }
  if (type == "esds") return mp4a_string(entry);
  if (type == "dOps") return std::string("opus");
  return entry.type;
}

std::string level_text(const Mp4SampleEntry& entry) {
  const std::string& type = entry.configuration_type;
  if (entry.configuration.size() < configuration_bytes_min(type)) return {};
  const auto byte = [&](std::size_t at) { return static_cast<unsigned>(static_cast<std::uint8_t>(entry.configuration[at])); };
  const auto tenths = [](unsigned level) { return std::to_string(level / 10) + "." + std::to_string(level % 10); };
  if (type == "avcC") return byte(3) == 9 ? "1b" : tenths(byte(3));
  if (type == "hvcC") return tenths(byte(12) / 3);
  if (type == "vpcC") return tenths(byte(5));
  if (type == "av1C") return std::to_string(2 + ((byte(1) & 31) >> 2)) + "." + std::to_string(byte(1) & 3);
  return {};
}

}  // namespace gopmill
