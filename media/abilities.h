#pragma once

#include <string>
#include <vector>

#include "profiles/profile.h"

// What tasks ask of a machine and what this one's libav has, for the event loops, which have no libav of their own. Everything is
// called by libav's names; no media is read. Any thread.

namespace gopmill {

std::string encoder_of(VideoCodec codec);  // "libx264"
std::string encoder_of(AudioCodec codec);  // "aac"

std::vector<std::string> known_encoders();    // every one that a profile can ask for
std::vector<std::string> present_encoders();  // those of them that are here
std::vector<std::string> present_decoders();  // codecs that can be decoded here: "h264"

}  // namespace gopmill
