#include "coordinator/plan/plan.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "coordinator/plan/plan_audio.h"
#include "coordinator/plan/plan_check.h"
#include "coordinator/plan/plan_colour.h"
#include "coordinator/plan/plan_cost.h"
#include "coordinator/plan/plan_film.h"
#include "coordinator/plan/plan_frames.h"
#include "coordinator/plan/plan_outputs.h"
#include "coordinator/plan/plan_rate.h"
#include "coordinator/plan/plan_segments.h"
#include "coordinator/plan/plan_side_tracks.h"
#include "media/encoder/encoder_facts.h"
#include "profiles/ladder.h"

namespace gopmill {
namespace {

// Measured: audio is decoded and encoded about sixty times faster than it plays.
constexpr double kAudioSecondCost = 1.0 / 60;

// As list_frames() takes a rate up to 1 % above fps_max for fps_max.
constexpr double kRateSlack = 1.01;

// What of the source goes into the job.
struct Carried {
  const VideoTrack* video = nullptr;
  std::vector<const AudioTrack*> audio_tracks;
};

Result<Carried> choose_tracks(const SourceFacts& source, const Profile& profile, Plan& plan) {
  Carried carried;
  carried.audio_tracks = choose_audio(source, profile, plan.notes);
  if (source.video && !profile.renditions.empty()) {
    if (source.video->frames.empty()) return fail(FaultKind::kInput, "no frame of the video track can be decoded");
    carried.video = &*source.video;
  }
  if (carried.video == nullptr && carried.audio_tracks.empty()) {
    if (source.video && profile.renditions.empty()) {
      return fail(FaultKind::kInput, "the source has no audio, and profile " + profile.name + " carries nothing else");
    }
    return fail(FaultKind::kInput, source.audio.empty() || profile.audio
                                       ? "the source has neither video nor audio"
                                       : "the source has no video, and profile " + profile.name + " carries nothing else");
  }
  if (carried.video == nullptr) {
    plan.notes.push_back(source.video ? "the video is not carried: profile " + profile.name + " is for audio only"
                                      : "the source has no video: one rendition, audio, carries its audio");
  }
  return carried;
}

// `zero`: of the output, in the facts' own count.
SideTrackTimes side_track_times(Timestamp zero, double source_seconds) {
  static constexpr Rational kMicroseconds{1, 1'000'000};
  return {.shift_us = -zero.in(kMicroseconds).ticks, .output_end_ms = static_cast<std::int64_t>(source_seconds * 1000 + 0.5)};
}

StoredFrame source_frame(const VideoTrack& track) {
  return {.width = track.width,
          .height = track.height,
          .sample_aspect = track.sample_aspect,
          .quarter_turns = track.orientation.quarter_turns,
          .fps = mean_rate(track.frames.size(), track.frames.back().pts, track.base)};
}

EncoderSettings encoder_settings(const Rung& rung, const FrameList& list, Rational frame_rate, const RenditionColour& colour) {
  EncoderSettings settings = settings_of(rung.profile);
  settings.width = rung.width;
  settings.height = rung.height;
  settings.colour = colour.tags;
  settings.mastering = colour.mastering;
  settings.light = colour.light;
  settings.base = list.base;
  settings.frame_rate = frame_rate;
  return settings;
}

// The constant rate of a rendition: its own, or the film's divided by as little as its limit asks.
std::optional<Rational> constant_rate(const RenditionProfile& rendition, std::optional<Rational> film) {
  if (rendition.fps || !film) return rendition.fps;
  const double over = rendition.fps_max ? film->value() / (rendition.fps_max->value() * kRateSlack) : 1;
  return Rational{film->num, film->den * std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(over)))};
}

Result<> plan_frames(const VideoTrack& track, const Ladder& ladder, const Profile& profile, std::int64_t shift, Plan& plan) {
  FilmFrames film = film_frames(track, profile.telecine);
  VideoTrack woven{.base = track.base, .frames = std::move(film.frames), .last_duration = track.last_duration};
  const VideoTrack& shown = film.woven.empty() ? track : woven;
  plan.woven = std::move(film.woven);
  if (film.rate) {
    plan.notes.push_back("telecine undone: " + std::to_string(shown.frames.size()) + " film frames of " +
                         std::to_string(track.frames.size()) + " frames");
  } else if (profile.telecine == Telecine::kFilm) {
    plan.notes.push_back("telecine: film changes nothing, because the source is not telecined");
  }
  for (const Rung& rung : ladder.rungs) {
    const std::optional<Rational> fps = constant_rate(rung.profile, film.rate);
    if (fps && constant_frames(shown, *fps) > kSourceFramesMax)
      return fail(FaultKind::kInput, rung.profile.name + " would have more than " + std::to_string(kSourceFramesMax) + " frames");
    FrameList list = fps ? list_constant_frames(shown, *fps, profile.gop, shift)
                         : list_frames(shown, rung.profile.fps_max, profile.gop, shift);
    const Rational rate =
        fps.value_or(mean_rate(list.frames.size(), list.frames.back().pts - list.frames.front().pts, list.base));
    RenditionColour colour = TRY(rendition_colour(track, rung.profile.dynamic_range));
    PlannedRendition rendition;
    rendition.encoder = encoder_settings(rung, list, rate, colour);
    rendition.recolour = colour.recolour;
    rendition.colour_done = std::move(colour.done);
    rendition.file = {.name = rung.profile.name,
                      .has_video = true,
                      .codec = rung.profile.codec,
                      .width = rung.width,
                      .height = rung.height,
                      .pixel_format = rung.profile.pixel_format,
                      .colour = colour.tags,
                      .mastering = colour.mastering,
                      .light = colour.light,
                      .base = list.base,
                      .frames = std::move(list.frames),
                      .last_duration = list.last_duration,
                      .maxrate = rung.profile.rate.maxrate,
                      .bufsize = rung.profile.rate.bufsize};
    plan.renditions.push_back(std::move(rendition));
    plan.shows.push_back(std::move(list.shows));
    if (rung.profile.dynamic_range == DynamicRange::kHdr && !is_hdr(track.colour))
      plan.notes.push_back("rendition " + rung.profile.name + " stays SDR, as the source is");
  }
  return {};
}

void plan_audio_tracks(const Carried& carried, const Profile& profile, Timestamp zero, Plan& plan) {
  std::vector<PlannedAudio> audio_tracks;
  for (const AudioTrack* track : carried.audio_tracks) {
    audio_tracks.push_back(plan_track(*track, *profile.audio, zero));
    audio_tracks.back().task.damage = profile.damage;
    audio_tracks.back().task.clock = track->clock;
    plan.tasks.push_back({.kind = PlannedTask::Kind::kAudio,
                          .run = {.stream = track->stream, .first = 0, .end = track->packets},
                          .cost = track->seconds * kAudioSecondCost,
                          .outputs = 1,
                          .media_seconds = track->seconds});
    const AudioTask& task = audio_tracks.back().task;
    plan.seconds = std::max(plan.seconds, Timestamp{task.first_sample, {1, task.sample_rate}}.seconds() + track->seconds);
  }
  if (plan.renditions.empty()) {
    PlannedRendition audio;
    audio.file.name = "audio";
    audio.file.base = {1, audio_tracks.front().task.sample_rate};
    plan.renditions.push_back(std::move(audio));
  }
  for (PlannedRendition& rendition : plan.renditions) rendition.file.audio_tracks = audio_tracks;
}

// Ends where the next body begins, and the last one where the video ends.
double body_seconds(const RenditionPlan& file, PlannedTask::Range body) {
  const std::int64_t end =
      body.end < file.frames.size() ? file.frames[body.end].pts : file.frames.back().pts + file.last_duration;
  return Timestamp{end - file.frames[body.first].pts, file.base}.seconds();
}

// One for each segment, of the renditions that have a bitrate to be shared.
void plan_measures(const Segmentation& cut, Plan& plan) {
  double frame_cost = 0;
  std::uint32_t outputs = 0;
  for (const PlannedRendition& rendition : plan.renditions) {
    if (!rendition.encoder.rate.bitrate) continue;
    EncoderSettings quick = rendition.encoder;
    quick.preset = measuring_preset(quick);
    outputs += 2;
    frame_cost += 2 * encode_seconds(quick);
  }
  if (outputs == 0) return;
  for (const Segment& segment : cut.segments) {
    const PlannedTask::Range body = segment.bodies.front();
    plan.tasks.push_back({.kind = PlannedTask::Kind::kMeasure,
                          .run = segment.run,
                          .cost = frame_cost * static_cast<double>(body.end - body.first),
                          .outputs = outputs,
                          .media_seconds = body_seconds(plan.renditions.front().file, body),
                          .ranges = segment.bodies});
  }
}

void plan_segments(const VideoTrack& track, const Profile& profile, Plan& plan) {
  Segmentation cut = cut_segments(plan.renditions, plan.shows, plan.woven, track, profile);
  plan_measures(cut, plan);
  for (Segment& segment : cut.segments) {
    PlannedTask task{.kind = PlannedTask::Kind::kSegment,
                     .run = segment.run,
                     .outputs = static_cast<std::uint32_t>(plan.renditions.size()),
                     .media_seconds = body_seconds(plan.renditions.front().file, segment.bodies.front())};
    for (std::size_t r = 0; r < segment.bodies.size(); ++r) {
      const EncoderSettings& encoder = plan.renditions[r].encoder;
      const auto frames = static_cast<double>(segment.bodies[r].end - segment.bodies[r].first);
      task.cost += frames * encode_seconds(encoder);
    }
    task.ranges = std::move(segment.bodies);
    plan.tasks.push_back(std::move(task));
  }
  plan.decode_ratio = cut.decode_ratio;
  plan.repeated_decode = cut.repeated_decode;
  if (!cut.note.empty()) plan.notes.push_back(std::move(cut.note));
}

// The frames [reach) of a rendition, as a task numbers them: by place in `frames`.
RenditionTask rendition_task(const PlannedRendition& rendition, const std::vector<std::uint32_t>& shows, PlannedTask::Range body,
                             PlannedTask::Range reach, const std::vector<std::uint32_t>& frames) {
  RenditionTask task{.encoder = rendition.encoder,
                     .recolour = rendition.recolour,
                     .lead = static_cast<std::uint32_t>(body.first - reach.first),
                     .body = static_cast<std::uint32_t>(body.end - body.first)};
  task.continues = reach.first > 0;
  task.frames.reserve(reach.end - reach.first);
  auto shown = frames.begin();
  for (std::uint64_t i = reach.first; i < reach.end; ++i) {
    while (*shown != shows[i]) ++shown;  // Both rise, and every shown frame is there.
    const PlannedFrame& frame = rendition.file.frames[i];
    task.frames.push_back({.source = static_cast<std::uint32_t>(shown - frames.begin()), .pts = frame.pts, .key = frame.key});
  }
  const RenditionPlan& file = rendition.file;
  task.grant.ends_rendition = body.end == file.frames.size();
  task.grant.next_pts = task.grant.ends_rendition ? file.frames.back().pts + file.last_duration : file.frames[body.end].pts;
  return task;
}

// Two quick encodes of each rendition that has a bitrate, of which only the sizes are kept.
void measure_renditions(const Plan& plan, const PlannedTask& planned, const std::vector<std::uint32_t>& frames, VideoTask& task) {
  for (std::size_t r = 0; r < plan.renditions.size(); ++r) {
    if (!plan.renditions[r].encoder.rate.bitrate) continue;
    for (const double quality : measured_qualities(plan.renditions[r].encoder.encoder)) {
      RenditionTask one = rendition_task(plan.renditions[r], plan.shows[r], planned.ranges[r], planned.ranges[r], frames);
      one.encoder.preset = measuring_preset(one.encoder);
      one.encoder.rate = {.quality = quality};
      one.measure = true;
      task.renditions.push_back(std::move(one));
    }
  }
}

void apply_rate(const SegmentRate& rate, RenditionTask& task) {
  task.encoder.rate.bitrate.reset();
  task.encoder.rate.quality = rate.quality;
  task.grant.budget_bytes = rate.budget_bytes;
  task.grant.halving = rate.halving;
}

}  // namespace

Result<Plan> make_plan(const SourceFacts& source, const Profile& profile, const std::string& output_base) {
  TRY(check_facts(source));
  Plan plan;
  const Carried carried = TRY(choose_tracks(source, profile, plan));
  Timestamp zero;
  if (carried.video != nullptr) {
    const VideoTrack& track = *carried.video;
    Ladder ladder = fit_ladder(profile, source_frame(track));
    GOPMILL_CHECK(!ladder.rungs.empty());
    std::ranges::move(ladder.notes, std::back_inserter(plan.notes));
    const std::int64_t shift = frame_shift(carried.audio_tracks, track.base);
    zero = {-shift, track.base};
    TRY(plan_frames(track, ladder, profile, shift, plan));
    const RenditionPlan& file = plan.renditions.front().file;
    plan.seconds = Timestamp{file.frames.back().pts + file.last_duration, file.base}.seconds();
  }
  if (!carried.audio_tracks.empty()) {
    if (carried.video == nullptr) zero = output_zero(carried.audio_tracks);
    plan_audio_tracks(carried, profile, zero, plan);
  }
  if (carried.video != nullptr) plan_segments(*carried.video, profile, plan);
  plan_side_tracks(source, profile, side_track_times(zero, plan.seconds), plan);
  plan.outputs = TRY(plan_outputs(plan, output_base));
  return plan;
}

TaskRequest task_request(const Plan& plan, const SourceFacts& source, const Profile& profile, std::uint32_t index,
                         const SegmentRates& rates) {
  GOPMILL_CHECK(index < plan.tasks.size());
  const PlannedTask& planned = plan.tasks[index];
  if (planned.kind == PlannedTask::Kind::kAudio) return {.audio = plan.renditions.front().file.audio_tracks[index].task};

  const bool measures = planned.kind == PlannedTask::Kind::kMeasure;
  const VideoTrack& track = *source.video;
  std::vector<PlannedTask::Range> reaches;
  for (std::size_t r = 0; r < planned.ranges.size(); ++r) {
    reaches.push_back(measures ? planned.ranges[r] : with_context(plan.renditions[r], planned.ranges[r], profile.joins));
  }
  const std::size_t count = plan.woven.empty() ? track.frames.size() : plan.woven.size();
  const std::vector<std::uint32_t> shown = wanted_frames(reaches, plan.shows, count, track.interlaced);
  const std::vector<std::uint32_t> frames = frames_of(shown, plan.woven);
  VideoTask task{.base = track.base,
                 .orientation = track.orientation,
                 .shape = {track.width, track.height, track.sample_aspect, track.coded_aspect, track.orientation.quarter_turns},
                 .colour = track.colour,
                 .deinterlace = track.interlaced,
                 .top_first = track.top_first,
                 .damage = profile.damage,
                 .cut_off = track.cut_off.value_or(UINT32_MAX)};
  for (const std::uint32_t frame : frames) task.sources.push_back(track.frames[frame].packet);
  task.overlays = overlays_of(source, frames);
  if (!plan.woven.empty()) {
    const auto place = [&](std::uint32_t frame) {
      return static_cast<std::uint32_t>(std::ranges::lower_bound(frames, frame) - frames.begin());
    };
    for (const std::uint32_t each : shown) {
      const WovenFrame& woven = plan.woven[each];
      task.woven.push_back({place(woven.top), place(woven.bottom), woven.combed});
    }
  }
  if (measures) {
    measure_renditions(plan, planned, shown, task);
    return {.video = std::move(task)};
  }
  const auto granted = rates.find(index);
  for (std::size_t r = 0; r < reaches.size(); ++r) {
    task.renditions.push_back(rendition_task(plan.renditions[r], plan.shows[r], planned.ranges[r], reaches[r], shown));
    if (granted != rates.end() && granted->second[r]) apply_rate(*granted->second[r], task.renditions.back());
  }
  return {.video = std::move(task)};
}

}  // namespace gopmill
