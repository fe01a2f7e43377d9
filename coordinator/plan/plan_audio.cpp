#include "coordinator/plan/plan_audio.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/utf8.h"
#include "media/text/language.h"

namespace gopmill {

namespace {

constexpr std::size_t kTitleBytesMax = 255;  // what a list of tracks in a player can still show

// "audio track 2 (deu)": the place among the audio tracks, from 1. A language tag is the source's own text, so it is
// shown only where it looks like one.
std::string audio_track_name(const SourceFacts& source, std::size_t index) {
  const std::string& language = source.audio[index].language;
  const auto is_tag_character = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  };
  const bool show =
      !language.empty() && language != "und" && language.size() <= 16 && std::ranges::all_of(language, is_tag_character);
  return "audio track " + std::to_string(index + 1) + (show ? " (" + language + ")" : "");
}

std::string tag_of(const AudioTrack& track) {
  std::string tag = track.language;
  for (char& c : tag) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c == '_' ? '-' : c;
  return tag;
}

// The place of a track in the order of preference; none: it is not wanted.
std::optional<std::size_t> preference(const SourceFacts& source, const AudioProfile& profile, std::size_t index) {
  const bool chosen = index == source.audio_chosen;
  if (profile.tracks == TrackChoice::kDefault) return chosen ? std::optional<std::size_t>(0) : std::nullopt;
  if (profile.tracks == TrackChoice::kAll) return chosen ? 0 : 1;
  const std::string tag = tag_of(source.audio[index]);
  const auto found = std::ranges::find_if(profile.languages, [&](const auto& wanted) { return language_matches(tag, wanted); });
  if (found == profile.languages.end()) return std::nullopt;
  // Of several in one language the source's own choice goes first: the others are commentary.
  return 2 * static_cast<std::size_t>(found - profile.languages.begin()) + (chosen ? 0 : 1);
}

std::vector<std::optional<std::size_t>> preferences(const SourceFacts& source, const AudioProfile& profile,
                                                    std::vector<std::string>& notes) {
  std::vector<std::optional<std::size_t>> order;
  bool any = false;
  for (std::size_t i = 0; i < source.audio.size(); ++i) {
    order.push_back(preference(source, profile, i));
    any = any || order.back();
  }
  if (any) return order;
  std::string languages;
  for (const std::string& language : profile.languages) languages += (languages.empty() ? "" : ", ") + language;
  notes.push_back("no audio is tagged as one of " + languages + ": the default track is carried");
  order[source.audio_chosen] = 0;
  return order;
}

int output_sample_rate(AudioCodec codec, int source_rate) {
  // Opus codes at 48 kHz whatever it is given (RFC 6716). AAC takes any; the two rates every phone plays are kept to,
  // and of them the one that is a simple ratio of the source's.
  return codec == AudioCodec::kAac && source_rate % 11025 == 0 ? 44100 : 48000;
}

int output_channels(int wanted, int source_channels) {
  if (wanted == 6 && source_channels >= 6) return 6;
  return std::min({wanted, source_channels, 2});
}

}  // namespace

std::vector<const AudioTrack*> choose_audio(const SourceFacts& source, const Profile& profile, std::vector<std::string>& notes) {
  std::vector<const AudioTrack*> tracks;
  if (source.audio.empty()) return tracks;
  if (!profile.audio) {
    notes.push_back("audio is not carried: profile " + profile.name + " has none");
    return tracks;
  }
  const std::vector<std::optional<std::size_t>> order = preferences(source, *profile.audio, notes);
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const bool empty = source.audio[i].packets == 0;
    if (!order[i] || empty) notes.push_back(audio_track_name(source, i) + (order[i] ? " is empty" : " is not carried"));
    if (order[i] && !empty && (!first || *order[i] < *order[*first])) first = i;
  }
  if (!first) return tracks;
  tracks.push_back(&source.audio[*first]);
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (order[i] && i != *first && source.audio[i].packets > 0) tracks.push_back(&source.audio[i]);
  }
  return tracks;
}

Timestamp output_zero(const std::vector<const AudioTrack*>& tracks) {
  const auto* const earliest = *std::ranges::min_element(
      tracks, [](const AudioTrack* a, const AudioTrack* b) { return a->starts_after_video < b->starts_after_video; });
  return earliest->starts_after_video;
}

std::int64_t frame_shift(const std::vector<const AudioTrack*>& tracks, Rational base) {
  if (tracks.empty()) return 0;
  const Timestamp zero = output_zero(tracks);
  return zero.ticks >= 0 ? 0 : Timestamp{-zero.ticks, zero.base}.in(base, Rounding::kUp).ticks;
}

PlannedAudio plan_track(const AudioTrack& track, const AudioProfile& profile, Timestamp zero) {
  PlannedAudio audio;
  audio.task = {.profile = profile,
                .sample_rate = output_sample_rate(profile.codec, track.sample_rate),
                .channels = output_channels(profile.channels, track.channels)};
  audio.task.first_sample = ticks_between(zero, track.starts_after_video, {1, audio.task.sample_rate});
  const std::string code = iso639_2(tag_of(track));
  audio.language = code.empty() ? "und" : code;
  audio.title = one_line(track.title, kTitleBytesMax);
  return audio;
}

}  // namespace gopmill
