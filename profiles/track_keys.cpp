#include "profiles/track_keys.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "profiles/codec_rules.h"
#include "profiles/profile_values.h"
#include "profiles/profile_words.h"
#include "profiles/written_value.h"

namespace gopmill {
namespace {

constexpr std::int64_t kAudioBitsMin = 8'000;              // Opus speech; AAC is noise below.
constexpr std::int64_t kAudioBitsPerChannelMax = 256'000;  // Opus takes no more (RFC 6716 2.1.1); AAC gains nothing above.
constexpr double kLoudnessMin = -40;                       // LUFS; quieter drowns in the noise of any room.
constexpr double kLoudnessMax = -5;                        // The loudest records; above, nothing is left but clipping.
constexpr double kTruePeakMin = -20;                       // dBTP.
constexpr std::size_t kLanguagesMax = 32;                  // More than a video has tracks.
constexpr std::size_t kLanguageMax = 16;                   // "zh-hant-hk" takes 10.

constexpr std::string_view kAudioKeys[] = {"codec", "bitrate", "channels", "tracks", "loudness", "true_peak"};
constexpr std::string_view kSubtitleKeys[] = {"text", "bitmap", "tracks"};
constexpr std::string_view kMetadataKeys[] = {"keep", "location", "cover"};

constexpr auto kChannelWords = std::to_array<Word<int>>({{"1", 1}, {"2", 2}, {"6", 6}});

bool is_language(std::string_view text) {
  return !text.empty() && text.size() <= kLanguageMax &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

Result<> read_track_choice(const TreeEntry& entry, TrackChoice& tracks, std::vector<std::string>& languages,
                           const Complaints& complaints) {
  const WrittenValue value(entry, complaints);
  const std::string expected =
      "default, all, or a list of at most " + std::to_string(kLanguagesMax) + " languages such as [eng, pt-br], in small letters";
  std::vector<std::string_view> words;
  for (const auto& [word, choice] : kTrackWords) {
    if (value.is(word)) {
      tracks = choice;
      return {};
    }
    words.push_back(word);
  }
  const TreeNode& list = entry.value;
  if (list.kind != TreeNode::Kind::kList || list.items.empty() || list.items.size() > kLanguagesMax) {
    const bool text = list.kind == TreeNode::Kind::kText;
    return value.wrong(expected, text ? nearest_word(list.text, words) : std::string_view{});
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
  if (loudness != nullptr && !WrittenValue(*loudness, complaints).is("none")) {
    audio.loudness = TRY(WrittenValue(*loudness, complaints)
                             .in_range<double>(parse_decibels, kLoudnessMin, kLoudnessMax,
                                               "LUFS such as -16, from " + decibels_text(kLoudnessMin) + " to " +
                                                   decibels_text(kLoudnessMax) + ", or none"));
  }
  if (const auto* peak = map.find("true_peak")) {
    audio.true_peak = TRY(WrittenValue(*peak, complaints)
                              .in_range<double>(parse_decibels, kTruePeakMin, 0.0,
                                                "dBTP such as -1, from " + decibels_text(kTruePeakMin) + " to 0"));
  }
  return {};
}

}  // namespace

Result<std::optional<AudioProfile>> read_audio(const TreeEntry& entry, const Complaints& complaints) {
  const WrittenValue whole(entry, complaints);
  if (whole.is("none")) return std::nullopt;
  if (entry.value.kind != TreeNode::Kind::kMap)
    return whole.wrong("none, or a map of codec, bitrate, channels, tracks, loudness and true_peak");
  TRY(check_keys(entry.value, kAudioKeys, complaints));
  AudioProfile audio;
  if (const auto* codec = entry.value.find("codec")) {
    audio.codec =
        TRY(WrittenValue(*codec, complaints).one_of(all_audio_codecs(), &AudioCodecRules::word, &AudioCodecRules::codec));
  }
  if (const auto* channels = entry.value.find("channels"))
    audio.channels = TRY(WrittenValue(*channels, complaints).one_of(kChannelWords));
  if (const auto* bitrate = entry.value.find("bitrate")) {
    const std::int64_t max = kAudioBitsPerChannelMax * audio.channels;
    audio.bitrate = TRY(WrittenValue(*bitrate, complaints)
                            .in_range<std::int64_t>(parse_bits, kAudioBitsMin, max,
                                                    "a rate such as 96k, from " + bits_text(kAudioBitsMin) + " to " +
                                                        bits_text(max) + " with " + std::to_string(audio.channels) +
                                                        (audio.channels == 1 ? " channel" : " channels")));
  }
  if (const auto* tracks = entry.value.find("tracks")) TRY(read_track_choice(*tracks, audio.tracks, audio.languages, complaints));
  TRY(read_loudness(entry.value, audio, complaints));
  return audio;
}

Result<SubtitleProfile> read_subtitles(const TreeEntry& entry, const Complaints& complaints) {
  SubtitleProfile subtitles;
  const WrittenValue whole(entry, complaints);
  if (whole.is("none")) {
    subtitles.text = TextSubtitles::kNone;
    return subtitles;
  }
  if (entry.value.kind != TreeNode::Kind::kMap) return whole.wrong("none, or a map of text, bitmap and tracks");
  TRY(check_keys(entry.value, kSubtitleKeys, complaints));
  if (const auto* text = entry.value.find("text")) subtitles.text = TRY(WrittenValue(*text, complaints).one_of(kTextWords));
  if (const auto* bitmap = entry.value.find("bitmap"))
    subtitles.bitmap = TRY(WrittenValue(*bitmap, complaints).one_of(kBitmapWords));
  if (const auto* tracks = entry.value.find("tracks"))
    TRY(read_track_choice(*tracks, subtitles.tracks, subtitles.languages, complaints));
  return subtitles;
}

Result<MetadataProfile> read_metadata(const TreeEntry& entry, const Complaints& complaints) {
  MetadataProfile metadata;
  const WrittenValue whole(entry, complaints);
  if (whole.is("none")) {
    metadata.keep = false;
    return metadata;
  }
  if (entry.value.kind != TreeNode::Kind::kMap) return whole.wrong("none, or a map of keep, location and cover");
  TRY(check_keys(entry.value, kMetadataKeys, complaints));
  if (const auto* keep = entry.value.find("keep")) metadata.keep = TRY(WrittenValue(*keep, complaints).one_of(kKeepWords));
  if (const auto* location = entry.value.find("location"))
    metadata.location = TRY(WrittenValue(*location, complaints).one_of(kSwitchWords));
  if (const auto* cover = entry.value.find("cover")) metadata.cover = TRY(WrittenValue(*cover, complaints).one_of(kSwitchWords));
  return metadata;
}

}  // namespace gopmill
