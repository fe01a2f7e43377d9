#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "coordinator/plan/plan.h"
#include "media/task/split_passes.h"
#include "tests/support/plan_text.h"
#include "tests/support/source_builder.h"

// Where segments begin and end, which packets they get, and which frames they are encoded with.

namespace gopmill {
namespace {

using test::clip;
using test::contexts;
using test::plan;
using test::profile_with;
using test::rendition;
using test::tasks;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Profile exact() {
  Profile profile = profile_with({rendition()});
  profile.joins = Joins::kExact;
  return profile;
}

Profile small_and_quick() {
  RenditionProfile quick = rendition();
  quick.height = 144;
  quick.preset = "ultrafast";
  return profile_with({quick});
}

VideoTask video_task(const SourceFacts& source, const Profile& profile, std::uint32_t index) {
  return *task_request(plan(source, profile), source, profile, index).video;
}

// ---- Which frames a segment has ----

TEST(PlanSegments, AreTenSecondsAndReachALookaheadFurther) {
  const SourceFacts source = clip().at(25).frames(750).closed_gops(50).facts();
  const Profile profile = profile_with({rendition()});
  const Plan made = plan(source);
  // 45 frames of tail: the last is number 294, a B frame whose packet is number 295.
  EXPECT_THAT(tasks(made), ElementsAre("0-250 of packets 0-296", "250-500 of packets 250-546", "500-750 of packets 500-750"));
  EXPECT_THAT(contexts(made, source, profile, 0), ElementsAre("lead 0 body 250 tail 45"));
  EXPECT_THAT(contexts(made, source, profile, 1), ElementsAre("lead 0 body 250 tail 45 continues"));
  EXPECT_THAT(contexts(made, source, profile, 2), ElementsAre("lead 0 body 250 tail 0 continues"));
  EXPECT_NEAR(made.decode_ratio, (296 + 296 + 250) / 750.0, 1e-12);
  EXPECT_THAT(made.notes, IsEmpty());
}

TEST(PlanSegments, ExactJoinsAlsoEncodeTheGopBefore) {
  const SourceFacts source = clip().at(25).frames(750).closed_gops(50).facts();
  const Plan made = plan(source, exact());
  EXPECT_THAT(tasks(made), ElementsAre("0-250 of packets 0-296", "250-500 of packets 200-546", "500-750 of packets 450-750"));
  EXPECT_THAT(contexts(made, source, exact(), 0), ElementsAre("lead 0 body 250 tail 45"));
  EXPECT_THAT(contexts(made, source, exact(), 1), ElementsAre("lead 50 body 250 tail 45 continues"));
  EXPECT_THAT(contexts(made, source, exact(), 2), ElementsAre("lead 50 body 250 tail 0 continues"));
  EXPECT_TRUE(video_task(source, exact(), 1).renditions[0].frames[0].key);
}

TEST(PlanSegments, NtscSegmentsBeginAtTheirOwnKeys) {
  const Plan made = plan(clip().at({30000, 1001}).frames(900).closed_gops(30).facts());
  EXPECT_THAT(tasks(made), ElementsAre("0-300 of packets 0-346", "300-600 of packets 300-646", "600-900 of packets 600-900"));
}

TEST(PlanSegments, AStubAtTheEndJoinsItsNeighbour) {
  EXPECT_EQ(plan(clip().at(25).frames(250 + 24).closed_gops(25).facts()).tasks.size(), 1U);  // 0.96 s
  EXPECT_EQ(plan(clip().at(25).frames(250 + 25).closed_gops(25).facts()).tasks.size(), 2U);  // 1 s
  EXPECT_EQ(plan(clip().at(5).frames(50 + 9).closed_gops(5).facts()).tasks.size(), 1U);      // 1.8 s, but nine frames
}

TEST(PlanSegments, AStubThatIsTheWholeClipStays) {
  EXPECT_THAT(tasks(plan(clip().at(25).frames(3).facts())), ElementsAre("0-3 of packets 0-3"));
}

TEST(PlanSegments, EveryFrameOfATaskIsNamedByItsPacket) {
  const SourceFacts source = clip().at(10).frames(12).closed_gops(12).facts();
  const VideoTask task = video_task(source, profile_with({rendition()}), 0);
  EXPECT_THAT(task.sources, ElementsAre(0, 2, 3, 1, 5, 6, 4, 8, 9, 7, 11, 10));
  std::vector<OutputFrame> expected;
  for (std::uint32_t i = 0; i < 12; ++i) expected.push_back({.source = i, .pts = 9000 * i, .key = i == 0});
  EXPECT_EQ(task.renditions[0].frames, expected);
}

TEST(PlanSegments, ADecimatedTaskNamesOnlyTheFramesItShows) {
  RenditionProfile half = rendition("half");
  half.fps_max = Rational{5, 1};
  const SourceFacts source = clip().at(10).frames(12).intra_only().facts();
  const VideoTask task = video_task(source, profile_with({half}), 0);
  EXPECT_THAT(task.sources, ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_EQ(task.renditions[0].frames[3], (OutputFrame{.source = 3, .pts = 54000, .key = false}));
}

TEST(PlanSegments, ADeinterlacerGetsTheFramesOnBothSides) {
  const Profile profile = profile_with({rendition()});
  const SourceFacts source = clip().at(25).frames(500).intra_only().interlaced().facts();
  EXPECT_THAT(tasks(plan(source)), ElementsAre("0-250 of packets 0-296", "250-500 of packets 249-500"));
  const VideoTask task = video_task(source, profile, 1);
  EXPECT_TRUE(task.deinterlace);
  EXPECT_EQ(task.sources.size(), 251U);
  EXPECT_EQ(task.renditions[0].frames[0], (OutputFrame{.source = 1, .pts = 900'000, .key = true}));
}

// ---- Where runs begin and end ----

TEST(PlanRuns, OpenGopsBeginAKeyPacketEarlier) {
  // Key frames 240 and 270 of a run that needs 250 on: 240 may have leading frames and is not trusted, so 210 it is.
  const Plan made = plan(clip().at(25).frames(500).open_gops(30).facts());
  const SourceFacts source = clip().at(25).frames(500).open_gops(30).facts();
  EXPECT_THAT(tasks(made), ElementsAre("0-250 of packets 0-295", "250-500 of packets 208-500"));
  EXPECT_EQ(source.video->keys[7], (KeyPacket{.packet = 208, .pts = 210 * 3600, .clean = false}));
}

TEST(PlanRuns, ALeadingFrameIsNotDecodedFromItsOwnKey) {
  // Frame 250 is a leading frame of key 252: it lies behind that key in the file and before it in time. 240 is the
  // key that has it, and being open too, 228 is where the run begins.
  const SourceFacts source = clip().at(25).frames(500).open_gops(12).facts();
  EXPECT_GT(source.video->frames[250].packet, source.video->keys[21].packet);
  EXPECT_LT(source.video->frames[250].pts, source.video->keys[21].pts);
  EXPECT_EQ(plan(source).tasks[1].run.first, source.video->keys[19].packet);
  EXPECT_EQ(source.video->keys[19].pts, 228 * 3600);
}

TEST(PlanRuns, IntraOnlyRunsBeginWhereTheirSegmentDoes) {
  EXPECT_THAT(tasks(plan(clip().at(25).frames(500).intra_only().facts())),
              ElementsAre("0-250 of packets 0-295", "250-500 of packets 250-500"));
}

TEST(PlanRuns, GopsOfTenPointFourSecondsAreDecodedFromTheOneBefore) {
  // Each segment begins a little before a key frame and so decodes the whole GOP before it, which costs less than it gains.
  const Plan made = plan(clip().at(25).frames(1000).closed_gops(260).facts());
  EXPECT_THAT(tasks(made), ElementsAre("0-250 of packets 0-296", "250-500 of packets 0-545", "500-750 of packets 260-796",
                                       "750-1000 of packets 520-1000"));
  EXPECT_THAT(made.notes, IsEmpty());
  EXPECT_LE(made.repeated_decode, kRepeatedDecodeMax);
}

// A heavy source: 4K at 40 Mbit/s for a small, quick rendition, so that decoding is nearly all of the work.
SourceFacts heavy(SourceFacts source) {
  source.video->width = 3840;
  source.video->height = 2160;
  source.video->bytes = source.video->frames.size() * 200'000;
  return source;
}

TEST(PlanRuns, AClipWithOneKeyIsCutAsOftenAsRepeatedDecodingAllows) {
  const Plan made = plan(clip().at(25).frames(7500).closed_gops(7500).facts());
  EXPECT_GE(made.tasks.size(), 4U);
  EXPECT_LE(made.repeated_decode, kRepeatedDecodeMax);
  for (const PlannedTask& task : made.tasks) EXPECT_EQ(task.run.first, 0U);
  EXPECT_THAT(made.notes, ElementsAre(HasSubstr("times over, because its key frames are far apart")));
}

TEST(PlanRuns, AHeavyClipWithOneKeyIsOneSegment) {
  const Plan made = plan(heavy(clip().at(25).frames(7500).closed_gops(7500).facts()), small_and_quick());
  EXPECT_THAT(tasks(made), ElementsAre("0-7500 of packets 0-7500"));
  EXPECT_DOUBLE_EQ(made.decode_ratio, 1);
  EXPECT_THAT(
      made.notes,
      ElementsAre("one segment instead of segments of 10 s: the shorter ones would decode the source 15.5 times over, because "
                  "its key frames are far apart or the segments short"));
}

TEST(PlanRuns, AClipWithoutKeysIsDecodedFromItsFirstPacket) {
  for (const PlannedTask& task : plan(clip().at(25).frames(750).without_keys().facts()).tasks) EXPECT_EQ(task.run.first, 0U);
}

TEST(PlanRuns, DistantKeysOfAHeavyClipMakeLongerSegments) {
  // A key every 30 s: of each three segments of 10 s, the second would decode 20 s and the third 30 s.
  const Plan made = plan(heavy(clip().at(25).frames(6000).closed_gops(750).facts()), small_and_quick());
  EXPECT_LE(made.repeated_decode, kRepeatedDecodeMax);
  EXPECT_LT(made.tasks.size(), 24U);
  EXPECT_GT(made.tasks.size(), 1U);
  EXPECT_THAT(made.notes, ElementsAre(HasSubstr("instead of segments of 10 s")));
  EXPECT_EQ(test::keys(made).size(), 120U);
}

TEST(PlanRuns, ShortSegmentsOfAHeavyClipAreLengthenedForTheirTails) {
  Profile profile = small_and_quick();
  profile.segment = {2, 1};
  profile.renditions[0].preset = "veryfast";
  const Plan made = plan(heavy(clip().at(25).frames(1000).closed_gops(25).facts()), profile);
  EXPECT_GT(made.tasks[0].ranges[0].end, 50U);
  EXPECT_LE(made.repeated_decode, kRepeatedDecodeMax);
}

TEST(PlanRuns, ASourceIsNotReadMoreOftenThanTheLimit) {
  // A key every 1000 s and segments that cost far more to encode than to decode: the reads are what bounds their number.
  RenditionProfile slow = rendition();
  slow.preset = "placebo";
  const Plan made = plan(clip().at(5).frames(30'000).closed_gops(30'000).facts(), profile_with({slow}));
  std::vector<PacketRun> runs;
  for (const PlannedTask& task : made.tasks) runs.push_back(task.run);
  std::uint64_t read = 0;
  std::uint32_t next = 0;
  for (const std::uint32_t end : split_passes(runs)) {
    for (std::uint32_t last = 0; next < end; read += next + 1 == end ? std::max(last, runs[next].end) : 0, ++next)
      last = std::max(last, runs[next].end);
  }
  EXPECT_GT(made.tasks.size(), 8U);
  EXPECT_LE(static_cast<double>(read), kSplitReadsMax * 30'000);
}

TEST(PlanRuns, ATaskOfFieldPacketsHasTheSecondFieldOfItsLastFrame) {
  const SourceFacts source = clip().at(25).frames(500).intra_only().field_packets().facts();
  EXPECT_THAT(tasks(plan(source)), ElementsAre("0-250 of packets 0-590", "250-500 of packets 500-1000"));
}

TEST(PlanRuns, AKeyThatLiesAboutItsTimeIsNotABottomlessSearch) {
  SourceFacts source = clip().at(25).frames(750).intra_only().facts();
  for (KeyPacket& key : source.video->keys) key.pts = INT64_MAX;
  for (const PlannedTask& task : plan(source).tasks) EXPECT_EQ(task.run.first, 0U);
}

TEST(PlanRuns, MoreSegmentsThanTheLimitAreDoubled) {
  // 24 h in segments of 4 s are 21,600; intra-only and without a tail, so that only the count is at fault.
  RenditionProfile quick = rendition();
  quick.codec = VideoCodec::kVp9;
  Profile profile = profile_with({quick});
  profile.segment = {4, 1};
  const Plan made = plan(clip().at(5).frames(5 * 24 * 3600).intra_only().facts(), profile);
  EXPECT_EQ(made.tasks.size(), 10'800U);
  EXPECT_THAT(made.notes, Contains("segments of 8 s instead of segments of 4 s: the shorter ones would be more than 20000"));
}

}  // namespace
}  // namespace gopmill
