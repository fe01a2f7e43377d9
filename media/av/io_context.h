#pragma once

extern "C" {
#include <libavformat/avio.h>
}

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/result.h"

// libav's I/O on something of ours: libav never opens anything itself. Only files of media/av/ include this.

namespace gopmill::av {

// Owns an AVIOContext with its buffer and knows where in the file libav stands. Stays where it is made, as libav points to it. The
// file outlives it and has
//   Result<std::size_t> read(std::uint64_t at, std::span<std::byte> into)        to be read: 0 at the end of the file
//   Result<> write(std::uint64_t at, std::span<const std::byte> bytes)           to be written: all of them
//   std::optional<std::uint64_t> size() const                                    none where libav has no need to know
// and of exceptions throws none but std::bad_alloc, which reaches libav as AVERROR(ENOMEM).
class IoContext {
 public:
  template <class File>
  static IoContext reading(File& file) {
    return {&file, read_of<File>, nullptr, size_of<File>};
  }
  template <class File>
  static IoContext writing(File& file) {
    return {&file, nullptr, write_of<File>, size_of<File>};
  }
  IoContext(const IoContext&) = delete;
  IoContext& operator=(const IoContext&) = delete;

  [[nodiscard]] AVIOContext* get() const { return context_.get(); }
  // Of the last read or write that failed; libav was told AVERROR(EIO).
  [[nodiscard]] const std::optional<Fault>& fault() const { return fault_; }

 private:
  using Read = Result<std::size_t> (*)(void* file, std::uint64_t at, std::span<std::byte> into);
  using Write = Result<> (*)(void* file, std::uint64_t at, std::span<const std::byte> bytes);
  using Size = std::optional<std::uint64_t> (*)(const void* file);
  struct Free {
    void operator()(AVIOContext* context) const;
  };

  template <class File>
  static Result<std::size_t> read_of(void* file, std::uint64_t at, std::span<std::byte> into) {
    return static_cast<File*>(file)->read(at, into);
  }
  template <class File>
  static Result<> write_of(void* file, std::uint64_t at, std::span<const std::byte> bytes) {
    return static_cast<File*>(file)->write(at, bytes);
  }
  template <class File>
  static std::optional<std::uint64_t> size_of(const void* file) {
    return static_cast<const File*>(file)->size();
  }

  IoContext(void* file, Read read, Write write, Size size);
  // What libav calls.
  static int on_read(void* self, std::uint8_t* into, int size) noexcept;
  static int on_write(void* self, std::uint8_t* from, int size) noexcept;
  static std::int64_t on_seek(void* self, std::int64_t offset, int whence) noexcept;

  void* file_;
  Read read_;
  Write write_;
  Size size_;
  std::uint64_t at_ = 0;
  std::optional<Fault> fault_;
  std::unique_ptr<AVIOContext, Free> context_;
};

}  // namespace gopmill::av
