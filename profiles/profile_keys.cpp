// Long because: it is the list of all keys, one reader each, and their words and ranges belong beside them.

#include "profiles/profile_keys.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "profiles/codec_rules.h"
#include "profiles/ladder.h"
#include "profiles/profile_rules.h"
#include "profiles/profile_values.h"

namespace gopmill {
namespace {

// ---- Ranges of single values. What depends on the codec is in codec_rules.cpp. ----

constexpr std::size_t kNameMax = 32;          // Names become part of file names, with a base name and a suffix beside them.
constexpr std::size_t kDescriptionMax = 500;  // A paragraph; shown in lists.
constexpr Rational kGopMin{1, 10};            // Two or three frames; shorter is all key frames, which is another kind of file.
constexpr Rational kGopMax{10, 1};            // Players seek by GOPs; Apple asks for 2 s (HLS authoring 1.13).
constexpr Rational kSegmentMax{60, 1};        // What is encoded again when a worker dies.
constexpr Rational kSegmentGoal{10, 1};       // The default, as near as whole GOPs come.
constexpr Rational kFrameRateMin{1, 1};       // Slower is a slide show, whose frames need no thinning.
constexpr Rational kFrameRateMax{240, 1};     // Phones record 240; nothing plays more.
constexpr std::int64_t kFrameRateTermMax = 1'000'000;  // Of a constant rate, whose numerator becomes the ticks of a second.
constexpr int kHeightMin = 16;                         // One macroblock; encoders refuse less, some much more than this.
constexpr int kHeightMax = kFrameShortMax;
constexpr std::int64_t kVideoBitsMin = 10'000;             // Below this nothing to see; mostly a forgotten k.
constexpr std::int64_t kVideoBitsMax = 800'000'000;        // MaxBR of H.264 level 6.2 (table A-1); no player takes more.
constexpr std::int64_t kBufferBitsMax = 1'600'000'000;     // Two seconds of that.
constexpr std::int64_t kAudioBitsMin = 8'000;              // Opus speech; AAC is noise below.
constexpr std::int64_t kAudioBitsPerChannelMax = 256'000;  // Opus takes no more (RFC 6716 2.1.1); AAC gains nothing above.
constexpr double kLoudnessMin = -40;                       // LUFS; quieter drowns in the noise of any room.
constexpr double kLoudnessMax = -5;                        // The loudest records; above, nothing is left but clipping.
constexpr double kTruePeakMin = -20;                       // dBTP.
constexpr std::size_t kLanguagesMax = 32;                  // More than a video has tracks.
constexpr std::size_t kLanguageMax = 16;                   // "zh-hant-hk" takes 10.
constexpr std::size_t kOptionsMax = 64;                    // Options of one rendition: no encoder has use for more at once.
constexpr std::size_t kOptionNameMax = 64;
constexpr std::size_t kOptionValueMax = 1024;  // x264-params is a long line.

const std::vector<std::string_view> kProfileKeys = {"name",    "device",    "description", "extends",   "gop",
                                                    "segment", "joins",     "telecine",    "damage",    "container",
                                                    "audio",   "subtitles", "metadata",    "rendition", "renditions"};
const std::vector<std::string_view> kAudioKeys = {"codec", "bitrate", "channels", "tracks", "loudness", "true_peak"};
const std::vector<std::string_view> kSubtitleKeys = {"text", "bitmap", "tracks"};
const std::vector<std::string_view> kMetadataKeys = {"keep", "location", "cover"};
const std::vector<std::string_view> kRenditionKeys = {"name",    "codec",   "height",       "fps_max",       "fps",
                                                      "quality", "bitrate", "maxrate",      "bufsize",       "preset",
                                                      "profile", "level",   "pixel_format", "dynamic_range", "options"};

// A word of the file and what it stands for.
template <class T>
struct Word {
  std::string_view text;
  T value;
};
constexpr auto kJoinsWords = std::to_array<Word<Joins>>({{"default", Joins::kDefault}, {"exact", Joins::kExact}});
constexpr auto kTelecineWords = std::to_array<Word<Telecine>>({{"keep", Telecine::kKeep}, {"film", Telecine::kFilm}});
constexpr auto kDamageWords = std::to_array<Word<Damage>>({{"refuse", Damage::kRefuse}, {"salvage", Damage::kSalvage}});
constexpr auto kContainerWords = std::to_array<Word<std::string_view>>({{"mp4", "mp4"}});
constexpr auto kChannelWords = std::to_array<Word<int>>({{"1", 1}, {"2", 2}, {"6", 6}});
constexpr auto kTextWords = std::to_array<Word<TextSubtitles>>({{"none", TextSubtitles::kNone},
                                                                {"vtt", TextSubtitles::kVtt},
                                                                {"mov_text", TextSubtitles::kMovText},
                                                                {"both", TextSubtitles::kBoth}});
constexpr auto kBitmapWords =
    std::to_array<Word<BitmapSubtitles>>({{"drop", BitmapSubtitles::kDrop}, {"burn", BitmapSubtitles::kBurn}});
constexpr auto kKeepWords = std::to_array<Word<bool>>({{"standard", true}, {"none", false}});
constexpr auto kSwitchWords = std::to_array<Word<bool>>({{"true", true}, {"false", false}});
constexpr auto kPixelWords =
    std::to_array<Word<PixelFormat>>({{"yuv420p", PixelFormat::kYuv420p}, {"yuv420p10", PixelFormat::kYuv420p10}});
constexpr auto kRangeWords = std::to_array<Word<DynamicRange>>({{"sdr", DynamicRange::kSdr}, {"hdr", DynamicRange::kHdr}});

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

// ---- Single values ----

// One value and how to complain about it.
class Value {
 public:
  Value(const TreeEntry& entry, const Complaints& complaints) : key_(entry.key), node_(entry.value), complaints_(complaints) {}

  [[nodiscard]] std::unexpected<Fault> wrong(std::string_view expected, std::string_view nearest = {}) const {
    return complaints_.wrong(node_.place, key_, expected, describe(node_), nearest);
  }
  [[nodiscard]] const TreeNode& node() const { return node_; }
  [[nodiscard]] bool is(std::string_view word) const { return node_.kind == TreeNode::Kind::kText && node_.text == word; }

  // Reads text with `parse` and checks that it is in [min, max]; `expected` says both for people.
  template <class T, class Parse>
  Result<T> in_range(const Parse& parse, T min, T max, const std::string& expected) const {
    if (node_.kind != TreeNode::Kind::kText) return wrong(expected);
    const std::optional<T> value = parse(node_.text);
    if (!value || *value < min || *value > max) return wrong(expected, meant<T>(parse, min, max));
    return *value;
  }
  // The value of the row whose word stands there.
  template <class T, class Row>
  Result<T> one_of(std::span<const Row> rows, std::string_view Row::* word, T Row::* value) const {
    std::vector<std::string_view> words;
    for (const Row& row : rows) {
      if (is(row.*word)) return row.*value;
      words.push_back(row.*word);
    }
    const std::string_view nearest = node_.kind == TreeNode::Kind::kText ? nearest_word(node_.text, words) : std::string_view{};
    return wrong((words.size() > 1 ? "one of " : "") + listed(words), nearest);
  }
  template <class T, std::size_t N>
  Result<T> one_of(const std::array<Word<T>, N>& words) const {
    return one_of(std::span<const Word<T>>(words), &Word<T>::text, &Word<T>::value);
  }
  // One line (more with `lines`) of at most `bytes_max` bytes.
  Result<std::string> text(std::size_t bytes_max, bool lines) const {
    const std::string expected = "text of at most " + std::to_string(bytes_max) + " bytes" + (lines ? "" : " on one line");
    if (node_.kind != TreeNode::Kind::kText || node_.text.size() > bytes_max) return wrong(expected);
    for (std::size_t i = 0; i < node_.text.size(); ++i) {
      const auto byte = static_cast<unsigned char>(node_.text[i]);
      // An escape in a quoted text can make any character; U+0080 to U+009F are controls too.
      const bool second_control =
          byte == 0xC2 && i + 1 < node_.text.size() && static_cast<unsigned char>(node_.text[i + 1]) < 0xA0;
      if ((byte < 0x20 && !(lines && byte == '\n')) || byte == 0x7F || second_control)
        return wrong(expected + ", without control characters");
    }
    return node_.text;
  }
  Result<std::string> name() const {
    if (node_.kind != TreeNode::Kind::kText || !is_name(node_.text)) return wrong("1 to 32 characters of a-z, 0-9 and -");
    return node_.text;
  }
  static bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= kNameMax &&
           std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
  }

 private:
  // "4m" for "4M", "128K" or a bare "128" for "128k": a unit that makes the value fit.
  template <class T, class Parse>
  [[nodiscard]] std::string meant(const Parse& parse, T min, T max) const {
    if constexpr (!std::is_same_v<T, std::int64_t>) return {};
    std::string digits = node_.text.substr(0, node_.text.find_first_not_of("0123456789."));
    const char unit = digits.size() < node_.text.size() ? node_.text[digits.size()] : 'k';
    digits += unit == 'm' || unit == 'M' ? 'M' : 'k';
    const auto value = parse(digits);
    return value && !(*value < min) && !(*value > max) ? digits : "";
  }

  std::string_view key_;
  const TreeNode& node_;
  const Complaints& complaints_;
};

Result<> check_keys(const TreeNode& map, const std::vector<std::string_view>& keys, const Complaints& complaints) {
  for (const TreeEntry& entry : map.entries) {
    if (std::ranges::find(keys, entry.key) != keys.end()) continue;
    return complaints.wrong(entry.place, entry.key, "one of " + listed(keys), in_quotes(entry.key),
                            nearest_word(entry.key, keys));
  }
  return {};
}

Result<std::int64_t> read_bits(const Value& value, std::int64_t max) {
  return value.in_range<std::int64_t>(
      parse_bits, kVideoBitsMin, max,
      "a rate such as 900k, 2.5M or 900000, from " + bits_text(kVideoBitsMin) + " to " + bits_text(max));
}

Result<std::optional<std::int64_t>> read_bits_or_none(const Value& value, std::int64_t max) {
  if (value.is("none")) return std::nullopt;
  return TRY(read_bits(value, max));
}

// ---- Audio ----

bool is_language(std::string_view text) {
  return !text.empty() && text.size() <= kLanguageMax &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

Result<> read_track_choice(const TreeEntry& entry, TrackChoice& tracks, std::vector<std::string>& languages,
                           const Complaints& complaints) {
  const Value value(entry, complaints);
  const std::string expected =
      "default, all, or a list of at most " + std::to_string(kLanguagesMax) + " languages such as [eng, pt-br], in small letters";
  if (value.is("all") || value.is("default")) {
    tracks = value.is("all") ? TrackChoice::kAll : TrackChoice::kDefault;
    return {};
  }
  const TreeNode& list = entry.value;
  if (list.kind != TreeNode::Kind::kList || list.items.empty() || list.items.size() > kLanguagesMax) {
    static constexpr std::string_view kTrackWords[] = {"default", "all"};
    const bool text = list.kind == TreeNode::Kind::kText;
    return value.wrong(expected, text ? nearest_word(list.text, kTrackWords) : std::string_view{});
  }
  tracks = TrackChoice::kLanguages;
  for (const TreeNode& item : list.items) {
    if (item.kind != TreeNode::Kind::kText || !is_language(item.text))
      return complaints.wrong(item.place, "tracks", expected, describe(item));
    languages.push_back(item.text);
  }
  return {};
}

Result<> read_loudness(const TreeNode& map, AudioProfile& audio, const Complaints& complaints) {
  const TreeEntry* const loudness = map.find("loudness");
  if (loudness != nullptr && !Value(*loudness, complaints).is("none")) {
    audio.loudness = TRY(Value(*loudness, complaints)
                             .in_range<double>(parse_decibels, kLoudnessMin, kLoudnessMax,
                                               "LUFS such as -16, from " + decibels_text(kLoudnessMin) + " to " +
                                                   decibels_text(kLoudnessMax) + ", or none"));
  }
  if (const auto* peak = map.find("true_peak")) {
    audio.true_peak = TRY(Value(*peak, complaints)
                              .in_range<double>(parse_decibels, kTruePeakMin, 0.0,
                                                "dBTP such as -1, from " + decibels_text(kTruePeakMin) + " to 0"));
  }
  return {};
}

Result<std::optional<AudioProfile>> read_audio(const TreeEntry& entry, const Complaints& complaints) {
  const Value whole(entry, complaints);
  if (whole.is("none")) return std::nullopt;
  if (entry.value.kind != TreeNode::Kind::kMap)
    return whole.wrong("none, or a map of codec, bitrate, channels, tracks, loudness and true_peak");
  TRY(check_keys(entry.value, kAudioKeys, complaints));
  AudioProfile audio;
  if (const auto* codec = entry.value.find("codec")) {
    audio.codec = TRY(Value(*codec, complaints).one_of(all_audio_codecs(), &AudioCodecRules::word, &AudioCodecRules::codec));
  }
  if (const auto* channels = entry.value.find("channels"))
    audio.channels = TRY(Value(*channels, complaints).one_of(kChannelWords));
  if (const auto* bitrate = entry.value.find("bitrate")) {
    const std::int64_t max = kAudioBitsPerChannelMax * audio.channels;
    audio.bitrate = TRY(Value(*bitrate, complaints)
                            .in_range<std::int64_t>(parse_bits, kAudioBitsMin, max,
                                                    "a rate such as 96k, from " + bits_text(kAudioBitsMin) + " to " +
                                                        bits_text(max) + " with " + std::to_string(audio.channels) +
                                                        (audio.channels == 1 ? " channel" : " channels")));
  }
  if (const auto* tracks = entry.value.find("tracks")) TRY(read_track_choice(*tracks, audio.tracks, audio.languages, complaints));
  TRY(read_loudness(entry.value, audio, complaints));
  return audio;
}

// ---- Subtitles and metadata ----

Result<SubtitleProfile> read_subtitles(const TreeEntry& entry, const Complaints& complaints) {
  SubtitleProfile subtitles;
  const Value whole(entry, complaints);
  if (whole.is("none")) {
    subtitles.text = TextSubtitles::kNone;
    return subtitles;
  }
  if (entry.value.kind != TreeNode::Kind::kMap) return whole.wrong("none, or a map of text, bitmap and tracks");
  TRY(check_keys(entry.value, kSubtitleKeys, complaints));
  if (const auto* text = entry.value.find("text")) subtitles.text = TRY(Value(*text, complaints).one_of(kTextWords));
  if (const auto* bitmap = entry.value.find("bitmap")) subtitles.bitmap = TRY(Value(*bitmap, complaints).one_of(kBitmapWords));
  if (const auto* tracks = entry.value.find("tracks"))
    TRY(read_track_choice(*tracks, subtitles.tracks, subtitles.languages, complaints));
  return subtitles;
}

Result<MetadataProfile> read_metadata(const TreeEntry& entry, const Complaints& complaints) {
  MetadataProfile metadata;
  const Value whole(entry, complaints);
  if (whole.is("none")) {
    metadata.keep = false;
    return metadata;
  }
  if (entry.value.kind != TreeNode::Kind::kMap) return whole.wrong("none, or a map of keep, location and cover");
  TRY(check_keys(entry.value, kMetadataKeys, complaints));
  if (const auto* keep = entry.value.find("keep")) metadata.keep = TRY(Value(*keep, complaints).one_of(kKeepWords));
  if (const auto* location = entry.value.find("location"))
    metadata.location = TRY(Value(*location, complaints).one_of(kSwitchWords));
  if (const auto* cover = entry.value.find("cover")) metadata.cover = TRY(Value(*cover, complaints).one_of(kSwitchWords));
  return metadata;
}

// ---- Renditions ----

bool is_option_name(std::string_view text) {
  return !text.empty() && text.size() <= kOptionNameMax && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
           c == ':';
  });
}

Result<std::map<std::string, std::string>> read_options(const TreeEntry& entry, const Complaints& complaints) {
  if (entry.value.kind != TreeNode::Kind::kMap || entry.value.entries.size() > kOptionsMax) {
    return Value(entry, complaints).wrong("a map of at most " + std::to_string(kOptionsMax) + " encoder options");
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
    options[option.key] = TRY(Value(option, complaints).text(kOptionValueMax, false));
  }
  return options;
}

// On the longest of all scales; the codec may be in another block, so its own scale is checked by complete_rendition.
Result<double> read_quality(const Value& value) {
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
    const Value value(entry, complaints);
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

// A rendition and the tree it came from, defaults inherited, for complaints that come later.
struct ReadRendition {
  RenditionProfile profile;
  TreeNode tree;
};

Result<std::vector<ReadRendition>> read_renditions(const TreeEntry& list, const TreeNode* defaults,
                                                   const Complaints& complaints) {
  if (list.value.kind != TreeNode::Kind::kList)
    return Value(list, complaints).wrong("a list of renditions, or [] for audio alone");
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

Result<std::vector<ReadRendition>> read_ladder(const TreeNode& root, const Complaints& complaints) {
  const TreeEntry* const defaults = root.find("rendition");
  if (defaults != nullptr) {
    if (defaults->value.kind != TreeNode::Kind::kMap)
      return Value(*defaults, complaints).wrong("a map of keys for all renditions");
    std::vector<std::string_view> keys = kRenditionKeys;
    std::erase(keys, "name");
    TRY(check_keys(defaults->value, keys, complaints));
    TRY(read_values(defaults->value, complaints));
  }
  const TreeEntry* const list = root.find("renditions");
  if (list == nullptr)
    return complaints.wrong(root.place, "renditions", "a list of renditions, or [] for audio alone", "nothing");
  return read_renditions(*list, defaults == nullptr ? nullptr : &defaults->value, complaints);
}

// ---- The profile ----

Result<> read_times(const TreeNode& root, Profile& profile, const Complaints& complaints) {
  const TreeEntry* const gop = root.find("gop");
  const TreeEntry* const segment = root.find("segment");
  if (gop != nullptr) {
    profile.gop = TRY(
        Value(*gop, complaints).in_range<Rational>(parse_seconds, kGopMin, kGopMax, "seconds such as 2 or 1.92, from 0.1 to 10"));
  }
  const auto gops = [&](Rational seconds) { return seconds.num * profile.gop.den / (seconds.den * profile.gop.num); };
  const auto times = [&](std::int64_t count) { return Rational{profile.gop.num * count, profile.gop.den}; };
  if (segment == nullptr) {
    profile.segment = times(std::max<std::int64_t>(gops(kSegmentGoal), 1));
    return {};
  }
  profile.segment = TRY(
      Value(*segment, complaints).in_range<Rational>(parse_seconds, kGopMin, kSegmentMax, "seconds such as 10, from 0.1 to 60"));
  const std::int64_t count = gops(profile.segment);
  if (count >= 1 && times(count) == profile.segment) return {};
  // Whoever wrote the nearer file is told; where both are as near, about the segment.
  const bool about_gop = gop != nullptr && gop->place.file < segment->place.file;
  if (about_gop) return Value(*gop, complaints).wrong("a whole part of the segment of " + seconds_text(profile.segment) + " s");
  return Value(*segment, complaints)
      .wrong("a whole multiple of the gop of " + seconds_text(profile.gop) + " s",
             seconds_text(times(std::max<std::int64_t>(count, 1))));
}

Result<Profile> read_head(const TreeNode& root, const Complaints& complaints, std::string_view name_if_none) {
  Profile profile;
  TRY(check_keys(root, kProfileKeys, complaints));
  profile.name = name_if_none;
  if (const auto* entry = root.find("name")) profile.name = TRY(Value(*entry, complaints).name());
  if (!Value::is_name(profile.name))
    return complaints.wrong(root.place, "name", "1 to 32 characters of a-z, 0-9 and -", "nothing");
  if (const auto* entry = root.find("device")) profile.device = TRY(Value(*entry, complaints).name());
  if (const auto* entry = root.find("description"))
    profile.description = TRY(Value(*entry, complaints).text(kDescriptionMax, true));
  TRY(read_times(root, profile, complaints));
  if (const auto* entry = root.find("joins")) profile.joins = TRY(Value(*entry, complaints).one_of(kJoinsWords));
  if (const auto* entry = root.find("telecine")) profile.telecine = TRY(Value(*entry, complaints).one_of(kTelecineWords));
  if (const auto* entry = root.find("damage")) profile.damage = TRY(Value(*entry, complaints).one_of(kDamageWords));
  if (const auto* entry = root.find("container")) profile.container = TRY(Value(*entry, complaints).one_of(kContainerWords));
  profile.audio = AudioProfile{};
  if (const auto* entry = root.find("audio")) profile.audio = TRY(read_audio(*entry, complaints));
  if (const auto* entry = root.find("subtitles")) profile.subtitles = TRY(read_subtitles(*entry, complaints));
  if (const auto* entry = root.find("metadata")) profile.metadata = TRY(read_metadata(*entry, complaints));
  return profile;
}

}  // namespace

Result<Profile> read_profile(const TreeNode& root, const Complaints& complaints, std::string_view name_if_none,
                             const EncoderCheck& check_encoder) {
  Profile profile = TRY(read_head(root, complaints, name_if_none));
  const std::vector<ReadRendition> renditions = TRY(read_ladder(root, complaints));
  if (renditions.empty() && !profile.audio) {
    return complaints.wrong(root.find("renditions")->value.place, "renditions", "at least one rendition where audio is none",
                            "an empty list");
  }
  for (const ReadRendition& rendition : renditions) {
    if (check_encoder) {
      if (const auto complaint = check_encoder(rendition.profile)) return encoder_fault(*complaint, rendition.tree, complaints);
    }
    profile.renditions.push_back(rendition.profile);
  }
  return profile;
}

}  // namespace gopmill
