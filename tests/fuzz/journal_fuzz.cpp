// Journals and task heads come from disks and other machines.

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/file.h"
#include "media/task/journal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto file = gopmill::memory_file(std::as_bytes(std::span(data, size)));
  if (!file) return 0;
  (void)gopmill::read_task_head(file->get());
  auto reader = gopmill::JournalReader::open(file->get(), 0);
  if (!reader) return 0;
  for (;;) {
    auto packet = reader->next();
    if (!packet || !*packet) return 0;
  }
}
