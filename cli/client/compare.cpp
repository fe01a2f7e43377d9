#include "cli/client/compare.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "cli/terminal/talk.h"
#include "media/text/language.h"

namespace gopmill {

namespace {

double seconds_at(const VideoTrack& track, std::size_t frame) { return Timestamp{track.frames[frame].pts, track.base}.seconds(); }

double length_of(const VideoTrack& track) {
  return seconds_at(track, track.frames.size() - 1) - seconds_at(track, 0) + Timestamp{track.last_duration, track.base}.seconds();
}

std::string ms_text(double seconds) { return decimal_text(seconds * 1000, 2) + " ms"; }

Check timestamps(const VideoTrack& source, const VideoTrack& output) {
  double least = 0;
  double most = 0;
  for (std::size_t i = 0; i < output.frames.size(); ++i) {
    const double shift = seconds_at(output, i) - seconds_at(source, i);
    least = i == 0 ? shift : std::min(least, shift);
    most = i == 0 ? shift : std::max(most, shift);
  }
  const double off = (most - least) / 2;
  return {"source timestamps", off <= kFrameToleranceSeconds, "the worst frame is " + ms_text(off) + " off"};
}

void compare_frames(const VideoTrack& source, const VideoTrack& output, std::vector<Check>& checks) {
  const std::size_t wanted = source.frames.size();
  const std::size_t found = output.frames.size();
  const std::string counts = std::to_string(found) + " frames, the source has " + std::to_string(wanted);
  if (wanted == 0 || found == 0) {
    checks.push_back({"source frames", wanted == found, counts});
    return;
  }
  const double longer = length_of(output) - length_of(source);
  // A frame more or less at the end of a lower rate.
  const double length_tolerance = std::max(kFrameToleranceSeconds, 2 * length_of(output) / static_cast<double>(found));
  const bool reduced =
      static_cast<double>(found) < kReducedRateMax * static_cast<double>(wanted) && std::abs(longer) <= length_tolerance;
  if (reduced) {
    checks.push_back(
        {"source frames", false, counts + ": a lower rate over the same length, so frames are not compared one by one", true});
  } else {
    checks.push_back({"source frames", wanted == found, counts});
    if (wanted == found) checks.push_back(timestamps(source, output));
  }
  checks.push_back({"source length", std::abs(longer) <= length_tolerance,
                    seconds_text(length_of(output)) + ", the source has " + seconds_text(length_of(source))});
}

// A profile may choose among the source's tracks by language, so the output's track tells which of them it was.
const AudioTrack& origin_of(const AudioTrack& track, const SourceFacts& source) {
  const AudioTrack& chosen = source.audio[std::min<std::size_t>(source.audio_chosen, source.audio.size() - 1)];
  const auto same = [&](const AudioTrack& other) { return iso639_2(other.language) == iso639_2(track.language); };
  const auto found = std::ranges::find_if(source.audio, same);
  return same(chosen) || found == source.audio.end() ? chosen : *found;
}

void compare_audio(const SourceFacts& source, const SourceFacts& output, std::vector<Check>& checks) {
  const bool wanted = !source.audio.empty();
  if (output.audio.empty()) {
    // A profile may drop audio on purpose; the file alone does not tell.
    if (wanted) checks.push_back({"source audio", false, "none, the source has some", true});
    return;
  }
  if (!wanted) {
    checks.push_back({"source audio", false, "there is some, the source has none"});
    return;
  }
  const AudioTrack& to = output.audio[std::min<std::size_t>(output.audio_chosen, output.audio.size() - 1)];
  const AudioTrack& from = origin_of(to, source);
  if (source.video && output.video) {
    const double late = to.starts_after_video.seconds() - from.starts_after_video.seconds();
    checks.push_back({"source audio start", std::abs(late) <= kAudioStartToleranceSeconds,
                      ms_text(to.starts_after_video.seconds()) + " after the video, the source's " +
                          ms_text(from.starts_after_video.seconds())});
  }
  checks.push_back({"source audio length", std::abs(to.seconds - from.seconds) <= kAudioLengthToleranceSeconds,
                    seconds_text(to.seconds) + ", the source's " + seconds_text(from.seconds)});
}

}  // namespace

std::vector<Check> compare(const SourceFacts& source, const SourceFacts& output) {
  std::vector<Check> checks;
  if (source.video && output.video) {
    compare_frames(*source.video, *output.video, checks);
  } else if (source.video.has_value() != output.video.has_value()) {
    const bool audio_only = source.video.has_value();
    checks.push_back(
        {"source video", false, audio_only ? "none, the source has one" : "there is one, the source has none", audio_only});
  }
  compare_audio(source, output, checks);
  return checks;
}

}  // namespace gopmill
