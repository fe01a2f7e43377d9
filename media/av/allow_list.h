#pragma once

#include <string_view>

namespace gopmill::av {

// What gopmill opens at all. Debian's FFmpeg enables 352 demuxers and 519 decoders; these lists hold what phones,
// cameras, browsers, broadcasts and archives really make, and none that reads other files (hls, dash, concat, image2…).
extern const char* const kDemuxers;  // comma-separated, for AVFormatContext::format_whitelist
extern const char* const kDecoders;  // comma-separated, for codec_whitelist

bool decoder_allowed(std::string_view name);

}  // namespace gopmill::av
