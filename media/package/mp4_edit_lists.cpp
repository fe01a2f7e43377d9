// Puts edit lists into a moov box that libavformat wrote without.

#include <algorithm>
#include <string_view>

#include "base/bytes.h"
#include "media/package/box_bytes.h"
#include "media/package/mp4_boxes.h"

namespace gopmill {

namespace {

constexpr std::uint64_t kEditEndless = UINT32_MAX;  // above this a duration needs version 1

// mvhd and tkhd: version and flags, two dates, `fixed` bytes, the duration, the rest. Version 1 has 64-bit dates and duration.
Result<std::string> with_duration(const ChildBox& header, std::size_t fixed, std::uint64_t duration) {
  BoxContent content(header.content);
  const bool wide = content.number(1) == 1;
  const std::uint64_t flags = content.number(3);
  const std::uint64_t created = content.number(wide ? 8 : 4);
  const std::uint64_t changed = content.number(wide ? 8 : 4);
  const std::string middle(content.rest().substr(0, fixed));
  content.skip(fixed);
  content.skip(wide ? 8 : 4);
  if (!content.ok()) return malformed(header.type);
  const int width = duration > kEditEndless ? 8 : 4;
  std::string text;
  put_big_endian(text, width == 8 ? 1 : 0, 1);
  put_big_endian(text, flags, 3);
  put_big_endian(text, created, width);
  put_big_endian(text, changed, width);
  text += middle;
  put_big_endian(text, duration, width);
  text += content.rest();
  return box_of(header.type, text);
}

std::string edit_list(const TrackEdit& edit) {
  const bool wide = edit.starts > INT32_MAX || edit.lasts > INT32_MAX || edit.media_time > INT32_MAX;
  const int width = wide ? 8 : 4;
  std::string text;
  put_big_endian(text, wide ? 1 : 0, 1);
  put_big_endian(text, 0, 3);
  put_big_endian(text, edit.starts > 0 ? 2 : 1, 4);
  if (edit.starts > 0) {
    put_big_endian(text, edit.starts, width);
    put_big_endian(text, UINT64_MAX, width);
    put_big_endian(text, 0x10000, 4);
  }
  put_big_endian(text, edit.lasts, width);
  put_big_endian(text, edit.media_time, width);
  put_big_endian(text, 0x10000, 4);
  return box_of("edts", box_of("elst", text));
}

}  // namespace

Result<std::string> with_edit_lists(const std::string& moov, const std::vector<TrackEdit>& edits, const std::string& user_data) {
  std::uint64_t movie_duration = 0;
  std::string kept;
  for (const TrackEdit& edit : edits) movie_duration = std::max(movie_duration, edit.starts + edit.lasts);
  std::string movie;
  std::size_t track = 0;
  for (const ChildBox& child : TRY(children_of(std::string_view(moov).substr(std::min<std::size_t>(8, moov.size())), "moov"))) {
    if (child.type == "mvhd") {
      movie += TRY(with_duration(child, 4, movie_duration));
    } else if (child.type == "trak") {
      if (track == edits.size()) return malformed("moov");
      const TrackEdit& edit = edits[track++];
      std::string text;
      for (const ChildBox& part : TRY(children_of(child.content, "trak"))) {
        if (part.type == "edts") return malformed("trak");
        text += part.type == "tkhd" ? TRY(with_duration(part, 8, edit.starts + edit.lasts)) + edit_list(edit)
                                    : std::string(part.whole);
      }
      movie += box_of("trak", text);
    } else if (child.type == "udta") {
      for (const ChildBox& part : TRY(children_of(child.content, "udta"))) {
        if (part.type == "chpl") kept += part.whole;
      }
    } else {
      movie += child.whole;
    }
  }
  kept += user_data;
  if (!kept.empty()) movie += box_of("udta", kept);
  if (track != edits.size()) return malformed("moov");
  return box_of("moov", movie);
}

}  // namespace gopmill
