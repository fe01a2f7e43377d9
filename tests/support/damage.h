#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "media/task/journal.h"

// Does to clips what disks, aerials and interrupted copies do. Anything that fails here ends the test program.

namespace gopmill::test {

std::string bytes_of(const Fd& file);
Fd file_of(std::string_view bytes);

// The first bytes of packet `ordinal` of the first track of `media`, up to 64 of them, are overwritten.
Fd with_broken_packet(const Fd& clip, Media media, std::uint32_t ordinal);
// The same further inside: from the middle of the packet on, so that its headers stay whole.
Fd with_scratched_packet(const Fd& clip, Media media, std::uint32_t ordinal);

// One after the other, byte for byte.
Fd joined(const std::vector<Fd>& clips);

// Where the payload of the first box of this type begins, at any depth. Ends the program if there is none.
std::size_t box_payload(std::string_view mp4, std::string_view type);

}  // namespace gopmill::test
