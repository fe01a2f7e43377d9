#pragma once

#include <cstdint>
#include <string>

namespace gopmill {

enum class Pass : std::uint8_t { kOnly, kFirst, kSecond };

// Where in the video an encoder begins.
struct EncoderStart {
  bool continues = false;          // not at the video's first frame: as if it had been running (media/encoder/cold_start.h)
  bool alone = false;              // the first frame: the next, if there is one, is a key as well
  std::uint32_t key_interval = 0;  // frames from key to key, of an encoder with KeyRequests::kAtIntervals
  Pass pass = Pass::kOnly;
  std::string statistics = {};  // of the second pass: what the first said of the frames to come, which are one GOP
};

}  // namespace gopmill
