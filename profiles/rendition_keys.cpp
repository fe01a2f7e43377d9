#include "profiles/rendition_keys.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "profiles/codec_rules.h"
#include "profiles/ladder.h"
#include "profiles/profile_values.h"
#include "profiles/profile_words.h"
#include "profiles/rendition_rules.h"
#include "profiles/written_value.h"

namespace gopmill {
namespace {

// Ranges of single values. What depends on the codec is in codec_rules.cpp.
constexpr Rational kFrameRateMin{1, 1};                // Slower is a slide show, whose frames need no thinning.
constexpr Rational kFrameRateMax{240, 1};              // Phones record 240; nothing plays more.
constexpr std::int64_t kFrameRateTermMax = 1'000'000;  // Of a constant rate, whose numerator becomes the ticks of a second.
constexpr int kHeightMin = 16;                         // One macroblock; encoders refuse less, some much more than this.
constexpr int kHeightMax = kFrameShortMax;
constexpr std::int64_t kVideoBitsMin = 10'000;          // Below this nothing to see; mostly a forgotten k.
constexpr std::int64_t kVideoBitsMax = 800'000'000;     // MaxBR of H.264 level 6.2 (table A-1); no player takes more.
constexpr std::int64_t kBufferBitsMax = 1'600'000'000;  // Two seconds of that.
constexpr std::size_t kOptionsMax = 64;                 // Options of one rendition: no encoder has use for more at once.
constexpr std::size_t kOptionNameMax = 64;
constexpr std::size_t kOptionValueMax = 1024;  // x264-params is a long line.

constexpr std::string_view kRenditionKeys[] = {"name",    "codec",   "height",       "fps_max",       "fps",
                                               "quality", "bitrate", "maxrate",      "bufsize",       "preset",
                                               "profile", "level",   "pixel_format", "dynamic_range", "options"};

// Options that would work against a key of the profile or against what gopmill promises.
struct Forbidden {
  std::string_view option;
  std::string_view expected;  // what to write in its place
};
constexpr auto kForbiddenOptions = std::to_array<Forbidden>({
    {"preset", "the key preset instead"},
    {"cpu-used", "the key preset instead"},
    {"profile", "the key profile instead"},
    {"level", "the key level instead"},
    {"crf", "the key quality instead"},
    {"qp", "the key quality instead"},
    {"b", "the key bitrate instead"},
    {"maxrate", "the key maxrate instead"},
    {"bufsize", "the key bufsize instead"},
    {"pix_fmt", "the key pixel_format instead"},
    {"g", "the key gop instead"},
    {"keyint_min", "the key gop instead"},
    {"forced-idr", "no such option, as gopmill places key frames itself"},
    {"sc_threshold", "no such option, as gopmill places key frames itself"},
    {"threads", "no such option, as threads change the bytes of an output"},
    {"row-mt", "no such option, as threads change the bytes of an output"},
});

Result<std::int64_t> read_bits(const WrittenValue& value, std::int64_t max) {
  return value.in_range<std::int64_t>(
      parse_bits, kVideoBitsMin, max,
      "a rate such as 900k, 2.5M or 900000, from " + bits_text(kVideoBitsMin) + " to " + bits_text(max));
}

Result<std::optional<std::int64_t>> read_bits_or_none(const WrittenValue& value, std::int64_t max) {
  if (value.is("none")) return std::nullopt;
  return TRY(read_bits(value, max));
}

bool is_option_name(std::string_view text) {
  return !text.empty() && text.size() <= kOptionNameMax && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
           c == ':';
  });
}

Result<std::map<std::string, std::string>> read_options(const TreeEntry& entry, const Complaints& complaints) {
  if (entry.value.kind != TreeNode::Kind::kMap || entry.value.entries.size() > kOptionsMax) {
    return WrittenValue(entry, complaints).wrong("a map of at most " + std::to_string(kOptionsMax) + " encoder options");
  }
  std::map<std::string, std::string> options;
  for (const TreeEntry& option : entry.value.entries) {
    if (!is_option_name(option.key)) {
      return complaints.wrong(option.place, option.key, "an option's name (at most 64 letters, digits and -_.:)",
                              in_quotes(option.key));
    }
    const auto forbidden = std::ranges::find(kForbiddenOptions, option.key, &Forbidden::option);
    if (forbidden != kForbiddenOptions.end()) {
      return complaints.wrong(option.place, option.key, forbidden->expected, "an encoder option");
    }
    options[option.key] = TRY(WrittenValue(option, complaints).text(kOptionValueMax, false));
  }
  return options;
}

// On the longest of all scales; the codec may be in another block, so its own scale is checked by complete_rendition.
Result<double> read_quality(const WrittenValue& value) {
  std::map<double, std::string> codecs;  // by where their scale ends
  for (const CodecRules& rules : all_video_codecs()) {
    std::string& words = codecs[rules.quality_max];
    words.append(words.empty() ? "" : " and ").append(rules.word);
  }
  std::string expected = "a number from 0 to " + quality_text(codecs.begin()->first);
  for (auto longer = std::next(codecs.begin()); longer != codecs.end(); ++longer)
    expected += " (" + quality_text(longer->first) + " for " + longer->second + ")";
  return value.in_range<double>(parse_quality, 0, codecs.rbegin()->first, expected + ", such as 23 or 22.5");
}

// Reads the values that are there; each for itself, so that a `rendition` block can be checked before it is used.
Result<RenditionProfile> read_values(const TreeNode& map, const Complaints& complaints) {
  RenditionProfile result;
  TRY(check_keys(map, kRenditionKeys, complaints));
  for (const TreeEntry& entry : map.entries) {
    const WrittenValue value(entry, complaints);
    const std::string_view key = entry.key;
    if (key == "name") {
      result.name = TRY(value.name());
    } else if (key == "codec") {
      result.codec = TRY(value.one_of(all_video_codecs(), &CodecRules::word, &CodecRules::codec));
    } else if (key == "height") {
      if (value.is("source")) continue;
      const std::string expected =
          "source, or an even number of lines from " + std::to_string(kHeightMin) + " to " + std::to_string(kHeightMax);
      result.height = TRY(value.in_range<int>(parse_whole, kHeightMin, kHeightMax, expected));
      if (*result.height % 2 != 0) return value.wrong(expected, std::to_string(*result.height - 1));
    } else if (key == "fps_max") {
      if (value.is("none")) continue;
      result.fps_max = TRY(value.in_range<Rational>(parse_frame_rate, kFrameRateMin, kFrameRateMax,
                                                    "none, or frames per second such as 30, 29.97 or 30000/1001, from 1 to 240"));
    } else if (key == "fps") {
      result.fps =
          TRY(value.in_range<Rational>(parse_frame_rate, kFrameRateMin, kFrameRateMax,
                                       "frames per second of a constant rate such as 25, 29.97 or 30000/1001, from 1 to 240"));
      if (result.fps->num > kFrameRateTermMax)
        return value.wrong("a rate with a numerator of at most " + std::to_string(kFrameRateTermMax));
    } else if (key == "quality") {
      result.rate.quality = TRY(read_quality(value));
    } else if (key == "bitrate") {
      result.rate.bitrate = TRY(read_bits(value, kVideoBitsMax));
    } else if (key == "maxrate") {
      result.rate.maxrate = TRY(read_bits_or_none(value, kVideoBitsMax));
    } else if (key == "bufsize") {
      result.rate.bufsize = TRY(read_bits_or_none(value, kBufferBitsMax));
    } else if (key == "preset") {
      result.preset = TRY(value.name());
    } else if (key == "profile") {
      result.codec_profile = TRY(value.name());
    } else if (key == "level") {
      result.level = TRY(value.text(kNameMax, false));
    } else if (key == "pixel_format") {
      result.pixel_format = TRY(value.one_of(kPixelWords));
    } else if (key == "dynamic_range") {
      result.dynamic_range = TRY(value.one_of(kRangeWords));
    } else {
      result.encoder_options = TRY(read_options(entry, complaints));
    }
  }
  return result;
}

Result<std::vector<ReadRendition>> read_list(const TreeEntry& list, const TreeNode* defaults, const Complaints& complaints) {
  if (list.value.kind != TreeNode::Kind::kList)
    return WrittenValue(list, complaints).wrong("a list of renditions, or [] for audio alone");
  if (list.value.items.size() > kRenditionsMax) {
    return complaints.wrong(list.value.items[kRenditionsMax].place, "renditions",
                            "at most " + std::to_string(kRenditionsMax) + " renditions", std::to_string(list.value.items.size()));
  }
  std::vector<ReadRendition> renditions;
  std::set<std::string> names;
  for (const TreeNode& item : list.value.items) {
    if (item.kind != TreeNode::Kind::kMap)
      return complaints.wrong(item.place, "renditions", "a map of a rendition's keys", describe(item));
    TreeNode tree = item;
    if (defaults != nullptr) inherit(tree, *defaults);
    RenditionProfile written = TRY(read_values(tree, complaints));
    RenditionProfile profile = TRY(complete_rendition(std::move(written), tree, complaints));
    if (!names.insert(profile.name).second) {
      const TreeEntry* const name = tree.find("name");
      return complaints.wrong(name != nullptr ? name->value.place : tree.place, "name", "a name no other rendition has",
                              in_quotes(profile.name));
    }
    // Largest first, equals as written; the source's own size is never below that of another rung that survives.
    // (Not stable_sort: libstdc++ 12 makes clang 19 warn in it.)
    const auto lines = [](const ReadRendition& each) { return each.profile.height.value_or(kHeightMax + 1); };
    ReadRendition read{std::move(profile), std::move(tree)};
    const auto place = std::ranges::upper_bound(renditions, lines(read), std::ranges::greater{}, lines);
    renditions.insert(place, std::move(read));
  }
  return renditions;
}

}  // namespace

Result<std::vector<ReadRendition>> read_renditions(const TreeNode& root, const Complaints& complaints) {
  const TreeEntry* const defaults = root.find("rendition");
  if (defaults != nullptr) {
    if (defaults->value.kind != TreeNode::Kind::kMap)
      return WrittenValue(*defaults, complaints).wrong("a map of keys for all renditions");
    std::vector<std::string_view> keys(std::begin(kRenditionKeys), std::end(kRenditionKeys));
    std::erase(keys, "name");
    TRY(check_keys(defaults->value, keys, complaints));
    TRY(read_values(defaults->value, complaints));
  }
  const TreeEntry* const list = root.find("renditions");
  if (list == nullptr)
    return complaints.wrong(root.place, "renditions", "a list of renditions, or [] for audio alone", "nothing");
  return read_list(*list, defaults == nullptr ? nullptr : &defaults->value, complaints);
}

}  // namespace gopmill
