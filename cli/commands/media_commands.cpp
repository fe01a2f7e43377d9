#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/archive.h"
#include "base/file.h"
#include "cli/client/compare.h"
#include "cli/commands/command.h"
#include "cli/farm/one_child.h"
#include "cli/terminal/options.h"
#include "cli/terminal/table.h"
#include "cli/terminal/talk.h"
#include "media/av/clip.h"
#include "media/task/task.h"
#include "media/timeline/losses.h"
#include "profiles/ladder.h"
#include "views/source_json.h"

// gopmill probe, verify, make-clip: looks at single files, in media children; no coordinator is asked.

namespace gopmill {

namespace {

struct FileOptions {
  std::string file;
  std::string source;
  bool json = false;
  bool force = false;
  bool salvage = false;
  double seconds = 30;
  std::int64_t maxrate = 0, bufsize = 0;  // bits/s and bits; 0: no buffer is asked about
};

Result<SourceFacts> analysis_of(const std::string& path, bool salvage) {
  const Fd file = TRY(open_source(path));
  const AnalyseRequest request{.damage = salvage ? Damage::kSalvage : Damage::kRefuse};
  auto bytes = do_in_child(ChildWork::kAnalyse, encode(request), file.get());
  if (!bytes) return std::unexpected(std::move(bytes.error()).within(path));
  return decode<SourceFacts>(*bytes, "the analysis of " + path);
}

std::vector<TableRow> video_rows(const VideoTrack& v) {
  const FrameSize shown = display_size({.width = v.width,
                                        .height = v.height,
                                        .sample_aspect = v.sample_aspect,
                                        .quarter_turns = v.orientation.quarter_turns,
                                        .fps = {}});
  const auto seconds = [&](std::int64_t ticks) { return Timestamp{ticks, v.base}.seconds(); };
  const double last = v.frames.empty() ? 0 : seconds(v.frames.back().pts);
  const double length = last + seconds(v.last_duration);
  const auto clean = std::count_if(v.keys.begin(), v.keys.end(), [](const KeyPacket& key) { return key.clean; });
  std::string what = v.codec + ", " + std::to_string(v.width) + "x" + std::to_string(v.height);
  if (shown.width != v.width || shown.height != v.height)
    what += ", shown as " + std::to_string(shown.width) + "x" + std::to_string(shown.height);
  what += ", " + std::to_string(v.bit_depth) + " bits" +
          (v.scan == Scan::kProgressive ? "" : ", " + std::string(scan_word(v.scan))) + (v.has_alpha ? ", alpha" : "") +
          (v.orientation.mirrored ? ", mirrored" : "");
  return {
      {"video", what},
      {"", std::to_string(v.frames.size()) + " frames, " + seconds_text(length) + ", " +
               decimal_text(length > 0 ? static_cast<double>(v.frames.size()) / length : 0, 3) + " frames/s on average"},
      {"", "first at " + seconds_text(v.starts_at) + " in the file, last " + seconds_text(last) + " later"},
      {"", std::to_string(v.keys.size()) + " places to start decoding, " + std::to_string(clean) + " of them clean"},
      {"", v.evidence == Evidence::kPackets ? "frames known from packets" : "frames known from decoding: " + v.evidence_reason}};
}

std::string source_text(const std::string& name, const SourceFacts& facts) {
  std::vector<TableRow> rows{{"file", name}, {"container", facts.container + ", " + bytes_text(facts.bytes)}};
  if (facts.video) {
    for (TableRow& row : video_rows(*facts.video)) rows.push_back(std::move(row));
  }
  for (std::size_t i = 0; i < facts.audio.size(); ++i) {
    const AudioTrack& a = facts.audio[i];
    std::string what = a.codec + ", " + std::to_string(a.sample_rate) + " Hz, " + std::to_string(a.channels) + " channels, " +
                       seconds_text(a.seconds);
    if (facts.video) what += ", starts " + seconds_text(a.starts_after_video.seconds()) + " after the video";
    if (!a.language.empty()) what += ", " + a.language;
    if (facts.audio.size() > 1 && i == facts.audio_chosen) what += ", the one that is used";
    rows.push_back({"audio", what});
  }
  for (const SubtitleTrack& s : facts.side_tracks.subtitles) {
    std::string what = s.codec + (s.language.empty() ? "" : ", " + s.language) + (s.is_forced ? ", forced" : "");
    if (s.is_text) what += ", " + std::to_string(s.cues.size()) + " cues";
    rows.push_back({"subtitles", std::move(what)});
  }
  if (!facts.side_tracks.chapters.empty()) rows.push_back({"chapters", std::to_string(facts.side_tracks.chapters.size())});
  for (const Loss& loss : facts.losses) rows.push_back({"lost", describe(loss)});
  for (const std::string& note : facts.notes) rows.push_back({"note", note});
  return table_text(rows, {});
}

Result<int> probe(const FileOptions& options) {
  const SourceFacts facts = TRY(analysis_of(options.file, options.salvage));
  TRY(print(options.json ? source_json(options.file, facts) + "\n" : source_text(options.file, facts)));
  return kExitDone;
}

std::string verdict_text(const std::string& name, const FileReport& report, bool passed) {
  std::vector<TableRow> rows{{"file", name + ", " + bytes_text(report.bytes)}};
  for (const Check& check : report.checks) {
    rows.push_back({check.passed ? "holds" : check.advisory ? "differs" : "DOES NOT HOLD", check.name + ": " + check.found});
  }
  rows.push_back({"verdict", passed ? "all checks hold" : "not all checks hold"});
  return table_text(rows, {});
}

Result<int> verify(const FileOptions& options) {
  const Fd file = TRY(open_source(options.file));
  VerifyRequest request;
  request.planned = false;
  request.decode = true;
  if (options.maxrate > 0) request.plan.maxrate = options.maxrate;
  if (options.bufsize > 0) request.plan.bufsize = options.bufsize;
  auto bytes = do_in_child(ChildWork::kVerify, encode(request), file.get());
  if (!bytes) return std::unexpected(std::move(bytes.error()).within(options.file));
  FileReport report = TRY(decode<FileReport>(*bytes, "the verdict on " + options.file));
  if (!options.source.empty()) {
    const SourceFacts source = TRY(analysis_of(options.source, options.salvage));
    for (Check& check : compare(source, TRY(analysis_of(options.file, false)))) report.checks.push_back(std::move(check));
  }
  const bool passed =
      std::all_of(report.checks.begin(), report.checks.end(), [](const Check& check) { return check.passed || check.advisory; });
  TRY(print(options.json ? verdict_json(options.file, passed, report) + "\n" : verdict_text(options.file, report, passed)));
  return passed ? kExitDone : kExitJobFailed;
}

Result<int> make_clip_file(const FileOptions& options) {
  AtomicFile file = TRY(AtomicFile::create(options.file, options.force));
  TRY(make_clip(file.fd(), options.seconds));
  TRY(file.finish());
  return kExitDone;
}

}  // namespace

void add_media_commands(CLI::App& app, Command& chosen) {
  const auto add = [&](const char* name, const char* what, Result<int> (*carry_out)(const FileOptions&)) {
    auto options = std::make_shared<FileOptions>();
    CLI::App* command = app.add_subcommand(name, what);
    command->callback([options, carry_out, &chosen] { chosen = [options, carry_out] { return carry_out(*options); }; });
    return std::pair(command, options);
  };
  const auto [probing, probe_options] = add("probe", "Say what a source is, from its packets and frames", probe);
  probing->add_option("FILE", probe_options->file, "A video, or a file with audio only")->required();
  add_salvage_flag(*probing, probe_options->salvage);
  add_json_flag(*probing, probe_options->json);
  add_examples(*probing,
               "gopmill probe holiday.mov\n  gopmill probe holiday.mov --json | jq .video.frames\n\n"
               "--json: name, container, bytes, video {stream codec width height shown_width shown_height sample_aspect\n"
               "quarter_turns mirrored bit_depth interlaced scan scan_evidence alpha colour frames packets first_s last_s "
               "seconds fps keys\n"
               "clean_keys evidence evidence_reason starts_at_s} or null, audio [{stream codec sample_rate channels language\n"
               "title default packets bytes starts_after_video_s seconds}], audio_chosen,\n"
               "subtitles [{stream codec language title default forced cues}], chapters, tags,\n"
               "losses [{what from_s to_s count reason}], notes.");

  const auto [verifying, verify_options] = add("verify", "Check a finished file, by itself or against its source", verify);
  verifying->add_option("OUTPUT", verify_options->file, "A file that gopmill made")->required();
  verifying->add_option("--source", verify_options->source, "The file it was made from: compares frames, times and audio");
  const std::map<std::string, std::int64_t> units{{"k", 1000}, {"M", 1'000'000}};
  auto* const maxrate =
      verifying->add_option("--maxrate", verify_options->maxrate, "With --bufsize: does a buffer filled so fast ever run dry?")
          ->transform(CLI::AsNumberWithUnit(units));
  auto* const bufsize =
      verifying->add_option("--bufsize", verify_options->bufsize, "The size of that buffer in bits, such as 12M")
          ->transform(CLI::AsNumberWithUnit(units));
  maxrate->needs(bufsize)->check(CLI::PositiveNumber);
  bufsize->needs(maxrate)->check(CLI::PositiveNumber);
  add_salvage_flag(*verifying, verify_options->salvage);
  add_json_flag(*verifying, verify_options->json);
  add_examples(*verifying,
               "gopmill verify out/holiday_720p.mp4 --source holiday.mov\n"
               "  gopmill verify out/holiday_720p.mp4 --maxrate 3500k --bufsize 7M\n\n"
               "--json: file, passed, bytes, sha256, seconds, frames, codecs, level, video_bits_per_s, audio_bits_per_s,\n"
               "audio_samples, checks [{name passed advisory found}]. Exit code: 0 all checks hold, 1 some do not.");

  const auto [making, clip_options] = add("make-clip", "Make a test clip: moving frame, 1280x720, with beeps", make_clip_file);
  making->add_option("FILE", clip_options->file, "The MP4 file to make")->required();
  making->add_option("--seconds", clip_options->seconds, "How long")->check(CLI::Range(0.2, 3600.0))->capture_default_str();
  making->add_flag("--force", clip_options->force, "Replace the file if it is there");
  making->group("");  // of scripts/demo
  add_examples(*making, "gopmill make-clip clip.mp4 --seconds 30");
}

}  // namespace gopmill
