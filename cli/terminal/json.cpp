#include "cli/terminal/json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/terminal/progress.h"
#include "media/abilities.h"
#include "media/timeline/losses.h"
#include "profiles/ladder.h"

namespace gopmill {

namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }
// Read by people as often as by programs.
std::string indented(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace); }

Json fault_object(const std::optional<Fault>& fault) {
  if (!fault) return nullptr;
  return {{"kind", fault_word(fault->kind)}, {"text", fault->text}};
}

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json losses_json(const std::vector<Loss>& losses) {
  Json json = Json::array();
  for (const Loss& loss : losses) {
    json.push_back(
        {{"what", word_of(loss.kind)}, {"from_s", loss.from}, {"to_s", loss.to}, {"count", loss.count}, {"reason", loss.reason}});
  }
  return json;
}

Json job_object(const wire::JobStatus& s) {
  Json renditions = Json::array();
  for (const auto& r : s.renditions)
    renditions.push_back({{"name", r.name}, {"frames_done", r.frames_done}, {"frames_total", r.frames_total}});
  Json files = Json::array();
  for (const auto& f : s.files) files.push_back({{"name", f.name}, {"bytes", f.facts.bytes}, {"sha256", f.sha256}});
  return {{"job", s.job.value},
          {"source", s.source_name},
          {"profile", s.profile_name},
          {"state", state_word(s.state)},
          {"priority", s.priority},
          {"submitted_unix_ms", s.submitted_unix_ms},
          {"elapsed_ms", s.elapsed.count()},
          {"media_ms", s.media.count()},
          {"percent", percent_done(s)},
          {"eta_ms", s.eta < Duration{0} ? Json(nullptr) : Json(s.eta.count())},
          {"tasks", {{"done", s.tasks_done}, {"total", s.tasks_total}, {"running", s.tasks_running}}},
          {"attempts_lost", s.attempts_lost},
          {"workers_busy", s.workers_busy},
          {"slots_total", s.slots_total},
          {"renditions", std::move(renditions)},
          {"output_folder", s.output_folder},
          {"output_base", s.output_base},
          {"files", std::move(files)},
          {"notes", s.notes},
          {"delivered", s.delivered},
          {"fault", fault_object(s.fault)}};
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
    Json tracks = p.audio->tracks == TrackChoice::kAll ? "all" : "default";
    if (p.audio->tracks == TrackChoice::kLanguages) tracks = p.audio->languages;
    audio = {{"codec", codec_word(p.audio->codec)},
             {"bits_per_s", p.audio->bitrate},
             {"channels", p.audio->channels},
             {"tracks", std::move(tracks)},
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
           {{"text", text_subtitles_word(p.subtitles.text)},
            {"bitmap", p.subtitles.bitmap == BitmapSubtitles::kBurn ? "burn" : "drop"},
            {"tracks", p.subtitles.tracks == TrackChoice::kLanguages ? Json(p.subtitles.languages)
                       : p.subtitles.tracks == TrackChoice::kAll     ? Json("all")
                                                                     : Json("default")}}},
          {"metadata",
           {{"keep", p.metadata.keep ? "standard" : "none"}, {"location", p.metadata.location}, {"cover", p.metadata.cover}}},
          {"audio", std::move(audio)},
          {"renditions", std::move(renditions)}};
}

}  // namespace

std::string job_json(const wire::JobStatus& status) { return indented(job_object(status)); }

std::string jobs_json(const std::vector<wire::JobStatus>& jobs) {
  Json list = Json::array();
  for (const auto& job : jobs) list.push_back(job_object(job));
  return indented(list);
}

std::string_view worker_state_word(wire::WorkerState state) {
  switch (state) {
    case wire::WorkerState::kWorking: return "working";
    case wire::WorkerState::kDraining: return "draining";
    case wire::WorkerState::kSetAside: return "set aside";
    case wire::WorkerState::kProbation: return "on probation";
    case wire::WorkerState::kUnreachable: return "unreachable";
  }
  return "unknown";
}

// A coordinator from before workers said what they can do lists none.
std::vector<std::string> lacking_encoders(const wire::WorkerStatus& worker) {
  std::vector<std::string> lacking;
  if (worker.encoders.empty()) return lacking;
  for (const std::string& name : known_encoders()) {
    const auto& offered = worker.encoders;
    if (std::find(offered.begin(), offered.end(), name) == offered.end()) lacking.push_back(name);
  }
  return lacking;
}

std::string workers_json(const std::vector<wire::WorkerStatus>& workers) {
  Json list = Json::array();
  for (const auto& w : workers) {
    list.push_back({{"worker", w.worker.value},
                    {"name", w.name},
                    {"build", w.build},
                    {"slots", w.slots},
                    {"busy", w.busy},
                    {"tasks_done", w.tasks_done},
                    {"tasks_failed", w.tasks_failed},
                    {"silent_ms", w.silent.count()},
                    {"state", worker_state_word(w.state)},
                    {"aside_for_ms", w.aside_for.count()},
                    {"encoders", w.encoders},
                    {"without", lacking_encoders(w)}});
  }
  return indented(list);
}

std::string outcome_json(const wire::JobStatus& status, const std::filesystem::path& folder,
                         const std::vector<std::filesystem::path>& files, const std::optional<Fault>& fault) {
  Json paths = Json::array();
  for (const auto& path : files) paths.push_back(path.string());
  return text_of({{"job", status.job.value},
                  {"source", status.source_name},
                  {"state", state_word(status.state)},
                  {"folder", folder.string()},
                  {"files", std::move(paths)},
                  {"report", files.empty() ? Json(nullptr) : Json(files.back().string())},
                  {"fault", fault_object(fault)}});
}

std::string submitted_json(JobId job, const std::string& source, const std::filesystem::path& folder) {
  return text_of({{"job", job.value}, {"source", source}, {"folder", folder.string()}});
}

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
  return indented({{"name", name},
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
  Json checks = Json::array();
  for (const Check& check : report.checks) {
    checks.push_back({{"name", check.name}, {"passed", check.passed}, {"advisory", check.advisory}, {"found", check.found}});
  }
  return indented({{"file", file},
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
                   {"checks", std::move(checks)}});
}

std::string profile_json(const Profile& profile) { return indented(profile_object(profile)); }

std::string profiles_json(const std::vector<Profile>& profiles) {
  Json list = Json::array();
  for (const Profile& profile : profiles) list.push_back(profile_object(profile));
  return indented(list);
}

std::string profile_check_json(const std::string& file, const std::optional<Fault>& fault) {
  return text_of({{"file", file}, {"good", !fault}, {"error", fault ? Json(fault->text) : Json(nullptr)}});
}

}  // namespace gopmill
