#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "media/task/bitmap.h"
#include "media/text/cue.h"
#include "profiles/profile.h"

// What a source carries beside video and audio, and what an output does: value types only, so that the planner stays pure.
// All text here is valid UTF-8 without control characters, made so in the media child that read it.

namespace gopmill {

// Limits on what is carried. What goes beyond is left out and said in the notes, but for bitmaps to be burnt in: a frame that
// lacks some of its subtitles is not what was asked for, so there the job fails.
inline constexpr std::size_t kCuesMax = 50'000;              // of one track; a video has 2,000, a day of live captions 40,000
inline constexpr std::size_t kSubtitleBytesMax = 32U << 20;  // of all text together; forty languages of a video take 4 MiB
inline constexpr std::size_t kBitmapsMax = 20'000;           // of one track
inline constexpr std::size_t kBitmapBytesMax = 128U << 20;   // of one track, as run lengths; a video takes 20 MiB
inline constexpr std::size_t kChaptersMax = 255;             // Nero's list counts them with one byte
inline constexpr std::size_t kChapterTitleBytesMax = 255;    // its titles, too
inline constexpr std::size_t kTagBytesMax = 4096;            // of a value; descriptions run to a page
inline constexpr std::size_t kTrackTitleBytesMax = 255;
inline constexpr std::size_t kLanguageBytesMax = 16;     // "zh-hant-hk" takes 10
inline constexpr std::size_t kCoverBytesMax = 4U << 20;  // players hold it in memory with the index
inline constexpr int kCoverSideMax = 8192;

struct SubtitleTrack {
  std::uint32_t stream = 0;
  std::string codec;
  bool is_text = false;  // else bitmaps, or a kind gopmill does not read
  bool is_bitmap = false;
  std::string language;  // as tagged, in small letters: a-z, 0-9 and -; empty: none, or "und"
  std::string title;
  bool is_default = false, is_forced = false;
  std::vector<Cue> cues;            // of text, in file order
  std::uint32_t cues_left_out = 0;  // beyond a limit, or without a time
  std::vector<Bitmap> bitmaps;      // of the track to be burnt in; apart from each other, in order of time
  friend bool operator==(const SubtitleTrack&, const SubtitleTrack&) = default;
};

// Lasts until the next one, or the end.
struct Chapter {
  std::int64_t start = 0;  // as a cue's
  std::string title;
  friend bool operator==(const Chapter&, const Chapter&) = default;
};

struct Cover {
  bool png = false;  // else JPEG
  int width = 0, height = 0;
  std::string bytes;  // as in the source; found to decode
  friend bool operator==(const Cover&, const Cover&) = default;
};

// Names of tags that are kept (docs/profiles.md): title, artist, album, album_artist, date, genre, comment, description, copyright.
using Tags = std::map<std::string, std::string>;

// What was found.
struct SideTrackFacts {
  std::vector<SubtitleTrack> subtitles;
  std::vector<Chapter> chapters;
  Tags tags;
  std::uint32_t tags_left_out = 0;
  std::optional<std::int64_t> created_unix_s;  // when the source was made, by its own tag
  std::string location;                        // ISO 6709: "+48.8584+002.2945/"; empty: none
  std::optional<Cover> cover;
};

// What one output file has beside video and audio.
struct SideTrackPlan {
  std::vector<TextTrack> subtitles;
  std::vector<Chapter> chapters;  // ms, rising from 0
  Tags tags;
  std::optional<std::int64_t> created_unix_s;
  std::string location;
  std::optional<Cover> cover;
};

// Which track of bitmaps an analysis is to decode: the forced one among those chosen, else the default one, else the first.
struct BurnRequest {
  TrackChoice tracks = TrackChoice::kAll;
  std::vector<std::string> languages;
};

template <class A>
void fields(A& a, BurnRequest& v) {
  a(v.tracks, v.languages);
}
template <class A>
void fields(A& a, SubtitleTrack& v) {
  a(v.stream, v.codec, v.is_text, v.is_bitmap, v.language, v.title, v.is_default, v.is_forced, v.cues, v.cues_left_out,
    v.bitmaps);
}
template <class A>
void fields(A& a, Chapter& v) {
  a(v.start, v.title);
}
template <class A>
void fields(A& a, Cover& v) {
  a(v.png, v.width, v.height, v.bytes);
}
template <class A>
void fields(A& a, SideTrackFacts& v) {
  a(v.subtitles, v.chapters, v.tags, v.tags_left_out, v.created_unix_s, v.location, v.cover);
}
template <class A>
void fields(A& a, SideTrackPlan& v) {
  a(v.subtitles, v.chapters, v.tags, v.created_unix_s, v.location, v.cover);
}

}  // namespace gopmill
