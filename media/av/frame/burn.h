#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "media/task/bitmap.h"
#include "media/task/timeline.h"

struct AVFrame;

namespace gopmill::av {

// Lays bitmaps over source frames, before anything else is done to them. Integers only: the same frames on every machine. A canvas
// of another width than the frame is scaled to it (both axes alike, by averaging), and what its height differs by is taken equally
// above and below; what would then be outside is moved inside. Colours are those of SDR; on PQ and HLG frames white is graphics white
// (203 cd/m2, ITU-R BT.2408). Not thread-safe.
// Why: docs/decisions/23-burnt-bitmaps.md.
class Burner {
 public:
  // `overlays` outlives this; sorted by `first`.
  Burner(const std::vector<Overlay>& overlays, Colour colour);
  Burner(Burner&&) noexcept;
  ~Burner();
  // `index` as Overlay counts. The frame is made writable where something is drawn. kInput for a format without planes of YUV.
  Result<> burn(AVFrame& frame, std::uint32_t index);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gopmill::av
