#pragma once

#include <cstdint>
#include <span>

#include "media/task/task.h"

// How far one encoder goes before a fresh one takes over, where that is not the whole segment. PURE.

namespace gopmill {

// Whether each GOP is encoded by an encoder of its own, which has seen its frames in a first pass (media/av/encode/first_pass.h) and knows of
// nothing else: so it makes no difference where a video is cut. libvpx gives golden and hidden frames their bits by
// what a first pass saw. In one pass it goes by a pattern counted from the encoder's start: cuts moved it (single frames by 3 dB), and
// an encoder for each GOP spoiled key frames (30.9 dB for 39.1), because without statistics a cold one gives them no more than others.
bool in_two_passes(VideoCodec codec);
// One past the last frame of the GOP that begins at frames[first].
std::size_t gop_end(std::span<const OutputFrame> frames, std::size_t first);

// A run of GOPs of one length.
struct KeyRun {
  std::size_t end = 0;         // one past its last frame
  std::uint32_t interval = 1;  // frames from key to key
};

// The run that begins at frames[first], which is a key frame or the very first. An encoder that places keys at a fixed distance alone
// can encode it in one go; what follows needs a fresh one. A run's last GOP may be shorter where `frames` ends.
KeyRun key_run(std::span<const OutputFrame> frames, std::size_t first);

}  // namespace gopmill
