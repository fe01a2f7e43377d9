#include "coordinator/plan/plan_side_tracks.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "media/text/language.h"

namespace gopmill {
namespace {

constexpr std::int64_t kFirstChapterMs = 1000;  // audio that begins before the video, a leader of black

// "subtitle track 2 (ass, deu)": the place among the subtitle tracks, from 1.
std::string track_name(const SubtitleTrack& track, std::size_t index) {
  return "subtitle track " + std::to_string(index + 1) + " (" + track.codec +
         (track.language.empty() ? "" : ", " + track.language) + ")";
}

bool has_video(const Plan& plan) {
  return std::ranges::any_of(plan.renditions, [](const PlannedRendition& r) { return r.file.has_video; });
}

// Floor of x/1000 + 1/2, for negative times too.
std::int64_t to_ms(std::int64_t us) {
  const std::int64_t shifted = us + 500;
  return shifted / 1000 - (shifted % 1000 < 0 ? 1 : 0);
}

bool is_wanted(const SourceFacts& source, const SubtitleProfile& profile, std::size_t index) {
  const std::vector<SubtitleTrack>& tracks = source.side_tracks.subtitles;
  switch (profile.tracks) {
    case TrackChoice::kAll: return true;
    case TrackChoice::kLanguages:
      return std::ranges::any_of(profile.languages,
                                 [&](const std::string& wanted) { return language_matches(tracks[index].language, wanted); });
    case TrackChoice::kDefault: break;
  }
  const auto is_default = [](const SubtitleTrack& t) { return t.is_text && t.is_default; };
  const auto is_text = [](const SubtitleTrack& t) { return t.is_text; };
  auto chosen = std::ranges::find_if(tracks, is_default);
  if (chosen == tracks.end()) chosen = std::ranges::find_if(tracks, is_text);
  return chosen != tracks.end() && static_cast<std::size_t>(chosen - tracks.begin()) == index;
}

TextTrack text_track(const SubtitleTrack& track, const SideTrackTimes& times, std::size_t& outside) {
  TextTrack text{track.language, track.title, track.is_default, track.is_forced, {}};
  for (const Cue& cue : track.cues) {
    Cue placed = cue;
    placed.start = std::clamp<std::int64_t>(to_ms(cue.start + times.shift_us), 0, times.output_end_ms);
    placed.end = std::clamp<std::int64_t>(to_ms(cue.end + times.shift_us), 0, times.output_end_ms);
    if (placed.end <= placed.start) {
      ++outside;
      continue;
    }
    text.cues.push_back(std::move(placed));
  }
  // In the source's order where times are equal; by hand, as libstdc++ 12's stable_sort makes clang 19 warn in it.
  std::vector<std::size_t> order(text.cues.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::tuple(text.cues[i].start, text.cues[i].end, i); });
  std::vector<Cue> sorted;
  std::set<std::pair<std::int64_t, std::string_view>> at_once;  // end and text of those with the same start
  for (const std::size_t i : order) {
    const Cue& cue = text.cues[i];
    if (!sorted.empty() && sorted.back().start != cue.start) at_once.clear();
    if (at_once.emplace(cue.end, cue.text).second) sorted.push_back(cue);
  }
  text.cues = std::move(sorted);
  return text;
}

std::vector<TextTrack> plan_text(const SourceFacts& source, const SubtitleProfile& profile, const SideTrackTimes& times,
                                 Plan& plan) {
  std::vector<TextTrack> tracks;
  for (std::size_t i = 0; i < source.side_tracks.subtitles.size(); ++i) {
    const SubtitleTrack& track = source.side_tracks.subtitles[i];
    const std::string name = track_name(track, i);
    if (!track.bitmaps.empty() && has_video(plan)) {
      plan.notes.push_back(name + " is burnt into the video");
    } else if (track.is_bitmap) {
      plan.notes.push_back(name + " is not carried: its bitmaps are dropped");
    } else if (!track.is_text) {
      plan.notes.push_back(name + " is not carried: its kind is not read");
    } else if (profile.text == TextSubtitles::kNone || !is_wanted(source, profile, i)) {
      plan.notes.push_back(name + " is not carried: the profile does not ask for it");
    } else {
      std::size_t outside = 0;
      TextTrack text = text_track(track, times, outside);
      if (track.cues_left_out > 0)
        plan.notes.push_back(name + ": " + std::to_string(track.cues_left_out) +
                             " cues without a sane time, or beyond the limits, are left out");
      if (outside > 0) plan.notes.push_back(name + ": " + std::to_string(outside) + " cues outside of the video are left out");
      if (text.cues.empty()) {
        plan.notes.push_back(name + " has no text and is not carried");
      } else {
        tracks.push_back(std::move(text));
      }
    }
  }
  return tracks;
}

// Rising from 0: the track of an MP4 begins there. A first chapter that is nearly there is moved; before any other one without a name
// is put. A chapter that ends before the video begins, or begins after its end, is none of it.
std::vector<Chapter> plan_chapters(const SourceFacts& source, const SideTrackTimes& times) {
  std::vector<Chapter> chapters;
  for (const Chapter& chapter : source.side_tracks.chapters)
    chapters.push_back({to_ms(chapter.start + times.shift_us), chapter.title});
  std::ranges::sort(chapters, {}, [](const Chapter& c) { return std::tie(c.start, c.title); });
  std::vector<Chapter> kept;
  for (Chapter& chapter : chapters) {
    if (chapter.start >= times.output_end_ms) break;
    chapter.start = std::max<std::int64_t>(chapter.start, 0);
    // Of several at one place the last counts, which is the one that is running there.
    if (!kept.empty() && kept.back().start == chapter.start) kept.pop_back();
    kept.push_back(std::move(chapter));
  }
  if (kept.empty() || kept.front().start == 0) return kept;
  if (kept.front().start < kFirstChapterMs || kept.size() == kChaptersMax) {
    kept.front().start = 0;
  } else {
    kept.insert(kept.begin(), Chapter{});
  }
  return kept;
}

}  // namespace

void plan_side_tracks(const SourceFacts& source, const Profile& profile, const SideTrackTimes& times, Plan& plan) {
  const SideTrackFacts& facts = source.side_tracks;
  SideTrackPlan side_tracks;
  std::vector<TextTrack> texts = plan_text(source, profile.subtitles, times, plan);
  side_tracks.chapters = plan_chapters(source, times);
  std::uint32_t tags_left_out = facts.tags_left_out;
  if (profile.metadata.keep) {
    side_tracks.tags = facts.tags;
    side_tracks.created_unix_s = facts.created_unix_s;
  } else {
    tags_left_out += static_cast<std::uint32_t>(facts.tags.size()) + (facts.created_unix_s ? 1 : 0);
  }
  if (profile.metadata.location) {
    side_tracks.location = facts.location;
  } else if (!facts.location.empty()) {
    plan.notes.emplace_back("the place of the recording is not carried");
  }
  if (tags_left_out > 0)
    plan.notes.push_back(std::to_string(tags_left_out) + (tags_left_out == 1 ? " tag is not carried" : " tags are not carried"));
  for (PlannedRendition& rendition : plan.renditions) {
    rendition.file.side_tracks = side_tracks;
    if (profile.subtitles.as_tracks()) rendition.file.side_tracks.subtitles = texts;
    if (!rendition.file.has_video && profile.metadata.cover) rendition.file.side_tracks.cover = facts.cover;
  }
  if (facts.cover && has_video(plan)) {
    plan.notes.emplace_back("the cover is not carried: the outputs have video of their own");
  } else if (facts.cover && !profile.metadata.cover) {
    plan.notes.emplace_back("the cover is not carried: the profile does not ask for it (metadata: {cover: true})");
  }
  if (profile.subtitles.as_files()) plan.text_files = std::move(texts);
}

std::vector<Overlay> overlays_of(const SourceFacts& source, const std::vector<std::uint32_t>& frames) {
  static constexpr Rational kMicroseconds{1, 1'000'000};
  static constexpr std::int64_t kHalfMs = 500;
  const VideoTrack& track = *source.video;
  std::vector<std::int64_t> times;
  for (const std::uint32_t frame : frames) times.push_back(rescale(track.frames[frame].pts, track.base, kMicroseconds) + kHalfMs);
  std::vector<Overlay> overlays;
  for (const SubtitleTrack& subtitles : source.side_tracks.subtitles) {
    for (const Bitmap& bitmap : subtitles.bitmaps) {
      const auto first = std::ranges::lower_bound(times, bitmap.start) - times.begin();
      const auto end = std::ranges::lower_bound(times, bitmap.end) - times.begin();
      if (first < end) overlays.push_back({static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(end), bitmap});
    }
  }
  return overlays;
}

}  // namespace gopmill
