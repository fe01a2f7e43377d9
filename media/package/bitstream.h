#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gopmill {

// The little that must be read from coded bytes themselves, because neither container nor libav's key flag tells it.

// Does this key packet start cleanly: does nothing after it in file order refer to anything before it? H.264: it holds
// an IDR slice (NAL 5); HEVC: an IDR or BLA slice (NAL 16 to 20); both as length-prefixed (avcC, hvcC) or Annex B. VP8, VP9, AV1
// and codecs without references: yes. Anything else, MPEG-2 with its open GOPs among them: no, which costs only decoding.
bool starts_cleanly(std::string_view codec, const std::string& extradata, const std::string& packet);

// Is a frame shown for this packet at all? VP8 sends its hidden reference frames as packets of their own (show_frame
// bit, RFC 6386 section 9.1). True for every other codec.
bool shows_frame(std::string_view codec, const std::string& packet);

// Size and aspect as the sequence header in front of an MPEG-1 or MPEG-2 packet codes them (ISO/IEC 13818-2 6.2.2.1: 12, 12 and 4
// bits), or nothing where there is none or the codec is another. libavcodec 59 starts anew where they change and
// loses the frame it still holds, so a decoder must be emptied first.
std::optional<std::uint32_t> sequence_shape(std::string_view codec, const std::string& packet);

}  // namespace gopmill
