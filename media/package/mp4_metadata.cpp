#include "media/package/mp4_metadata.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "base/bytes.h"
#include "media/package/box_bytes.h"
#include "media/text/cue_text.h"

namespace gopmill {

namespace {

// What kind of value an item holds (QuickTime File Format, well-known types).
constexpr std::uint64_t kUtf8 = 1, kJpeg = 13, kPng = 14;

std::string item(std::string_view name, std::uint64_t kind, std::string_view value) {
  std::string data;
  put_big_endian(data, kind, 4);
  put_big_endian(data, 0, 4);  // any country, any language
  data += value;
  return box_of(name, box_of("data", data));
}

struct Name {
  std::string_view tag, item;
};
constexpr auto kItems = std::to_array<Name>({{"title", "\xA9nam"},
                                             {"artist",
                                              "\xA9"
                                              "ART"},
                                             {"album_artist", "aART"},
                                             {"album",
                                              "\xA9"
                                              "alb"},
                                             {"date",
                                              "\xA9"
                                              "day"},
                                             {"genre", "\xA9gen"},
                                             {"comment",
                                              "\xA9"
                                              "cmt"},
                                             {"description", "desc"},
                                             {"copyright", "cprt"}});

}  // namespace

Result<std::vector<TextSample>> text_samples(const TextTrack& track) {
  std::set<std::int64_t> times = {0};
  for (const Cue& cue : track.cues) times.insert({cue.start, cue.end});
  std::vector<TextSample> samples;
  std::set<std::size_t> shown;  // places of cues
  std::size_t next = 0;
  std::size_t bytes = 0;
  for (auto at = times.begin(); std::next(at) != times.end(); ++at) {
    std::erase_if(shown, [&](std::size_t i) { return track.cues[i].end <= *at; });
    while (next < track.cues.size() && track.cues[next].start <= *at) shown.insert(next++);
    // Of too many at once the latest are shown.
    while (shown.size() > kCuesAtOnceMax) shown.erase(shown.begin());
    std::string text;
    for (const std::size_t i : shown) text += (text.empty() ? "" : "\n") + track.cues[i].text;
    TextSample sample{*at, *std::next(at) - *at, tx3g_of_cue_text(text)};
    bytes += sample.bytes.size();
    if (bytes > kTextSampleBytesMax)
      return fail(FaultKind::kInput, "the subtitles overlap so often that they cannot be a text track");
    samples.push_back(std::move(sample));
  }
  return samples;
}

std::string user_data_of(const SideTrackPlan& side_tracks) {
  std::string items;
  for (const Name& name : kItems) {
    const auto tag = side_tracks.tags.find(std::string(name.tag));
    if (tag != side_tracks.tags.end()) items += item(name.item, kUtf8, tag->second);
  }
  if (side_tracks.cover) items += item("covr", side_tracks.cover->png ? kPng : kJpeg, side_tracks.cover->bytes);
  std::string boxes;
  if (!items.empty()) {
    std::string handler(8, '\0');
    handler += "mdirappl";
    handler.append(9, '\0');
    boxes += box_of("meta", std::string(4, '\0') + box_of("hdlr", handler) + box_of("ilst", items));
  }
  if (!side_tracks.location.empty()) {
    static constexpr std::uint64_t kEnglish =
        0x15c7;  // five bits for each letter of "eng"; the place is no language, but must have one
    std::string place;
    put_big_endian(place, side_tracks.location.size(), 2);
    put_big_endian(place, kEnglish, 2);
    boxes += box_of("\xA9xyz", place + side_tracks.location);
  }
  return boxes;
}

}  // namespace gopmill
