#include "media/av/io_context.h"

extern "C" {
#include <libavutil/error.h>
}

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>
#include <string>

namespace gopmill::av {
namespace {

// A file in memory that does as it is told.
struct Bytes {
  std::string text;
  bool fails = false;
  bool out_of_memory = false;
  bool has_size = true;

  Result<> obey() const {
    if (out_of_memory) throw std::bad_alloc();
    if (fails) return fail(FaultKind::kMachine, "the disk is gone");
    return {};
  }
  Result<std::size_t> read(std::uint64_t at, std::span<std::byte> into) const {
    TRY(obey());
    const std::string_view rest = std::string_view(text).substr(std::min<std::size_t>(at, text.size()));
    const std::size_t count = std::min(rest.size(), into.size());
    std::memcpy(into.data(), rest.data(), count);
    return count;
  }
  Result<> write(std::uint64_t at, std::span<const std::byte> bytes) {
    TRY(obey());
    if (text.size() < at + bytes.size()) text.resize(at + bytes.size(), '.');
    std::memcpy(text.data() + at, bytes.data(), bytes.size());
    return {};
  }
  [[nodiscard]] std::optional<std::uint64_t> size() const { return has_size ? std::optional(text.size()) : std::nullopt; }
};

std::string next(AVIOContext* io, int count) {
  std::string into(static_cast<std::size_t>(count), '\0');
  const int got = avio_read(io, reinterpret_cast<unsigned char*>(into.data()), count);
  return into.substr(0, static_cast<std::size_t>(std::max(got, 0)));
}

void put(AVIOContext* io, std::string_view text) {
  avio_write(io, reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
}

TEST(IoContext, ReadsAndSeeks) {
  Bytes file{"0123456789"};
  const IoContext io = IoContext::reading(file);
  EXPECT_EQ(next(io.get(), 3), "012");
  EXPECT_EQ(avio_size(io.get()), 10);
  EXPECT_EQ(avio_seek(io.get(), 8, SEEK_SET), 8);
  EXPECT_EQ(next(io.get(), 5), "89");
  EXPECT_TRUE(avio_feof(io.get()));
  EXPECT_EQ(avio_seek(io.get(), -1, SEEK_SET), AVERROR(EINVAL));
  EXPECT_FALSE(io.fault()) << "the end of the file is no failure";
}

TEST(IoContext, LetsLibavSeekFromEverywhere) {
  Bytes file{"0123456789"};
  const IoContext io = IoContext::reading(file);
  const auto seek = [&](std::int64_t offset, int whence) { return io.get()->seek(io.get()->opaque, offset, whence); };
  EXPECT_EQ(seek(4, SEEK_SET), 4);
  EXPECT_EQ(seek(3, SEEK_CUR | AVSEEK_FORCE), 7);
  EXPECT_EQ(seek(-8, SEEK_CUR), AVERROR(EINVAL));
  EXPECT_EQ(seek(0, SEEK_CUR), 7) << "one that is refused moves nothing";
  EXPECT_EQ(seek(-1, SEEK_END), 9);
  EXPECT_EQ(seek(0, AVSEEK_SIZE), 10);
  EXPECT_EQ(seek(INT64_MAX, SEEK_CUR), AVERROR(EINVAL));
  file.has_size = false;
  EXPECT_EQ(seek(0, SEEK_END), AVERROR(EINVAL));
  EXPECT_EQ(seek(0, AVSEEK_SIZE), AVERROR(EINVAL));
  EXPECT_EQ(seek(0, SEEK_CUR), 9);
}

TEST(IoContext, WritesWhereLibavStands) {
  Bytes file;
  const IoContext io = IoContext::writing(file);
  put(io.get(), "head");
  avio_seek(io.get(), 6, SEEK_SET);
  put(io.get(), "tail");
  avio_seek(io.get(), 0, SEEK_SET);
  put(io.get(), "H");
  avio_flush(io.get());
  EXPECT_EQ(file.text, "Head..tail");
  EXPECT_EQ(io.get()->error, 0);
  EXPECT_FALSE(io.fault());
}

TEST(IoContext, KeepsWhyARequestFailed) {
  Bytes file{.text = "0123", .fails = true};
  const Fault fault{FaultKind::kMachine, "the disk is gone"};
  const IoContext reading = IoContext::reading(file);
  EXPECT_EQ(next(reading.get(), 1), "");
  EXPECT_EQ(reading.get()->error, AVERROR(EIO));
  EXPECT_EQ(reading.fault(), fault);
  const IoContext writing = IoContext::writing(file);
  put(writing.get(), "4");
  avio_flush(writing.get());
  EXPECT_EQ(writing.get()->error, AVERROR(EIO));
  EXPECT_EQ(writing.fault(), fault);
}

TEST(IoContext, LetsNoExceptionIntoLibav) {
  Bytes file{.text = "0123", .out_of_memory = true};
  const IoContext reading = IoContext::reading(file);
  EXPECT_EQ(next(reading.get(), 1), "");
  EXPECT_EQ(reading.get()->error, AVERROR(ENOMEM));
  const IoContext writing = IoContext::writing(file);
  put(writing.get(), "4");
  avio_flush(writing.get());
  EXPECT_EQ(writing.get()->error, AVERROR(ENOMEM));
}

}  // namespace
}  // namespace gopmill::av
