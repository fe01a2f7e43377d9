#pragma once

#include <string>

#include "base/result.h"
#include "media/package/mp4_boxes.h"

// What a finished track is called: the names manifests and reports use, read from the file's own sample entry.

namespace gopmill {

// RFC 6381: "avc1.640028", "hvc1.1.6.L120.90", "av01.0.08M.08", "vp09.00.40.08", "mp4a.40.2", "opus". kInput if the configuration
// is too short to say.
Result<std::string> codec_string(const Mp4SampleEntry& entry);
// "4.0"; empty for audio.
std::string level_text(const Mp4SampleEntry& entry);

}  // namespace gopmill
