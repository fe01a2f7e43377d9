#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "media/av/decode/demuxer.h"

namespace gopmill {

// Which tracks of a source go on, by stream index.
struct ChosenTracks {
  std::optional<std::uint32_t> video;
  std::vector<std::uint32_t> audio;
  std::vector<std::string> notes;  // what is left out, for people
};

// The track a player would show: the first real video track, and every audio track that has a known codec.
ChosenTracks choose_tracks(const std::vector<av::StreamFacts>& streams);

// How notes name a track: "1 (aac, eng)".
std::string track_name(const av::StreamFacts& stream);

}  // namespace gopmill
