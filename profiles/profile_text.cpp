// Profiles as canonical YAML. Written by hand, not with yaml-cpp's emitter: equal profiles must give equal bytes whatever
// that library's version, because these bytes are what a job's outputs depend on (docs/architecture.md, same bytes).

#include <string>
#include <string_view>

#include "profiles/profile.h"
#include "profiles/profile_values.h"
#include "profiles/profile_words.h"

namespace gopmill {
namespace {

// Always quoted: plain "null", "~" or "1.0" would be read as something else by one YAML reader or another.
std::string yaml_text(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (c == '\n') {
      result += "\\n";
    } else {
      result += c;
    }
  }
  return result + '"';
}

void put(std::string& yaml, std::string_view indent, std::string_view key, std::string_view value) {
  yaml.append(indent).append(key).append(": ").append(value).append("\n");
}

std::string tracks_text(TrackChoice tracks, const std::vector<std::string>& languages) {
  if (tracks != TrackChoice::kLanguages) return std::string(word_of(kTrackWords, tracks));
  std::string list;
  for (const std::string& language : languages) list += (list.empty() ? "[" : ", ") + yaml_text(language);
  return list + "]";
}

void put_rate(std::string& yaml, const RateControl& rate, std::string_view indent) {
  if (rate.quality) put(yaml, indent, "quality", quality_text(*rate.quality));
  if (rate.bitrate) put(yaml, indent, "bitrate", bits_text(*rate.bitrate));
  if (rate.maxrate) put(yaml, indent, "maxrate", bits_text(*rate.maxrate));
  if (rate.bufsize) put(yaml, indent, "bufsize", bits_text(*rate.bufsize));
}

void put_rendition(std::string& yaml, const RenditionProfile& rendition) {
  constexpr std::string_view kIndent = "    ";
  put(yaml, "  - ", "name", yaml_text(rendition.name));
  put(yaml, kIndent, "codec", codec_word(rendition.codec));
  put(yaml, kIndent, "height", rendition.height ? std::to_string(*rendition.height) : "source");
  if (!rendition.fps) put(yaml, kIndent, "fps_max", rendition.fps_max ? frame_rate_text(*rendition.fps_max) : "none");
  if (rendition.fps) put(yaml, kIndent, "fps", frame_rate_text(*rendition.fps));
  put_rate(yaml, rendition.rate, kIndent);
  put(yaml, kIndent, "preset", yaml_text(rendition.preset));
  put(yaml, kIndent, "profile", yaml_text(rendition.codec_profile));
  put(yaml, kIndent, "level", yaml_text(rendition.level));
  put(yaml, kIndent, "pixel_format", word_of(kPixelWords, rendition.pixel_format));
  put(yaml, kIndent, "dynamic_range", word_of(kRangeWords, rendition.dynamic_range));
  if (rendition.encoder_options.empty()) return;
  yaml.append(kIndent).append("options:\n");
  for (const auto& [option, value] : rendition.encoder_options) put(yaml, "      ", yaml_text(option), yaml_text(value));
}

void put_subtitles(std::string& yaml, const SubtitleProfile& subtitles) {
  yaml += "subtitles:\n";
  put(yaml, "  ", "text", word_of(kTextWords, subtitles.text));
  put(yaml, "  ", "bitmap", word_of(kBitmapWords, subtitles.bitmap));
  put(yaml, "  ", "tracks", tracks_text(subtitles.tracks, subtitles.languages));
}

void put_metadata(std::string& yaml, const MetadataProfile& metadata) {
  yaml += "metadata:\n";
  put(yaml, "  ", "keep", word_of(kKeepWords, metadata.keep));
  put(yaml, "  ", "location", word_of(kSwitchWords, metadata.location));
  put(yaml, "  ", "cover", word_of(kSwitchWords, metadata.cover));
}

}  // namespace

std::string to_yaml(const Profile& profile) {
  std::string yaml;
  put(yaml, "", "name", yaml_text(profile.name));
  if (!profile.device.empty()) put(yaml, "", "device", yaml_text(profile.device));
  if (!profile.description.empty()) put(yaml, "", "description", yaml_text(profile.description));
  put(yaml, "", "gop", seconds_text(profile.gop));
  put(yaml, "", "segment", seconds_text(profile.segment));
  put(yaml, "", "joins", word_of(kJoinsWords, profile.joins));
  put(yaml, "", "telecine", word_of(kTelecineWords, profile.telecine));
  put(yaml, "", "damage", word_of(kDamageWords, profile.damage));
  put(yaml, "", "container", profile.container);
  if (profile.audio) {
    yaml += "audio:\n";
    put(yaml, "  ", "codec", codec_word(profile.audio->codec));
    put(yaml, "  ", "bitrate", bits_text(profile.audio->bitrate));
    put(yaml, "  ", "channels", std::to_string(profile.audio->channels));
    put(yaml, "  ", "tracks", tracks_text(profile.audio->tracks, profile.audio->languages));
    put(yaml, "  ", "loudness", profile.audio->loudness ? decibels_text(*profile.audio->loudness) : "none");
    put(yaml, "  ", "true_peak", decibels_text(profile.audio->true_peak));
  } else {
    put(yaml, "", "audio", "none");
  }
  put_subtitles(yaml, profile.subtitles);
  put_metadata(yaml, profile.metadata);
  yaml += profile.renditions.empty() ? "renditions: []\n" : "renditions:\n";
  for (const RenditionProfile& rendition : profile.renditions) put_rendition(yaml, rendition);
  return yaml;
}

}  // namespace gopmill
