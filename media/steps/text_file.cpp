// A text track as a file beside the renditions: written, and read again, like they are in children of their own.

#include "base/hash.h"
#include "media/steps/work.h"
#include "media/text/webvtt.h"

namespace gopmill {

namespace {

// All cues of a track at their longest, with their times.
constexpr std::uint64_t kTextFileBytesMax = kSubtitleBytesMax + kCuesMax * 256;

double end_of(const std::vector<Cue>& cues) {
  std::int64_t end = 0;
  for (const Cue& cue : cues) end = std::max(end, cue.end);
  return static_cast<double>(end) / 1000;
}

}  // namespace

Result<FileReport> package(int file, const PackageRequest& request) {
  const std::string text = webvtt_of(request.text);
  TRY(write_at(file, 0, std::as_bytes(std::span(text))));
  FileReport report;
  report.bytes = text.size();
  report.seconds = end_of(request.text.cues);
  return report;
}

Result<FileReport> verify_text_file(int file, const TextTrack& planned) {
  FileReport report;
  report.bytes = TRY(file_size(file));
  report.sha256 = TRY(file_sha256(file));
  report.hash = TRY(file_hash(file));
  report.codecs = "wvtt";
  const std::string text = TRY(read_all(file, kTextFileBytesMax));
  const auto cues = read_webvtt(text);
  report.checks.push_back({"webvtt", cues.has_value(), cues ? "well-formed" : cues.error().text});
  if (!cues) return report;
  report.seconds = end_of(*cues);
  report.checks.push_back(
      {"cues", *cues == planned.cues,
       std::to_string(cues->size()) + " cues" + (*cues == planned.cues ? ", as planned" : ", not as planned")});
  return report;
}

}  // namespace gopmill
