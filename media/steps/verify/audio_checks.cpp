// The audio tracks by the boxes: what each holds, which of them plays, and how each lies to the video.

#include <algorithm>

#include "media/steps/verify/checks.h"

namespace gopmill {

namespace {

// What is earliest may be so much after 0: a tick of the output base (docs/decisions/16-output-base.md).
constexpr Timestamp kFirstMax{1, {1, 10'000}};

void check_track(const FinishedFile& file, std::size_t index, std::vector<Check>& checks) {
  const Mp4Track& boxes = *file.audio_tracks[index].boxes;
  const Mp4Presentation& shown = file.audio_tracks[index].shown;
  const PlannedAudio* const planned = file.planned_audio(index);
  const std::string name = file.audio_name(index);
  checks.push_back(one_description(name + " description", boxes));
  std::int64_t end = shown.samples.empty() ? 0 : shown.samples.front().dts;
  for (const Mp4Sample& sample : shown.samples) end += sample.duration;
  const bool whole = !shown.samples.empty() && shown.lasts > 0 && end == shown.starts + shown.lasts;
  const auto samples = static_cast<std::uint64_t>(std::max<std::int64_t>(0, shown.lasts));
  checks.push_back({name,
                    whole && (!planned || (boxes.timescale == static_cast<std::uint32_t>(planned->task.sample_rate) &&
                                           boxes.language == planned->language)),
                    count_of(samples, "sample") + " at " + std::to_string(boxes.timescale) + " Hz, " +
                        std::to_string(shown.skips) + " of priming" +
                        (boxes.language == "und" ? "" : ", tagged " + boxes.language)});
  checks.push_back({name + " start", shown.exact && (!planned || shown.starts == planned->task.first_sample),
                    "sample " + std::to_string(shown.starts)});
}

void check_offset(const FinishedFile& file, std::size_t index, std::vector<Check>& checks) {
  const FinishedTrack& track = file.audio_tracks[index];
  const PlannedAudio* const planned = file.planned_audio(index);
  const Timestamp frame{file.video->shown.starts, file.video->boxes->base()};
  const Timestamp audio{track.shown.starts, track.boxes->base()};
  const double offset = audio.seconds() - frame.seconds();
  const double lengths = Timestamp{track.shown.starts + track.shown.lasts, audio.base}.seconds() -
                         Timestamp{file.video->shown.starts + file.video->shown.lasts, frame.base}.seconds();
  bool good = index > 0 || frame < kFirstMax || audio < kFirstMax;
  if (const RenditionPlan* const plan = file.planned_video(); plan && planned && !plan->frames.empty()) {
    good = frame == Timestamp{plan->frames.front().pts, plan->base} &&
           audio == Timestamp{planned->task.first_sample, {1, planned->task.sample_rate}};
  }
  checks.push_back(
      {file.audio_tracks.size() > 1 ? file.audio_name(index) + " offset" : "offset", good,
       "audio starts " + fine_seconds_text(offset) + " after the video and ends " + fine_seconds_text(lengths) + " after it"});
}

}  // namespace

void check_audio(const FinishedFile& file, std::vector<Check>& checks) {
  for (std::size_t i = 0; i < file.audio_tracks.size(); ++i) check_track(file, i, checks);
}

// Of several tracks only the first plays: players mix enabled tracks that are no alternatives.
void check_audio_choice(const FinishedFile& file, std::vector<Check>& checks) {
  if (file.audio_tracks.size() < 2) return;
  bool good = true;
  for (std::size_t i = 0; i < file.audio_tracks.size(); ++i) {
    const Mp4Track& boxes = *file.audio_tracks[i].boxes;
    good =
        good && boxes.enabled == (i == 0) && boxes.alternates > 0 && boxes.alternates == file.audio_tracks[0].boxes->alternates;
  }
  checks.push_back(
      {"audio choice", !file.plan || good, good ? "the first of one group plays" : "not the first of one group alone plays"});
}

void check_offsets(const FinishedFile& file, std::vector<Check>& checks) {
  if (!file.video) return;
  for (std::size_t i = 0; i < file.audio_tracks.size(); ++i) check_offset(file, i, checks);
}

}  // namespace gopmill
