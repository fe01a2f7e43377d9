// A finished file, judged by two readers who know nothing of how it was written: our own of the boxes, and libav's demuxer.
// Both must agree with each other, and with the plan where there is one. Nothing stops at the first finding: the report
// says everything that was checked.

#include <algorithm>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/hash.h"
#include "media/package/codec_names.h"
#include "media/package/joined.h"
#include "media/package/mp4_boxes.h"
#include "media/steps/verify/checks.h"
#include "media/steps/verify/finished_file.h"
#include "media/steps/verify/listen.h"
#include "media/steps/work.h"

namespace gopmill {

namespace {

using FileCheck = void (*)(const FinishedFile& file, std::vector<Check>& checks);

// The checks, in the order of the report; check_boxes comes before them and check_codecs after them (judge()), whatever the file
// is. media/steps/verify/checks.h says where each is.
constexpr FileCheck kByBoxes[] = {check_tracks, check_frames, check_audio, check_audio_choice, check_offsets};
constexpr FileCheck kByLibav[] = {check_side_tracks, check_reading, check_format, check_colour, check_buffer, check_decoding};

std::optional<LeakyBucket> bucket_of(const RenditionPlan& plan) {
  if (!plan.maxrate || !plan.bufsize || *plan.maxrate < 1 || *plan.bufsize < 1) return std::nullopt;
  return LeakyBucket(*plan.maxrate, *plan.bufsize);
}

// What is said of the file in the report beside the checks.
void describe(const FinishedFile& file, FileReport& report) {
  if (!file.audio_tracks.empty()) {
    report.audio_samples = static_cast<std::uint64_t>(std::max<std::int64_t>(0, file.audio_tracks.front().shown.lasts));
  }
  for (const FinishedTrack* track : file.order) {
    if (!track) continue;
    const double seconds = Timestamp{track->shown.lasts, track->boxes->base()}.seconds();
    const auto bitrate = static_cast<std::int64_t>(static_cast<double>(track->heard.bytes) * 8 / std::max(seconds, 1e-6));
    report.seconds =
        std::max(report.seconds, Timestamp{track->shown.starts + track->shown.lasts, track->boxes->base()}.seconds());
    const bool is_video = file.is_video(*track);
    (is_video ? report.video_bitrate : report.audio_bitrate) += bitrate;
    if (is_video) report.frames = track->shown.samples.size();
    if (track->boxes->entries.empty()) continue;
    const Mp4SampleEntry& entry = track->boxes->entries.front();
    const auto name = codec_string(entry);
    // RFC 6381 lists codecs, not tracks.
    if (!is_video && track != &file.audio_tracks.front() && name && report.codecs.ends_with(*name)) continue;
    report.codecs += (report.codecs.empty() ? "" : ",") + (name ? *name : entry.type);
    if (is_video) report.level = level_text(entry);
  }
}
// Our own output that cannot be read is a failed check; a stranger's file is its owner's fault.
Result<FileReport> unreadable(Fault fault, const FinishedFile& file, FileReport report) {
  if (!file.plan || fault.kind == FaultKind::kMachine) return std::unexpected(std::move(fault));
  report.checks.push_back({"boxes", false, fault.text});
  return report;
}

Result<FileReport> judge(int fd, bool decode, FinishedFile& file, ParentLine& parent) {
  FileReport report;
  report.bytes = TRY(file_size(fd));
  report.sha256 = TRY(file_sha256(fd));
  report.hash = TRY(file_hash(fd));
  auto layout = read_mp4_layout(fd);
  if (!layout) return unreadable(std::move(layout.error()), file, std::move(report));
  file.layout = std::move(*layout);
  check_boxes(file, report.checks);
  if (auto found = file.find_tracks(); !found) return unreadable(std::move(found.error()), file, std::move(report));
  for (const FileCheck check : kByBoxes) check(file, report.checks);
  if (auto heard = listen(fd, decode, file, parent)) {
    for (const FileCheck check : kByLibav) check(file, report.checks);
  } else if (heard.error().kind == FaultKind::kMachine) {
    return std::unexpected(std::move(heard.error()));
  } else {
    report.checks.push_back({"reading", false, heard.error().text});
  }
  check_codecs(file, report.checks);
  describe(file, report);
  return report;
}

}  // namespace

Result<FileReport> verify(int file, const VerifyRequest& request, ParentLine& parent) {
  if (request.text) return verify_text_file(file, *request.text);
  FinishedFile finished(request.planned ? &request.plan : nullptr);
  finished.bucket = bucket_of(request.plan);
  return judge(file, request.decode, finished, parent);
}

Result<FileReport> inspect_output(int file, bool decode, ParentLine& parent) {
  FinishedFile finished(nullptr);
  return judge(file, decode, finished, parent);
}

}  // namespace gopmill
