#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "media/task/colour.h"

struct AVFrame;
struct AVStream;

namespace gopmill::av {

// What a container or a frame says about HDR apart from its colour tags.
struct HdrFacts {
  std::optional<MasteringDisplay> mastering;
  std::optional<ContentLight> light;
  struct DolbyVision {
    int profile = 0;
    int compatibility = -1;   // of the base layer: 0 none, 1 HDR10, 2 SDR, 4 HLG; -1: not said
    bool base_shows = false;  // the base layer can be shown by itself
  };
  std::optional<DolbyVision> dolby_vision;
  bool hdr10_plus = false;
};
HdrFacts hdr_of(const AVStream& stream);
HdrFacts hdr_of(const AVFrame& frame);

// "8.4", or "8" where compatibility is not said.
std::string dolby_vision_name(const HdrFacts::DolbyVision& dolby_vision);

// For a stream that is to be muxed. False where memory is short.
bool attach(AVStream& stream, const std::optional<MasteringDisplay>& mastering, const std::optional<ContentLight>& light);

}  // namespace gopmill::av
