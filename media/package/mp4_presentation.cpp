// What the tables of a track and its edit list come to: when each sample is decoded and shown.

#include <algorithm>

#include "media/package/mp4_boxes.h"

namespace gopmill {

Result<Mp4Presentation> presentation_of(const Mp4Layout& layout, const Mp4Track& track) {
  Mp4Presentation shown;
  std::int64_t media_end = 0;
  // Each sample has a byte of media or an entry in a table: a count above the file's own bytes is a lie.
  std::uint64_t bytes = 0;
  for (const Mp4Box& box : layout.boxes) bytes += box.size;
  if (track.samples > bytes)
    return fail(FaultKind::kInput, std::to_string(track.samples) + " samples in a file of " + std::to_string(bytes) + " bytes");
  shown.samples.reserve(track.samples);
  for (const Mp4Run& run : track.durations) {
    if (run.count > track.samples - shown.samples.size())
      return fail(FaultKind::kInput, "the tables of durations and of sizes differ in length");
    for (std::uint32_t i = 0; i < run.count; ++i) {
      shown.samples.push_back({media_end, media_end, run.value});
      media_end += run.value;
    }
  }
  if (shown.samples.size() != track.samples)
    return fail(FaultKind::kInput, "the tables of durations and of sizes differ in length");
  std::size_t at = 0;
  std::int64_t last_shown = 0;
  for (const Mp4Run& run : track.offsets) {
    if (run.count > shown.samples.size() - at) return fail(FaultKind::kInput, "the table of offsets is too long");
    for (std::uint32_t i = 0; i < run.count; ++i) shown.samples[at++].pts += run.value;
  }
  for (const Mp4Sample& sample : shown.samples) last_shown = std::max(last_shown, sample.pts + sample.duration);
  const Rational movie{1, layout.timescale};
  shown.lasts = last_shown;
  if (!track.edits.empty()) {
    const bool waits = track.edits.front().media_time == -1;
    if (track.edits.size() != (waits ? 2U : 1U) || track.edits.back().media_time < 0) {
      return fail(FaultKind::kInput, "an edit list of " + std::to_string(track.edits.size()) + " entries");
    }
    const Mp4Edit& play = track.edits.back();
    const auto ticks = [&](std::uint64_t duration) {
      const Timestamp exact{static_cast<std::int64_t>(duration), movie};
      const Timestamp rounded = exact.in(track.base());
      shown.exact = shown.exact && rounded == exact;
      return rounded.ticks;
    };
    if (waits) shown.starts = ticks(track.edits.front().duration);
    shown.skips = play.media_time;
    const std::int64_t there = last_shown - shown.skips;
    shown.lasts = there > 0 && rescale(there, track.base(), movie, Rounding::kUp) == static_cast<std::int64_t>(play.duration)
                      ? there
                      : rescale(static_cast<std::int64_t>(play.duration), movie, track.base(), Rounding::kDown);
  }
  for (Mp4Sample& sample : shown.samples) {
    sample.dts += shown.starts - shown.skips;
    sample.pts += shown.starts - shown.skips;
  }
  return shown;
}

}  // namespace gopmill
