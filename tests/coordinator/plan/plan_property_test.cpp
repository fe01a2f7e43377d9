#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/archive.h"
#include "coordinator/plan/plan.h"
#include "media/encoder/cold_start.h"
#include "tests/support/source_builder.h"

// What holds of every plan, checked on clips nobody would think of. Each is made from one seed, which a failure prints.

namespace gopmill {
namespace {

constexpr std::uint32_t kSources = 2000;

// Only the generator's own bits are used: the standard distributions differ between libraries.
class Dice {
 public:
  explicit Dice(std::uint32_t seed) : bits_(seed) {}
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(bits_() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool one_in(std::int64_t n) { return between(1, n) == 1; }
  template <class T>
  T one_of(std::initializer_list<T> values) {
    return *(values.begin() + between(0, static_cast<std::int64_t>(values.size()) - 1));
  }

 private:
  std::mt19937_64 bits_;
};

SourceFacts random_source(Dice& dice) {
  test::SourceBuilder clip =
      test::clip().base(dice.one_of<Rational>({{1, 90000}, {1, 10000}, {1, 24000}, {1001, 24024000}, {1, 1'000'000}}));
  for (std::int64_t part = dice.between(1, 4); part > 0; --part) {
    clip.at(dice.one_of<Rational>(
        {{24000, 1001}, {24, 1}, {25, 1}, {30000, 1001}, {30, 1}, {50, 1}, {60000, 1001}, {60, 1}, {7, 1}, {1, 3}}));
    if (dice.one_in(3)) clip.pause(dice.between(1, 3'000'000));
    if (dice.one_in(3)) {
      for (std::int64_t i = dice.between(1, 200); i > 0; --i) clip.frame_after(dice.between(1, 9000));
    }
    clip.frames(static_cast<std::size_t>(dice.between(1, dice.one_in(4) ? 1500 : 300)));
  }
  const auto gop = static_cast<std::size_t>(dice.one_of<std::int64_t>({1, 2, 12, 25, 50, 250, 1000}));
  if (dice.one_in(2))
    clip.open_gops(gop);
  else
    clip.closed_gops(gop);
  if (dice.one_in(8)) clip.without_keys();
  if (dice.one_in(4)) clip.interlaced();
  if (dice.one_in(6)) clip.field_packets();
  if (dice.one_in(2)) clip.audio_after(dice.between(-3000, 3000));
  SourceFacts source = clip.facts();
  if (dice.one_in(3)) {
    std::erase_if(source.video->keys, [&](const KeyPacket&) { return dice.one_in(3); });
    for (KeyPacket& key : source.video->keys) key.clean = key.clean && dice.one_in(2);
  }
  return source;
}

Profile random_profile(Dice& dice) {
  std::vector<RenditionProfile> renditions;
  for (std::int64_t i = dice.between(1, 3); i > 0; --i) {
    RenditionProfile rendition = test::rendition("r" + std::to_string(i));
    rendition.rate.quality = 20 + static_cast<double>(i);  // A ladder drops rungs that differ in nothing but their name.
    rendition.codec = dice.one_of({VideoCodec::kH264, VideoCodec::kHevc, VideoCodec::kAv1, VideoCodec::kVp9});
    rendition.preset = dice.one_of<const char*>({"ultrafast", "medium", "veryslow"});
    if (dice.one_in(2)) rendition.fps_max = dice.one_of<Rational>({{30, 1}, {24, 1}, {60, 1}, {30000, 1001}, {1, 2}, {10, 1}});
    renditions.push_back(rendition);
  }
  Profile profile = test::profile_with(renditions);
  profile.gop = dice.one_of<Rational>({{2, 1}, {1, 1}, {1001, 500}, {1, 2}, {10, 3}});
  profile.segment = {profile.gop.num * dice.between(1, 8), profile.gop.den};
  profile.joins = dice.one_of({Joins::kDefault, Joins::kExact});
  return profile;
}

struct Case {
  SourceFacts source;
  Profile profile;
  Plan plan;
  [[nodiscard]] const VideoTrack& track() const { return *source.video; }
  [[nodiscard]] std::vector<const PlannedTask*> segments() const {
    std::vector<const PlannedTask*> result;
    for (const PlannedTask& task : plan.tasks) {
      if (task.kind != PlannedTask::Kind::kAudio) result.push_back(&task);
    }
    return result;
  }
};

Case random_case(std::uint32_t seed) {
  Dice dice(seed);
  Case clip{.source = random_source(dice), .profile = random_profile(dice), .plan = {}};
  Result<Plan> plan = make_plan(clip.source, clip.profile, "clip");
  EXPECT_TRUE(plan) << plan.error().text;
  if (plan) clip.plan = std::move(*plan);
  return clip;
}

// Frames show source frames in order, at their own times, and the first of each list is the clip's first.
void check_times(const Case& clip) {
  const bool early_audio = !clip.source.audio.empty() && clip.source.audio[0].starts_after_video.ticks < 0;
  const std::int64_t shift = clip.plan.renditions[0].file.frames[0].pts;
  ASSERT_TRUE(early_audio || shift == 0);
  ASSERT_TRUE(clip.source.audio.empty() || shift == 0 || clip.plan.renditions[0].file.audio_tracks[0].task.first_sample <= 4);
  for (std::size_t r = 0; r < clip.plan.renditions.size(); ++r) {
    const RenditionPlan& file = clip.plan.renditions[r].file;
    const auto& shows = clip.plan.shows[r];
    ASSERT_EQ(file.frames.size(), shows.size());
    ASSERT_EQ(shows.front(), 0U);
    for (std::size_t i = 0; i < shows.size(); ++i) {
      ASSERT_TRUE(i == 0 || shows[i] > shows[i - 1]);
      ASSERT_EQ(file.frames[i].pts, clip.track().frames[shows[i]].pts + shift);
    }
    ASSERT_EQ(file.frames.back().pts + file.last_duration, clip.track().frames.back().pts + clip.track().last_duration + shift);
    if (const auto fps_max = clip.profile.renditions[r].fps_max; fps_max && shows.size() > 2) {
      const double seconds = Timestamp{file.frames.back().pts - shift, clip.track().base}.seconds();
      ASSERT_LE(static_cast<double>(shows.size() - 2), seconds * fps_max->value() * 1.0101 + 1e-6);
    } else if (!fps_max) {
      ASSERT_EQ(shows.size(), clip.track().frames.size());
    }
  }
}

// A frame is a key if and only if it is the first, or the first that is not more than half a millisecond before a multiple of the GOP.
void check_keys(const Case& clip) {
  const Rational gop = clip.profile.gop;
  for (const PlannedRendition& rendition : clip.plan.renditions) {
    std::int64_t k = 0;
    bool first = true;
    for (const PlannedFrame& frame : rendition.file.frames) {
      bool due = first;
      while (Timestamp{2000 * k * gop.num - gop.den, {1, 2000 * gop.den}} <= Timestamp{frame.pts, rendition.file.base}) {
        due = true;
        ++k;
      }
      ASSERT_EQ(frame.key, due) << "at " << frame.pts;
      first = false;
    }
  }
}

// Bodies divide each rendition's frames at the same times, on multiples of `segment`, each beginning with a key.
void check_bodies(const Case& clip) {
  std::vector<std::uint64_t> reached(clip.plan.renditions.size());
  std::int64_t last_pts = std::numeric_limits<std::int64_t>::min();
  for (const PlannedTask* task : clip.segments()) {
    ASSERT_EQ(task->ranges.size(), reached.size());
    std::int64_t end_pts = last_pts;
    for (std::size_t r = 0; r < reached.size(); ++r) {
      const auto& frames = clip.plan.renditions[r].file.frames;
      ASSERT_EQ(task->ranges[r].first, reached[r]);
      ASSERT_LT(task->ranges[r].first, task->ranges[r].end);
      reached[r] = task->ranges[r].end;
      ASSERT_TRUE(frames[task->ranges[r].first].key);
      ASSERT_GT(frames[task->ranges[r].first].pts, last_pts);
      end_pts = std::max(end_pts, frames[reached[r] - 1].pts);
    }
    last_pts = end_pts;
  }
  for (std::size_t r = 0; r < reached.size(); ++r) ASSERT_EQ(reached[r], clip.plan.renditions[r].file.frames.size());
  ASSERT_TRUE(clip.plan.repeated_decode <= kRepeatedDecodeMax || clip.segments().size() == 1) << clip.plan.repeated_decode;
}

// From where this run starts, everything wanted is decoded right: a clean key packet, or an earlier one than the last
// that would do, or the first packet.
void check_start(const Case& clip, const PacketRun& run, const std::vector<std::uint32_t>& wanted, std::int64_t first_pts) {
  if (run.first == 0) return;
  const std::uint32_t first_wanted = *std::ranges::min_element(wanted);
  bool starts_at_key = false;
  int usable = 0;
  for (const KeyPacket& key : clip.track().keys) {
    if (key.packet < run.first || key.packet > first_wanted) continue;
    starts_at_key = starts_at_key || key.packet == run.first;
    if (key.pts <= first_pts) usable += key.clean ? 2 : 1;
  }
  ASSERT_TRUE(starts_at_key);
  ASSERT_GE(usable, 2) << "run starts at " << run.first;
}

// A deinterlaced frame finds the frames before and after it in the source next to its own.
void check_neighbours(const Case& clip, const PlannedTask& planned, const VideoTask& task) {
  const auto& frames = clip.track().frames;
  for (std::size_t r = 0; r < task.renditions.size(); ++r) {
    std::uint64_t i = planned.ranges[r].first - task.renditions[r].lead;
    for (const OutputFrame& frame : task.renditions[r].frames) {
      const std::uint32_t shown = clip.plan.shows[r][i++];
      ASSERT_TRUE(shown == 0 || task.sources.at(frame.source - 1) == frames[shown - 1].packet);
      ASSERT_TRUE(shown + 1 == frames.size() || task.sources.at(frame.source + 1) == frames[shown + 1].packet);
    }
  }
}

void check_request(const Case& clip, std::uint32_t index) {
  const PlannedTask& planned = clip.plan.tasks[index];
  const TaskRequest request = task_request(clip.plan, clip.source, clip.profile, index);
  ASSERT_EQ(encode(request), encode(task_request(clip.plan, clip.source, clip.profile, index)));
  const bool audio = planned.kind == PlannedTask::Kind::kAudio;
  ASSERT_EQ(request.video.has_value(), !audio);
  ASSERT_EQ(request.audio.has_value(), audio);
  if (audio) return;
  const VideoTask& task = *request.video;
  std::int64_t first_pts = std::numeric_limits<std::int64_t>::max();
  for (std::size_t r = 0; r < task.renditions.size(); ++r) {
    const RenditionTask& rendition = task.renditions[r];
    const std::uint64_t from = planned.ranges[r].first - rendition.lead;
    ASSERT_EQ(rendition.body, planned.ranges[r].end - planned.ranges[r].first);
    ASSERT_GE(rendition.lead, memory_of(rendition.encoder, clip.profile.joins, planned.ranges[r].first));
    ASSERT_EQ(rendition.continues, from > 0);
    ASSERT_EQ(rendition.frames.size() - rendition.lead - rendition.body,
              std::min<std::uint64_t>(lookahead_frames(rendition.encoder), clip.plan.shows[r].size() - planned.ranges[r].end));
    ASSERT_TRUE(rendition.frames[rendition.lead].key);
    ASSERT_TRUE(rendition.frames.front().key);
    for (std::size_t i = 0; i < rendition.frames.size(); ++i) {
      const SourceFrame& shown = clip.track().frames[clip.plan.shows[r][from + i]];
      ASSERT_EQ(rendition.frames[i].pts, clip.plan.renditions[r].file.frames[from + i].pts);
      ASSERT_EQ(rendition.frames[i].key, clip.plan.renditions[r].file.frames[from + i].key);
      ASSERT_EQ(task.sources[rendition.frames[i].source], shown.packet);
      first_pts = std::min(first_pts, shown.pts);
    }
  }
  if (task.deinterlace) check_neighbours(clip, planned, task);
  ASSERT_TRUE(planned.run.first < planned.run.end && planned.run.end <= clip.track().packets);
  for (const std::uint32_t packet : task.sources) ASSERT_TRUE(packet >= planned.run.first && packet < planned.run.end);
  check_start(clip, planned.run, task.sources, first_pts);
}

TEST(PlanProperties, HoldOfTwoThousandRandomClips) {
  for (std::uint32_t seed = 1; seed <= kSources; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Case clip = random_case(seed);
    ASSERT_FALSE(clip.plan.renditions.empty());
    check_times(clip);
    check_keys(clip);
    check_bodies(clip);
    for (std::uint32_t i = 0; i < clip.plan.tasks.size(); ++i) check_request(clip, i);
    const Case again = random_case(seed);
    ASSERT_EQ(clip.plan.notes, again.plan.notes);
    ASSERT_EQ(clip.plan.shows, again.plan.shows);
    ASSERT_EQ(clip.plan.tasks.size(), again.plan.tasks.size());
    for (std::size_t i = 0; i < clip.plan.tasks.size(); ++i) ASSERT_EQ(clip.plan.tasks[i].run, again.plan.tasks[i].run);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace gopmill
