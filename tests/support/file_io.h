#pragma once

extern "C" {
#include <libavformat/avformat.h>
}

#include "base/check.h"
#include "base/file.h"

namespace gopmill::test {

// libav's I/O on a descriptor, for files that clips.cpp writes and seen.cpp reads.
struct FileIo {
  static constexpr int kBytes = 64 * 1024;
  int fd = -1;
  std::int64_t at = 0;
  AVIOContext* io = nullptr;
  FileIo(int file, bool writing) : fd(file) {
    auto* buffer = static_cast<unsigned char*>(av_malloc(kBytes));
    io = avio_alloc_context(buffer, kBytes, writing ? 1 : 0, this, read, write, seek);
    GOPMILL_CHECK(io);
  }
  FileIo(const FileIo&) = delete;
  FileIo& operator=(const FileIo&) = delete;
  ~FileIo() {
    av_freep(&io->buffer);
    avio_context_free(&io);
  }
  static int read(void* opaque, std::uint8_t* into, int size) {
    auto& self = *static_cast<FileIo*>(opaque);
    const auto got = read_at(self.fd, static_cast<std::uint64_t>(self.at),
                             {reinterpret_cast<std::byte*>(into), static_cast<std::size_t>(size)});
    if (!got || *got == 0) return AVERROR_EOF;
    self.at += static_cast<std::int64_t>(*got);
    return static_cast<int>(*got);
  }
  static int write(void* opaque, std::uint8_t* from, int size) {
    auto& self = *static_cast<FileIo*>(opaque);
    GOPMILL_CHECK(write_at(self.fd, static_cast<std::uint64_t>(self.at),
                           {reinterpret_cast<const std::byte*>(from), static_cast<std::size_t>(size)}));
    self.at += size;
    return size;
  }
  static std::int64_t seek(void* opaque, std::int64_t offset, int whence) {
    auto& self = *static_cast<FileIo*>(opaque);
    whence &= ~AVSEEK_FORCE;
    const auto size = static_cast<std::int64_t>(*file_size(self.fd));
    if (whence == AVSEEK_SIZE) return size;
    return self.at = whence == SEEK_CUR ? self.at + offset : whence == SEEK_END ? size + offset : offset;
  }
};

}  // namespace gopmill::test
