#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/result.h"
#include "media/task/bitmap.h"
#include "media/task/journal.h"

namespace gopmill::av {

// Decodes subtitles that are bitmaps. Not thread-safe.
class SubtitleDecoder {
 public:
  // kInput if the codec is none of PGS, VobSub and DVB. `width` and `height`: of the video's frame, for tracks that do not say
  // what canvas they are drawn for.
  static Result<SubtitleDecoder> open(const StreamParameters& parameters, int width, int height);
  SubtitleDecoder(SubtitleDecoder&&) noexcept;
  ~SubtitleDecoder();

  // What the packet puts on the screen; start and end are milliseconds after the packet's own time, end INT64_MAX where it does not say.
  // Without rects the screen is cleared. nullopt: it says nothing, or is refused.
  Result<std::optional<Bitmap>> send(const JournalPacket& packet);

 private:
  struct State;
  explicit SubtitleDecoder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gopmill::av
