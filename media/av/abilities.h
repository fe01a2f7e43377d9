#pragma once

#include <string>
#include <vector>

namespace gopmill::av {

// What the linked libav can do; no media is read.

bool has_encoder(const char* name);  // libavcodec's: "libx264"
// The codecs that av::Decoder opens, by libav's names, sorted: "h264".
std::vector<std::string> decodable_codecs();

}  // namespace gopmill::av
