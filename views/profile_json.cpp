#include "views/profile_json.h"

#include "profiles/profile_words.h"
#include "views/json_text.h"

namespace gopmill {

namespace {

using views::Json;
using views::or_null;

Json tracks_json(TrackChoice tracks, const std::vector<std::string>& languages) {
  return tracks == TrackChoice::kLanguages ? Json(languages) : Json(word_of(kTrackWords, tracks));
}

Json profile_object(const Profile& p) {
  Json renditions = Json::array();
  for (const RenditionProfile& r : p.renditions) {
    renditions.push_back({{"name", r.name},
                          {"codec", codec_word(r.codec)},
                          {"height", or_null(r.height)},
                          {"fps", r.fps ? Json(r.fps->value()) : Json(nullptr)},
                          {"fps_max", r.fps_max ? Json(r.fps_max->value()) : Json(nullptr)},
                          {"quality", or_null(r.rate.quality)},
                          {"bits_per_s", or_null(r.rate.bitrate)},
                          {"maxrate", or_null(r.rate.maxrate)},
                          {"bufsize", or_null(r.rate.bufsize)},
                          {"preset", r.preset},
                          {"profile", r.codec_profile},
                          {"level", r.level},
                          {"options", r.encoder_options}});
  }
  Json audio = nullptr;
  if (p.audio) {
    audio = {{"codec", codec_word(p.audio->codec)},
             {"bits_per_s", p.audio->bitrate},
             {"channels", p.audio->channels},
             {"tracks", tracks_json(p.audio->tracks, p.audio->languages)},
             {"loudness_lufs", or_null(p.audio->loudness)},
             {"true_peak_dbtp", p.audio->true_peak}};
  }
  return {{"name", p.name},
          {"device", p.device},
          {"description", p.description},
          {"gop_s", p.gop.value()},
          {"segment_s", p.segment.value()},
          {"container", p.container},
          {"subtitles",
           {{"text", word_of(kTextWords, p.subtitles.text)},
            {"bitmap", word_of(kBitmapWords, p.subtitles.bitmap)},
            {"tracks", tracks_json(p.subtitles.tracks, p.subtitles.languages)}}},
          {"metadata",
           {{"keep", word_of(kKeepWords, p.metadata.keep)}, {"location", p.metadata.location}, {"cover", p.metadata.cover}}},
          {"audio", std::move(audio)},
          {"renditions", std::move(renditions)}};
}

}  // namespace

std::string profile_json(const Profile& profile) { return views::indented(profile_object(profile)); }

std::string profiles_json(const std::vector<Profile>& profiles) {
  Json list = Json::array();
  for (const Profile& profile : profiles) list.push_back(profile_object(profile));
  return views::indented(list);
}

std::string profile_check_json(const std::string& file, const std::optional<Fault>& fault) {
  return views::line_of({{"file", file}, {"good", !fault}, {"error", fault ? Json(fault->text) : Json(nullptr)}});
}

}  // namespace gopmill
