#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "base/check.h"
#include "profiles/profile.h"

namespace gopmill {

// The words that stand for values in a profile, each once: keys are read by them, canonical text and JSON are written with them.
// Those of codecs are in codec_rules.h.

// A word of the file and what it stands for.
template <class T>
struct Word {
  std::string_view text;
  T value;
};

inline constexpr auto kJoinsWords = std::to_array<Word<Joins>>({{"default", Joins::kDefault}, {"exact", Joins::kExact}});
inline constexpr auto kTelecineWords = std::to_array<Word<Telecine>>({{"keep", Telecine::kKeep}, {"film", Telecine::kFilm}});
inline constexpr auto kDamageWords = std::to_array<Word<Damage>>({{"refuse", Damage::kRefuse}, {"salvage", Damage::kSalvage}});
inline constexpr auto kPixelWords =
    std::to_array<Word<PixelFormat>>({{"yuv420p", PixelFormat::kYuv420p}, {"yuv420p10", PixelFormat::kYuv420p10}});
inline constexpr auto kRangeWords = std::to_array<Word<DynamicRange>>({{"sdr", DynamicRange::kSdr}, {"hdr", DynamicRange::kHdr}});
inline constexpr auto kTextWords = std::to_array<Word<TextSubtitles>>({{"none", TextSubtitles::kNone},
                                                                       {"vtt", TextSubtitles::kVtt},
                                                                       {"mov_text", TextSubtitles::kMovText},
                                                                       {"both", TextSubtitles::kBoth}});
inline constexpr auto kBitmapWords =
    std::to_array<Word<BitmapSubtitles>>({{"drop", BitmapSubtitles::kDrop}, {"burn", BitmapSubtitles::kBurn}});
// kLanguages is written as a list of them.
inline constexpr auto kTrackWords =
    std::to_array<Word<TrackChoice>>({{"default", TrackChoice::kDefault}, {"all", TrackChoice::kAll}});
inline constexpr auto kKeepWords = std::to_array<Word<bool>>({{"standard", true}, {"none", false}});
inline constexpr auto kSwitchWords = std::to_array<Word<bool>>({{"true", true}, {"false", false}});

template <class T, std::size_t N>
std::string_view word_of(const std::array<Word<T>, N>& words, T value) {
  const auto found = std::ranges::find(words, value, &Word<T>::value);
  GOPMILL_CHECK(found != words.end());
  return found->text;
}

}  // namespace gopmill
