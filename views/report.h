#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "media/task/task.h"
#include "media/task/timeline.h"

namespace gopmill {

// What report.json says of a job; docs/formats.md has its fields. What is referred to outlives it. Everything but what `run` says depends
// on source bytes, profile and build alone, so two runs of the same job differ in "run" only.
struct Report {
  struct Rendition {
    const RenditionPlan& plan;
    const FileReport& found;
    std::string file;                     // its path below the job's folder
    std::string colour_done;              // what its frames went through, for people
    std::optional<std::int64_t> bitrate;  // bits/s, where the profile asks for one
  };
  struct Subtitles {
    const TextTrack& track;
    const FileReport& found;
    std::string file;
  };
  enum class TaskKind : std::uint8_t { kAudio, kMeasure, kSegment };
  struct Task {
    TaskKind kind{};
    double media_seconds = 0;
    std::uint64_t source_packets = 0;
    const TaskResult& result;
    // run
    Attempt attempt = 0;
    std::string worker;        // its name
    std::int64_t took_ms = 0;  // from lease to commit
  };

  std::string build, profile_name, source_name;
  const SourceFacts& source;
  std::vector<Rendition> renditions;  // at least one; TaskResult::video has the same order
  std::vector<Subtitles> subtitles;
  std::vector<Task> tasks;  // every task of the plan, in order; those of the audio tracks first
  double decode_ratio = 1, repeated_decode = 0;
  std::vector<std::string> notes;
  // run
  JobId job;
  std::int64_t submitted_unix_ms = 0, finished_unix_ms = 0;
  std::uint32_t attempts_lost = 0;
};

// The whole of report.json, indented, with a newline at its end.
std::string report_json(const Report& report);

// What of a report is told to the person who waited for it.
struct ReportSummary {
  struct Rendition {
    std::string name, file;
    std::uint64_t bytes = 0, frames = 0;
    double seconds = 0;
    std::int64_t bit_rate = 0;  // bits/s of video and audio together; 0: unknown
    std::vector<Check> checks;
  };
  std::vector<Rendition> renditions;
  std::vector<std::string> notes;
};
// `text` may be of another build's coordinator, or anybody's. kInput where it is no report; what it does not say stays empty.
Result<ReportSummary> read_report(std::string_view text);
inline constexpr std::uint64_t kReportBytesMax = 256ULL << 20;  // a line per segment: a day's source takes 5 MB

}  // namespace gopmill
