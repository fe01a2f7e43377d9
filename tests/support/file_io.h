#pragma once

#include <optional>
#include <span>

#include "base/check.h"
#include "base/file.h"
#include "media/av/io_context.h"

namespace gopmill::test {

// libav's I/O on a descriptor, for files that clips.cpp writes and seen.cpp reads.
struct FileIo {
  int fd = -1;
  av::IoContext context;
  FileIo(int file, bool writing) : fd(file), context(writing ? av::IoContext::writing(*this) : av::IoContext::reading(*this)) {}
  [[nodiscard]] AVIOContext* io() const { return context.get(); }

  [[nodiscard]] Result<std::size_t> read(std::uint64_t at, std::span<std::byte> into) const { return read_at(fd, at, into); }
  [[nodiscard]] Result<> write(std::uint64_t at, std::span<const std::byte> bytes) const {
    GOPMILL_CHECK(write_at(fd, at, bytes));
    return {};
  }
  [[nodiscard]] std::optional<std::uint64_t> size() const { return *file_size(fd); }
};

}  // namespace gopmill::test
