#include "media/package/bitstream.h"

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace gopmill {

namespace {

// Calls `visit` with the first byte of each NAL unit, until it returns true.
template <class Visit>
bool any_nal(const std::string& packet, std::size_t length_bytes, Visit visit) {
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(packet[at]); };
  if (length_bytes > 0) {
    for (std::size_t at = 0; at + length_bytes < packet.size();) {
      const std::uint64_t size = big_endian(packet, at, length_bytes);
      at += length_bytes;
      if (visit(byte(at))) return true;
      if (size > packet.size() - at) return false;
      at += size;
    }
    return false;
  }
  for (std::size_t at = 0; at + 3 < packet.size(); ++at) {
    if (byte(at) == 0 && byte(at + 1) == 0 && byte(at + 2) == 1 && visit(byte(at + 3))) return true;
  }
  return false;
}

// 0: Annex B. The configuration records start with version 1 and keep the length's size in their low two bits.
std::size_t nal_length_bytes(std::string_view codec, const std::string& extradata) {
  const std::size_t at = codec == "h264" ? 4 : 21;
  if (extradata.size() <= at || extradata[0] != 1) return 0;
  return (static_cast<std::uint8_t>(extradata[at]) & 3U) + 1U;
}

}  // namespace

bool starts_cleanly(std::string_view codec, const std::string& extradata, const std::string& packet) {
  if (codec == "h264") {
    return any_nal(packet, nal_length_bytes(codec, extradata), [](std::uint8_t head) { return (head & 31U) == 5; });
  }
  if (codec == "hevc") {
    return any_nal(packet, nal_length_bytes(codec, extradata), [](std::uint8_t head) {
      const unsigned type = head >> 1U & 63U;
      return type >= 16 && type <= 20;
    });
  }
  return codec == "vp8" || codec == "vp9" || codec == "av1" || codec == "mjpeg" || codec == "prores" || codec == "dnxhd" ||
         codec == "dvvideo" || codec == "theora" || codec == "ffv1" || codec == "rawvideo" || codec == "h263" || codec == "flv1";
}

std::optional<std::uint32_t> sequence_shape(std::string_view codec, const std::string& packet) {
  if (codec != "mpeg2video" && codec != "mpeg1video") return std::nullopt;
  const std::size_t start = packet.find(std::string_view("\0\0\1", 3));
  if (start == std::string::npos || packet.size() < start + 8) return std::nullopt;
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<std::uint8_t>(packet[start + i])); };
  if (byte(3) != 0xB3) return std::nullopt;
  return byte(4) << 20U | byte(5) << 12U | byte(6) << 4U | byte(7) >> 4U;
}

bool shows_frame(std::string_view codec, const std::string& packet) {
  return codec != "vp8" || packet.empty() || (static_cast<std::uint8_t>(packet[0]) >> 4U & 1U) == 1;
}

}  // namespace gopmill
