#include "views/report.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>

#include "media/timeline/losses.h"
#include "views/json_text.h"

namespace gopmill {

namespace {

using views::Json;

std::string_view dynamic_range_text(const Colour& colour) {
  if (!is_hdr(colour)) return "SDR";
  return colour.transfer == kTransferPq ? "HDR (PQ)" : "HDR (HLG)";
}

// Numbers of ISO/IEC 23091-2, and what HDR has beside them; units as people read them.
Json describe_colour(const Colour& colour, const std::optional<MasteringDisplay>& mastering,
                     const std::optional<ContentLight>& light) {
  Json json{{"dynamic_range", dynamic_range_text(colour)},
            {"primaries", colour.primaries},
            {"transfer", colour.transfer},
            {"matrix", colour.matrix},
            {"full_range", colour.full_range}};
  if (mastering) {
    json["mastering_max_cd_m2"] = mastering->luminance_max / 10'000.0;
    json["mastering_min_cd_m2"] = mastering->luminance_min / 10'000.0;
  }
  if (light) {
    json["max_content_cd_m2"] = light->max;
    json["max_frame_average_cd_m2"] = light->average_max;
  }
  return json;
}

double rounded(double value) {
  return static_cast<double>(static_cast<std::int64_t>(value * 1000 + (value < 0 ? -0.5 : 0.5))) / 1000;
}

// "-16.0"
std::string one_place(double value) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, 1).ptr};
}

Json describe_source(const std::string& name, const SourceFacts& source) {
  Json json{{"name", name}, {"container", source.container}, {"bytes", source.bytes}};
  if (source.video) {
    const VideoTrack& v = *source.video;
    json["video"] = {{"codec", v.codec},
                     {"width", v.width},
                     {"height", v.height},
                     {"sample_aspect", std::to_string(v.sample_aspect.num) + ":" + std::to_string(v.sample_aspect.den)},
                     {"quarter_turns", v.orientation.quarter_turns},
                     {"mirrored", v.orientation.mirrored},
                     {"bit_depth", v.bit_depth},
                     {"colour", describe_colour(v.colour, v.mastering, v.light)},
                     {"scan", scan_word(v.scan)},
                     {"scan_known_from", v.scan_evidence},
                     {"frames", v.frames.size()},
                     {"starts_at_s", rounded(v.starts_at)},
                     {"frames_known_from", v.evidence == Evidence::kPackets ? "packets" : "decoding: " + v.evidence_reason}};
  }
  json["audio"] = Json::array();
  for (const AudioTrack& track : source.audio) {
    json["audio"].push_back({{"codec", track.codec},
                             {"sample_rate", track.sample_rate},
                             {"channels", track.channels},
                             {"language", track.language},
                             {"starts_after_video_s", rounded(track.starts_after_video.seconds())}});
  }
  json["subtitles"] = Json::array();
  for (const SubtitleTrack& track : source.side_tracks.subtitles) {
    json["subtitles"].push_back({{"codec", track.codec},
                                 {"language", track.language},
                                 {"title", track.title},
                                 {"default", track.is_default},
                                 {"forced", track.is_forced},
                                 {"cues", track.cues.size()}});
  }
  json["chapters"] = source.side_tracks.chapters.size();
  return json;
}

// Every loss on the output's timeline, by kind and time: those the analysis saw, which count from the first frame, and those
// that segments and audio met. Both may have met the same.
std::vector<Loss> all_losses(const Report& report) {
  const RenditionPlan& file = report.renditions.front().plan;
  const double zero = file.has_video ? Timestamp{file.frames.front().pts, file.base}.seconds() : 0;
  std::vector<Loss> losses;
  for (Loss loss : report.source.losses) {
    loss.from += zero;
    loss.to += zero;
    losses.push_back(std::move(loss));
  }
  for (const Report::Task& task : report.tasks) losses.insert(losses.end(), task.result.losses.begin(), task.result.losses.end());
  std::ranges::sort(losses, [](const Loss& a, const Loss& b) {
    return std::tie(a.kind, a.from, a.to, a.reason) < std::tie(b.kind, b.from, b.to, b.reason);
  });
  LossList list;
  for (Loss& loss : losses) list.add(std::move(loss));
  return list.all();
}

Json describe_losses(const Report& report) {
  Json json = Json::array();
  for (const Loss& loss : all_losses(report)) {
    json.push_back({{"what", word_of(loss.kind)},
                    {"from_s", rounded(loss.from)},
                    {"to_s", rounded(loss.to)},
                    {"count", loss.count},
                    {"reason", loss.reason}});
  }
  return json;
}

// What the segments' own checks found, over the whole rendition: every frame was decoded again where it was made.
void add_segment_checks(Json& json, const Report& report, std::size_t rendition) {
  std::uint64_t checked = 0;
  double weighted = 0;
  double worst = 99;
  std::uint64_t repeated = 0, missed = 0;
  double finest = 99, coarsest = 0;
  for (const Report::Task& task : report.tasks) {
    if (rendition >= task.result.video.size() || task.kind == Report::TaskKind::kMeasure) continue;
    const VideoOutput& output = task.result.video[rendition];
    repeated += output.tries - 1;
    if (!output.granted) ++missed;
    finest = std::min(finest, output.quality);
    coarsest = std::max(coarsest, output.quality);
    checked += output.checked;
    weighted += output.psnr * static_cast<double>(output.checked);
    worst = std::min(worst, output.psnr_worst);
  }
  if (checked == 0) return;
  json["frames_decoded_again"] = checked;
  json["psnr_luma_sampled_db"] = rounded(weighted / static_cast<double>(checked));
  json["psnr_luma_sampled_worst_frame_db"] = rounded(worst);
  if (const auto& asked = report.renditions[rendition].bitrate) json["bits_per_s_asked"] = *asked;
  json["quality_finest"] = rounded(finest);
  json["quality_coarsest"] = rounded(coarsest);
  json["segments_encoded_again"] = repeated;
  json["segments_beyond_buffer_or_bitrate"] = missed;
}

Json describe_audio_tracks(const std::vector<PlannedAudio>& audio_tracks) {
  Json json = Json::array();
  for (const PlannedAudio& audio : audio_tracks) {
    const Timestamp starts{audio.task.first_sample, {1, audio.task.sample_rate}};
    json.push_back({{"language", audio.language},
                    {"title", audio.title},
                    {"sample_rate", audio.task.sample_rate},
                    {"channels", audio.task.channels},
                    {"starts_at_s", rounded(starts.seconds())},
                    {"plays_by_default", &audio == &audio_tracks.front()}});
  }
  return json;
}

Json describe_rendition(const Report& report, std::size_t index) {
  const Report::Rendition& rendition = report.renditions[index];
  const RenditionPlan& plan = rendition.plan;
  const FileReport& file = rendition.found;
  Json json{{"name", plan.name},     {"file", rendition.file},           {"bytes", file.bytes},
            {"sha256", file.sha256}, {"seconds", rounded(file.seconds)}, {"codecs", file.codecs}};
  if (plan.has_video) {
    json["width"] = plan.width;
    json["height"] = plan.height;
    json["frames"] = file.frames;
    json["level"] = file.level;
    json["colour"] = describe_colour(plan.colour, plan.mastering, plan.light);
    json["colour"]["done"] = rendition.colour_done;
    json["video_bits_per_s"] = file.video_bitrate;
    add_segment_checks(json, report, index);
  }
  if (!plan.audio_tracks.empty()) {
    json["audio_samples"] = file.audio_samples;
    json["audio_bits_per_s"] = file.audio_bitrate;
    json["audio"] = describe_audio_tracks(plan.audio_tracks);
  }
  json["checks"] = views::check_list(file.checks);
  return json;
}

Json describe_renditions(const Report& report) {
  Json json = Json::array();
  for (std::size_t i = 0; i < report.renditions.size(); ++i) json.push_back(describe_rendition(report, i));
  return json;
}

Json describe_subtitles(const Report& report) {
  Json json = Json::array();
  for (const Report::Subtitles& subtitles : report.subtitles) {
    const TextTrack& track = subtitles.track;
    json.push_back({{"file", subtitles.file},
                    {"bytes", subtitles.found.bytes},
                    {"sha256", subtitles.found.sha256},
                    {"language", track.language},
                    {"title", track.title},
                    {"default", track.is_default},
                    {"forced", track.is_forced},
                    {"cues", track.cues.size()},
                    {"checks", views::check_list(subtitles.found.checks)}});
  }
  return json;
}

Json describe_loudness(const LoudnessResult& loudness) {
  Json json{{"measured_lufs", rounded(loudness.lufs)},
            {"measured_true_peak_dbtp", rounded(loudness.true_peak)},
            {"gain_db", rounded(loudness.gain)},
            {"lufs", rounded(loudness.lufs + loudness.gain)},
            {"true_peak_dbtp", rounded(loudness.true_peak + loudness.gain)}};
  if (loudness.limited) json["limited"] = "by the true peak";
  return json;
}

std::string_view word_of(Report::TaskKind kind) {
  switch (kind) {
    case Report::TaskKind::kAudio: return "audio";
    case Report::TaskKind::kMeasure: return "measure";
    case Report::TaskKind::kSegment: break;
  }
  return "segment";
}

Json describe_tasks(const Report& report) {
  Json json = Json::array();
  for (std::size_t i = 0; i < report.tasks.size(); ++i) {
    const Report::Task& task = report.tasks[i];
    Json one{{"task", i},
             {"kind", word_of(task.kind)},
             {"seconds", rounded(task.media_seconds)},
             {"source_packets", task.source_packets}};
    if (const std::optional<AudioOutput>& audio = task.result.audio) {
      one["silence_filled_samples"] = audio->silence_filled;
      one["holes_filled"] = audio->holes;
      one["overlap_dropped_samples"] = audio->overlap_dropped;
      if (audio->loudness) one["loudness"] = describe_loudness(*audio->loudness);
    } else {
      one["frames"] = task.result.wanted;
      one["frames_decoded"] = task.result.decoded;
    }
    json.push_back(std::move(one));
  }
  return json;
}

// What became of the audio, where something was not as it was in the source or is not as the profile asks.
void note_audio_tracks(const Report& report, Json& notes) {
  const std::vector<PlannedAudio>& tracks = report.renditions.front().plan.audio_tracks;
  for (std::size_t index = 0; index < report.tasks.size(); ++index) {
    if (!report.tasks[index].result.audio) continue;
    const AudioOutput& audio = *report.tasks[index].result.audio;
    const PlannedAudio& planned = tracks[index];
    const bool several = tracks.size() > 1;
    const std::string name = several ? "audio " + std::to_string(index + 1) : "the audio";
    const auto seconds = [&](std::uint64_t samples) {
      return fine_seconds_text(Timestamp{static_cast<std::int64_t>(samples), {1, planned.task.sample_rate}}.seconds());
    };
    if (audio.holes > 0) {
      notes.push_back(name + " has " + std::to_string(audio.holes) + (audio.holes == 1 ? " hole" : " holes") +
                      " in the source, filled with silence: " + seconds(audio.silence_filled));
    }
    if (audio.overlap_dropped > 0)
      notes.push_back(name + " overlaps itself in the source: " + seconds(audio.overlap_dropped) + " dropped");
    if (!audio.loudness || !audio.loudness->limited) continue;
    const double reached = audio.loudness->lufs + audio.loudness->gain;
    const std::string why = ", so that its true peak stays at the ceiling";
    if (planned.task.profile.loudness) {
      notes.push_back(name + " is at " + one_place(reached) + " LUFS, not " + one_place(*planned.task.profile.loudness) + why);
    } else {
      notes.push_back(name + " is mixed down " + one_place(-audio.loudness->gain) + " dB quieter" + why);
    }
  }
}

Json describe_run(const Report& report) {
  Json tasks = Json::array();
  std::uint64_t cpu = 0, decode = 0, repeat = 0;
  for (std::size_t index = 0; index < report.tasks.size(); ++index) {
    const Report::Task& task = report.tasks[index];
    tasks.push_back({{"task", index},
                     {"attempt", task.attempt},
                     {"worker", task.worker},
                     {"took_ms", task.took_ms},
                     {"cpu_ms", task.result.cpu_ms}});
    cpu += task.result.cpu_ms;
    decode += task.result.decode_cpu_ms;
    repeat += task.result.repeat_cpu_ms;
  }
  return {{"job", report.job.value},
          {"cpu_ms", cpu},
          {"decode_cpu_ms", decode},
          {"repeated_decode_cpu_ms", repeat},
          {"submitted_unix_ms", report.submitted_unix_ms},
          {"took_ms", report.finished_unix_ms - report.submitted_unix_ms},
          {"attempts_lost", report.attempts_lost},
          {"tasks", std::move(tasks)}};
}

}  // namespace

std::string report_json(const Report& report) {
  const Json json{{"state", "done"},
                  {"build", report.build},
                  {"profile", report.profile_name},
                  {"source", describe_source(report.source_name, report.source)},
                  {"renditions", describe_renditions(report)},
                  {"subtitles", describe_subtitles(report)},
                  {"segments", describe_tasks(report)},
                  {"decode_ratio", rounded(report.decode_ratio)},
                  {"repeated_decode_share_estimated", rounded(report.repeated_decode)},
                  {"losses", describe_losses(report)},
                  {"notes",
                   [&] {
                     Json notes = Json::array();
                     note_audio_tracks(report, notes);
                     for (const std::string& note : report.notes) notes.push_back(note);
                     return notes;
                   }()},
                  {"run", describe_run(report)}};
  return views::indented(json) + "\n";
}

}  // namespace gopmill
