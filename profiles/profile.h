#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace gopmill {

// A device profile: what a person writes in YAML, checked and completed. docs/profiles.md is the page for people; every
// key there is a field here. Value types; no YAML type leaves profile.cpp.

enum class VideoCodec : std::uint8_t { kH264 = 1, kHevc = 2, kAv1 = 3, kVp9 = 4 };
enum class AudioCodec : std::uint8_t { kAac = 1, kOpus = 2 };
enum class Joins : std::uint8_t {
  kDefault = 1,  // tail context and first-frame correction
  kExact = 2,    // also encodes one GOP before each segment and drops it
};
enum class Telecine : std::uint8_t {
  kKeep = 1,  // the source's rate; film frames are put together from their fields
  kFilm = 2,  // the film's own rate, usually 24000/1001
};
enum class Damage : std::uint8_t {
  kRefuse = 1,   // a source that cannot be carried whole fails the job, with what is missing
  kSalvage = 2,  // what can be decoded is kept, and every loss is listed in the report
};
enum class PixelFormat : std::uint8_t { kYuv420p = 1, kYuv420p10 = 2 };
enum class DynamicRange : std::uint8_t {
  kSdr = 1,  // HDR sources are tone-mapped
  kHdr = 2,  // HDR sources stay so; others stay as they are
};
enum class TrackChoice : std::uint8_t {
  kDefault = 1,  // the one track the source marks as default, else its first
  kAll = 2,
  kLanguages = 3,  // those in one of `languages`
};

// How many bits: exactly one of `quality` and `bitrate` is set.
struct RateControl {
  std::optional<double> quality;        // CRF on the encoder's own scale
  std::optional<std::int64_t> bitrate;  // bits/s, average
  std::optional<std::int64_t> maxrate;  // bits/s, the leaky bucket's drain; needs bufsize
  std::optional<std::int64_t> bufsize;  // bits, the bucket
  friend bool operator==(const RateControl&, const RateControl&) = default;
};

struct RenditionProfile {
  std::string name;  // "1080p": [a-z0-9-]{1,32}, unique in the profile; part of the file name
  VideoCodec codec = VideoCodec::kH264;
  std::optional<int> height;        // lines of the shorter side as shown (ladder.h); even; nullopt: the source's own ("source")
  std::optional<Rational> fps_max;  // frames/s; nullopt: as the source
  std::optional<Rational> fps;      // frames/s of a constant rate, in the place of fps_max; nullopt: frames keep their own times
  RateControl rate;
  std::string preset;         // the encoder's preset name ("medium", "8"), checked against the encoder's list
  std::string codec_profile;  // "auto", "baseline", "main", "high", "main10"…, checked per codec
  std::string level;          // "auto" or "4.1"
  PixelFormat pixel_format = PixelFormat::kYuv420p;
  DynamicRange dynamic_range = DynamicRange::kSdr;     // kHdr only with kYuv420p10
  std::map<std::string, std::string> encoder_options;  // escape hatch, checked against what the encoder accepts
  friend bool operator==(const RenditionProfile&, const RenditionProfile&) = default;
};

struct AudioProfile {
  AudioCodec codec = AudioCodec::kAac;
  std::int64_t bitrate = 128'000;  // bits/s
  int channels = 2;                // 1, 2 or 6; fewer in the source stay fewer
  TrackChoice tracks = TrackChoice::kDefault;
  std::vector<std::string> languages;  // of kLanguages, the preferred one first: "eng", "pt-br" (media/text/language.h)
  std::optional<double> loudness;      // LUFS over the whole track (ITU-R BS.1770); nullopt: as loud as the source
  double true_peak = -1;               // dBTP that no gain may lift the audio above; only with `loudness`
  friend bool operator==(const AudioProfile&, const AudioProfile&) = default;
};

enum class TextSubtitles : std::uint8_t { kNone = 1, kVtt = 2, kMovText = 3, kBoth = 4 };
enum class BitmapSubtitles : std::uint8_t { kDrop = 1, kBurn = 2 };

// What becomes of subtitles. `tracks` and `languages` choose among text tracks; one bitmap track is burnt in: the forced one
// among the chosen, else the default one, else the first.
struct SubtitleProfile {
  TextSubtitles text = TextSubtitles::kVtt;
  BitmapSubtitles bitmap = BitmapSubtitles::kDrop;
  TrackChoice tracks = TrackChoice::kAll;
  std::vector<std::string> languages;  // of kLanguages (media/text/language.h)
  [[nodiscard]] bool as_files() const { return text == TextSubtitles::kVtt || text == TextSubtitles::kBoth; }
  [[nodiscard]] bool as_tracks() const { return text == TextSubtitles::kMovText || text == TextSubtitles::kBoth; }
  friend bool operator==(const SubtitleProfile&, const SubtitleProfile&) = default;
};

struct MetadataProfile {
  bool keep = true;       // title, artist… by the allow-list of docs/profiles.md
  bool cover = false;     // the cover of audio; FFmpeg warns of a missing timescale when it reads one back
  bool location = false;  // where it was recorded: nobody expects that in what they pass on
  friend bool operator==(const MetadataProfile&, const MetadataProfile&) = default;
};

struct Profile {
  std::string name;
  std::string device;  // device class, for people: "phone", "tablet", "tv"…
  std::string description;
  std::vector<RenditionProfile> renditions;  // largest first; empty for an audio-only profile
  Rational gop{2, 1};                        // seconds between IDR frames on the global grid
  Rational segment{10, 1};                   // seconds per segment; a whole multiple of gop
  Joins joins = Joins::kDefault;
  Telecine telecine = Telecine::kKeep;
  Damage damage = Damage::kRefuse;
  std::optional<AudioProfile> audio;  // nullopt: audio is dropped
  std::string container = "mp4";
  SubtitleProfile subtitles;
  MetadataProfile metadata;
  friend bool operator==(const Profile&, const Profile&) = default;
};

// ---- Limits of a profile file. Ranges of single keys stand with their reasons beside their readers, *_keys.cpp. ----

inline constexpr std::size_t kProfileBytesMax = 256 * 1024;  // Ladders take 2 KiB; this bounds what a stranger can make us parse.
inline constexpr int kProfileNestingMax = 32;                // A profile nests 4 deep; yaml-cpp recurses once per level.
inline constexpr int kProfileExtendsMax = 4;                 // Files above this one. A person can still follow such a chain.
inline constexpr std::size_t kRenditionsMax = 16;            // All of them are encoded from one decode, side by side in memory.

// ---- Loading ----

// What an encoder holds against a rendition.
struct EncoderComplaint {
  std::string key;      // the YAML key at fault ("preset", "profile", "level"…), or the name of one of its options
  std::string why;      // for people: "libx264 has no such preset"
  std::string nearest;  // the value (or the option's name) that was probably meant; empty: no guess
};

// Asks the encoder itself, which only media code can. Called once per rendition, after everything else was found right.
using EncoderCheck = std::function<std::optional<EncoderComplaint>(const RenditionProfile&)>;

// A file that another one extends.
struct ParentFile {
  std::string file_name;  // as it is to stand in complaints; equal for the same file, which is how cycles are found
  std::string yaml;
};

// Finds the file `extends` (it has a '/' or ends in .yaml or .yml) that the file `extending` names.
using ParentLookup = std::function<Result<ParentFile>(std::string_view extends, std::string_view extending)>;

struct ProfileContext {
  ParentLookup parent;         // empty: only shipped profiles can be extended, as for what comes over the wire
  EncoderCheck check_encoder;  // empty: presets, levels and encoder options are not asked of an encoder
};

// Reads a profile: checks all of it, follows `extends`, completes what was left out. `file_name` is only used in
// complaints and, without folder and suffix, as the profile's name if the file gives none. One fault of kind kConfig, about
// the first thing found wrong:
//   phone.yaml:12:5: key 'hieght': expected one of bitrate, bufsize, …, found 'hieght'; did you mean 'height'?
// Lines and columns count from 1, columns in characters. No exception leaves.
Result<Profile> load_profile(std::string_view yaml, std::string_view file_name, const ProfileContext& context);

// `name_or_path` with a '/' in it or ending in .yaml or .yml is a file, whose parents are found beside it; anything else
// is the name of a shipped profile. Every fault is of kind kConfig, also that of a file that is not there.
Result<Profile> find_profile(std::string_view name_or_path, const EncoderCheck& check_encoder = {});

// Canonical YAML of a whole profile, without `extends`: equal profiles give equal bytes, and loading it (with or without
// an encoder check) gives an equal profile back. `profile` is one that was loaded.
std::string to_yaml(const Profile& profile);

// The words profiles use: "h264", "hevc", "av1", "vp9"; "aac", "opus".
std::string_view codec_word(VideoCodec codec);
std::string_view codec_word(AudioCodec codec);

}  // namespace gopmill
