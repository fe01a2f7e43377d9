#include "media/av/io_context.h"

extern "C" {
#include <libavutil/error.h>
#include <libavutil/mem.h>
}

#include <cstdio>
#include <new>

#include "base/check.h"

namespace gopmill::av {

namespace {

constexpr int kIoBytes = 256 * 1024;

}  // namespace

void IoContext::Free::operator()(AVIOContext* context) const {
  av_freep(&context->buffer);  // libav may have replaced the one it was given
  avio_context_free(&context);
}

IoContext::IoContext(void* file, Read read, Write write, Size size) : file_(file), read_(read), write_(write), size_(size) {
  auto* buffer = static_cast<unsigned char*>(av_malloc(kIoBytes));
  GOPMILL_CHECK(buffer);
  context_.reset(
      avio_alloc_context(buffer, kIoBytes, write ? 1 : 0, this, read ? on_read : nullptr, write ? on_write : nullptr, on_seek));
  GOPMILL_CHECK(context_);
}

int IoContext::on_read(void* self, std::uint8_t* into, int size) noexcept try {
  auto& io = *static_cast<IoContext*>(self);
  const auto got = io.read_(io.file_, io.at_, {reinterpret_cast<std::byte*>(into), static_cast<std::size_t>(size)});
  if (!got) {
    io.fault_ = got.error();
    return AVERROR(EIO);
  }
  if (*got == 0) return AVERROR_EOF;
  io.at_ += *got;
  return static_cast<int>(*got);
} catch (const std::bad_alloc&) {
  return AVERROR(ENOMEM);
}

int IoContext::on_write(void* self, std::uint8_t* from, int size) noexcept try {
  auto& io = *static_cast<IoContext*>(self);
  const auto wrote = io.write_(io.file_, io.at_, {reinterpret_cast<const std::byte*>(from), static_cast<std::size_t>(size)});
  if (!wrote) {
    io.fault_ = wrote.error();
    return AVERROR(EIO);
  }
  io.at_ += static_cast<std::uint64_t>(size);
  return size;
} catch (const std::bad_alloc&) {
  return AVERROR(ENOMEM);
}

std::int64_t IoContext::on_seek(void* self, std::int64_t offset, int whence) noexcept {
  auto& io = *static_cast<IoContext*>(self);
  whence &= ~AVSEEK_FORCE;
  std::int64_t from = 0;
  if (whence == SEEK_CUR) from = static_cast<std::int64_t>(io.at_);
  if (whence == SEEK_END || whence == AVSEEK_SIZE) {
    const auto size = io.size_(io.file_);
    if (!size) return AVERROR(EINVAL);
    if (whence == AVSEEK_SIZE) return static_cast<std::int64_t>(*size);
    from = static_cast<std::int64_t>(*size);
  }
  std::int64_t target = 0;
  if (__builtin_add_overflow(from, offset, &target) || target < 0) return AVERROR(EINVAL);
  io.at_ = static_cast<std::uint64_t>(target);
  return target;
}

}  // namespace gopmill::av
