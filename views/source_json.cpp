#include "views/source_json.h"

#include "media/timeline/losses.h"
#include "profiles/ladder.h"
#include "views/json_text.h"

namespace gopmill {

namespace {

using views::Json;

Json losses_json(const std::vector<Loss>& losses) {
  Json json = Json::array();
  for (const Loss& loss : losses) {
    json.push_back(
        {{"what", word_of(loss.kind)}, {"from_s", loss.from}, {"to_s", loss.to}, {"count", loss.count}, {"reason", loss.reason}});
  }
  return json;
}

Json video_object(const VideoTrack& v) {
  const FrameSize shown = display_size({.width = v.width,
                                        .height = v.height,
                                        .sample_aspect = v.sample_aspect,
                                        .quarter_turns = v.orientation.quarter_turns,
                                        .fps = {}});
  std::uint64_t clean = 0;
  for (const KeyPacket& key : v.keys) clean += key.clean ? 1 : 0;
  const auto seconds = [&](std::int64_t ticks) { return Timestamp{ticks, v.base}.seconds(); };
  const double first = v.frames.empty() ? 0 : seconds(v.frames.front().pts);
  const double last = v.frames.empty() ? 0 : seconds(v.frames.back().pts);
  const double length = last - first + seconds(v.last_duration);
  return {{"stream", v.stream},
          {"codec", v.codec},
          {"width", v.width},
          {"height", v.height},
          {"shown_width", shown.width},
          {"shown_height", shown.height},
          {"sample_aspect", std::to_string(v.sample_aspect.num) + ":" + std::to_string(v.sample_aspect.den)},
          {"quarter_turns", v.orientation.quarter_turns},
          {"mirrored", v.orientation.mirrored},
          {"bit_depth", v.bit_depth},
          {"interlaced", v.interlaced},
          {"scan", scan_word(v.scan)},
          {"scan_evidence", v.scan_evidence},
          {"alpha", v.has_alpha},
          {"colour",
           {{"primaries", v.colour.primaries},
            {"transfer", v.colour.transfer},
            {"matrix", v.colour.matrix},
            {"full_range", v.colour.full_range}}},
          {"frames", v.frames.size()},
          {"packets", v.packets},
          {"first_s", first},
          {"last_s", last},
          {"seconds", length},
          {"fps", length > 0 ? static_cast<double>(v.frames.size()) / length : 0.0},
          {"keys", v.keys.size()},
          {"clean_keys", clean},
          {"evidence", v.evidence == Evidence::kPackets ? "packets" : "decoded"},
          {"evidence_reason", v.evidence_reason},
          {"starts_at_s", v.starts_at}};
}

Json audio_object(const AudioTrack& a) {
  return {{"stream", a.stream},
          {"codec", a.codec},
          {"sample_rate", a.sample_rate},
          {"channels", a.channels},
          {"language", a.language},
          {"title", a.title},
          {"default", a.is_default},
          {"packets", a.packets},
          {"bytes", a.bytes},
          {"starts_after_video_s", a.starts_after_video.seconds()},
          {"seconds", a.seconds}};
}

}  // namespace

std::string source_json(const std::string& name, const SourceFacts& facts) {
  Json audio = Json::array();
  for (const AudioTrack& track : facts.audio) audio.push_back(audio_object(track));
  Json subtitles = Json::array();
  for (const SubtitleTrack& track : facts.side_tracks.subtitles) {
    subtitles.push_back({{"stream", track.stream},
                         {"codec", track.codec},
                         {"language", track.language},
                         {"title", track.title},
                         {"default", track.is_default},
                         {"forced", track.is_forced},
                         {"cues", track.cues.size()}});
  }
  return views::indented({{"name", name},
                          {"container", facts.container},
                          {"bytes", facts.bytes},
                          {"video", facts.video ? video_object(*facts.video) : Json(nullptr)},
                          {"audio", std::move(audio)},
                          {"audio_chosen", facts.audio_chosen},
                          {"subtitles", std::move(subtitles)},
                          {"chapters", facts.side_tracks.chapters.size()},
                          {"tags", facts.side_tracks.tags},
                          {"losses", losses_json(facts.losses)},
                          {"notes", facts.notes}});
}

std::string verdict_json(const std::string& file, bool passed, const FileReport& report) {
  return views::indented({{"file", file},
                          {"passed", passed},
                          {"bytes", report.bytes},
                          {"sha256", report.sha256},
                          {"seconds", report.seconds},
                          {"frames", report.frames},
                          {"codecs", report.codecs},
                          {"level", report.level},
                          {"video_bits_per_s", report.video_bitrate},
                          {"audio_bits_per_s", report.audio_bitrate},
                          {"audio_samples", report.audio_samples},
                          {"checks", views::check_list(report.checks)}});
}

}  // namespace gopmill
