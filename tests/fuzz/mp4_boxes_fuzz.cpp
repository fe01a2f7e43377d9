// Finished files are read again, and `gopmill verify` reads anybody's.

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/file.h"
#include "media/package/mp4_boxes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto file = gopmill::memory_file(std::as_bytes(std::span(data, size)));
  if (!file) return 0;
  const auto layout = gopmill::read_mp4_layout(file->get());
  if (!layout) return 0;
  for (const gopmill::Mp4Track& track : layout->tracks) (void)gopmill::presentation_of(*layout, track);
  return 0;
}
