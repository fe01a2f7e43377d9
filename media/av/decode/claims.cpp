#include "media/av/decode/claims.h"

extern "C" {
#include <libavformat/avformat.h>
#include <libavutil/avstring.h>
#include <libavutil/parseutils.h>
}

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "base/utf8.h"
#include "media/av/handles.h"

namespace gopmill::av {

namespace {

constexpr std::size_t kLocationBytesMax = 64;        // ISO 6709 with metres and a datum takes 50
constexpr int kStructuralTagsMax = 4;                // of the container, not of the work
constexpr std::int64_t kCreatedMax = 7'258'118'400;  // the year 2200: later is a broken clock

constexpr auto kTagsKept = std::to_array<const char*>(
    {"title", "artist", "album", "album_artist", "date", "genre", "comment", "description", "copyright"});
constexpr std::array<const char*, kStructuralTagsMax> kStructuralTags = {"major_brand", "minor_version", "compatible_brands",
                                                                         "encoder"};
constexpr auto kLocationTags = std::to_array<const char*>({"location", "com.apple.quicktime.location.ISO6709", "location-eng"});

std::string_view value_of(const AVDictionary* tags, const char* name) {
  const AVDictionaryEntry* entry = av_dict_get(tags, name, nullptr, 0);
  return entry ? std::string_view(entry->value) : std::string_view();
}

std::string language_of(const AVStream& stream) {
  std::string language;
  for (const char c : value_of(stream.metadata, "language").substr(0, kLanguageBytesMax)) {
    const char small = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c == '_' ? '-' : c;
    if (!((small >= 'a' && small <= 'z') || (small >= '0' && small <= '9') || small == '-')) return {};
    language += small;
  }
  return language == "und" ? "" : language;
}

Kind kind_of(const AVFormatContext& format, const AVStream& stream) {
  const AVCodecParameters& par = *stream.codecpar;
  switch (par.codec_type) {
    case AVMEDIA_TYPE_VIDEO:
    case AVMEDIA_TYPE_AUDIO:
    case AVMEDIA_TYPE_SUBTITLE: return Kind::kMedia;
    case AVMEDIA_TYPE_ATTACHMENT: return Kind::kAttachment;
    default: break;
  }
  if (par.codec_tag == MKTAG('t', 'm', 'c', 'd')) return Kind::kTimecode;
  // libavformat reads the track of an MP4's chapters as chapters and lists it as data as well.
  if (par.codec_tag == MKTAG('t', 'e', 'x', 't') && format.nb_chapters > 0) return Kind::kChapters;
  return Kind::kData;
}

void read_tags(const AVFormatContext& format, Claims& claims) {
  const AVDictionary* fallback = nullptr;
  for (unsigned i = 0; i < format.nb_streams; ++i) {
    // Ogg has its tags in the stream.
    const bool ogg = std::strcmp(format.iformat->name, "ogg") == 0;
    if (ogg && !fallback && format.streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO) fallback = format.streams[i]->metadata;
  }
  for (const char* name : kTagsKept) {
    std::string_view value = value_of(format.metadata, name);
    if (value.empty()) value = value_of(fallback, name);
    std::string clean = one_line(value, kTagBytesMax);
    if (!clean.empty()) claims.tags.emplace(name, std::move(clean));
  }
  for (const char* name : kLocationTags) {
    if (claims.location.empty()) claims.location = one_line(value_of(format.metadata, name), kLocationBytesMax);
  }
  const AVDictionaryEntry* entry = nullptr;
  while ((entry = av_dict_get(format.metadata, "", entry, AV_DICT_IGNORE_SUFFIX))) {
    const auto is = [&](const char* name) { return av_strcasecmp(entry->key, name) == 0; };
    const bool known = std::ranges::any_of(kTagsKept, is) || std::ranges::any_of(kLocationTags, is) ||
                       std::ranges::any_of(kStructuralTags, is) || is("creation_time");
    if (!known) ++claims.tags_left_out;
  }
  // "now" is a time to av_parse_time, and must not be one here.
  const std::string created(value_of(format.metadata, "creation_time"));
  std::int64_t microseconds = 0;
  if (!created.empty() && created[0] >= '0' && created[0] <= '9' && av_parse_time(&microseconds, created.c_str(), 0) >= 0) {
    const std::int64_t seconds = microseconds / 1'000'000;
    if (seconds > 0 && seconds < kCreatedMax) claims.created_unix_s = seconds;
  }
}

void read_chapters(const AVFormatContext& format, Claims& claims) {
  for (unsigned i = 0; i < format.nb_chapters; ++i) {
    const AVChapter& chapter = *format.chapters[i];
    if (chapter.time_base.num < 1 || chapter.time_base.den < 1 || chapter.start == AV_NOPTS_VALUE) continue;
    if (claims.chapters.size() == kChaptersMax) {
      ++claims.chapters_left_out;
      continue;
    }
    claims.chapters.push_back(
        {chapter.start, from_av(chapter.time_base), one_line(value_of(chapter.metadata, "title"), kChapterTitleBytesMax)});
  }
}

void read_cover(const AVFormatContext& format, Claims& claims) {
  for (unsigned i = 0; i < format.nb_streams && !claims.cover; ++i) {
    const AVStream& stream = *format.streams[i];
    const AVCodecID codec = stream.codecpar->codec_id;
    const AVPacket& frame = stream.attached_pic;
    const bool fits = (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0 && frame.size > 0 &&
                      static_cast<std::size_t>(frame.size) <= kCoverBytesMax &&
                      (codec == AV_CODEC_ID_MJPEG || codec == AV_CODEC_ID_PNG);
    if (!fits) continue;
    claims.cover = CoverClaim{i, codec == AV_CODEC_ID_PNG,
                              std::string(reinterpret_cast<const char*>(frame.data), static_cast<std::size_t>(frame.size))};
  }
}

}  // namespace

Claims claims_of(const AVFormatContext& format) {
  Claims claims;
  for (unsigned i = 0; i < format.nb_streams; ++i) {
    const AVStream& stream = *format.streams[i];
    claims.streams.push_back({kind_of(format, stream), language_of(stream),
                              one_line(value_of(stream.metadata, "title"), kTrackTitleBytesMax),
                              (stream.disposition & AV_DISPOSITION_FORCED) != 0});
  }
  read_tags(format, claims);
  read_chapters(format, claims);
  read_cover(format, claims);
  return claims;
}

std::string webvtt_settings(const JournalPacket& packet) {
  for (const SideData& side : packet.side_data) {
    if (side.type == AV_PKT_DATA_WEBVTT_SETTINGS) return side.bytes;
  }
  return {};
}

}  // namespace gopmill::av
