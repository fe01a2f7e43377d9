#include "tests/support/damage.h"

#include <algorithm>

#include "base/check.h"
#include "tests/support/clips.h"

namespace gopmill::test {

namespace {

constexpr std::size_t kBrokenBytes = 64;

// Where the packet's bytes stand in the file. A transport stream cuts packets into pieces, of which the first is found.
std::size_t find_packet(const std::string& bytes, const Fd& clip, Media media, std::uint32_t ordinal, std::size_t& size) {
  std::string packet;
  journal_of_track(clip.get(), media, [&](const JournalPacket& each) {
    if (each.ordinal == ordinal) packet = each.bytes;
    return false;
  });
  GOPMILL_CHECK(!packet.empty());
  size = packet.size();
  const std::size_t at = bytes.find(packet.substr(0, std::min<std::size_t>(packet.size(), 100)));
  GOPMILL_CHECK(at != std::string::npos);
  return at;
}

}  // namespace

std::string bytes_of(const Fd& file) { return *read_all(file.get(), UINT32_MAX); }

Fd file_of(std::string_view bytes) {
  Fd file = *temporary_file();
  GOPMILL_CHECK(write_at(file.get(), 0, std::as_bytes(std::span(bytes))));
  return file;
}

Fd with_broken_packet(const Fd& clip, Media media, std::uint32_t ordinal) {
  std::string bytes = bytes_of(clip);
  std::size_t size = 0;
  const std::size_t at = find_packet(bytes, clip, media, ordinal, size);
  bytes.replace(at, std::min(size, kBrokenBytes), std::min(size, kBrokenBytes), '\x7F');
  return file_of(bytes);
}

Fd with_scratched_packet(const Fd& clip, Media media, std::uint32_t ordinal) {
  std::string bytes = bytes_of(clip);
  std::size_t size = 0;
  const std::size_t at = find_packet(bytes, clip, media, ordinal, size);
  bytes.replace(at + size / 2, size - size / 2, size - size / 2, '\x55');
  return file_of(bytes);
}

Fd joined(const std::vector<Fd>& clips) {
  std::string all;
  for (const Fd& clip : clips) all += bytes_of(clip);
  return file_of(all);
}

std::size_t box_payload(std::string_view mp4, std::string_view type) {
  const std::size_t at = mp4.find(type);
  GOPMILL_CHECK(at != std::string_view::npos && at >= 4);
  return at + type.size();
}

}  // namespace gopmill::test
