// Long because: one test per rule that plan.h states, in its order.
#include "coordinator/plan/plan.h"
#include "coordinator/plan/plan_cost.h"
#include "coordinator/plan/plan_frames.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/archive.h"
#include "media/encoder/encoder_facts.h"
#include "tests/support/plan_text.h"
#include "tests/support/source_builder.h"

namespace gopmill {
namespace {

using test::clip;
using test::contexts;
using test::keys;
using test::plan;
using test::profile_with;
using test::rendition;
using test::SourceBuilder;
using test::tasks;
using test::times;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

RenditionProfile limited(const std::string& name, Rational fps_max) {
  RenditionProfile result = rendition(name);
  result.fps_max = fps_max;
  return result;
}

Profile one_rendition() { return profile_with({rendition()}); }

Fault refusal(const SourceFacts& source, const Profile& profile = one_rendition()) {
  const Result<Plan> result = make_plan(source, profile, "clip");
  return result ? Fault{} : result.error();
}

std::vector<std::size_t> every(std::size_t step, std::size_t end) {
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < end; i += step) result.push_back(i);
  return result;
}

// ---- The grid of key frames ----

TEST(PlanFrames, A25FpsClipHasAKeyEvery50Frames) {
  const Plan made = plan(clip().at(25).frames(300).facts());
  EXPECT_EQ(keys(made), every(50, 300));
  EXPECT_EQ(made.renditions[0].file.last_duration, 3600);
  EXPECT_DOUBLE_EQ(made.seconds, 12);
}

TEST(PlanFrames, A24FpsClipHasAKeyEvery48Frames) { EXPECT_EQ(keys(plan(clip().at(24).frames(300).facts())), every(48, 300)); }

TEST(PlanFrames, NtscKeysAreTheFirstFramesAfterEachTwoSecondsAndDoNotDrift) {
  // Frame n is at n x 1001/30000 s, so the first frame at or less than half a millisecond before 2k s is number
  // ceil((60000k - 15) / 1001); a count of 60 frames would be off by a frame from k = 17 on.
  std::vector<std::size_t> expected{0};
  for (std::size_t k = 1; k * 60000 < 1200 * 1001; ++k) expected.push_back((k * 60000 - 15 + 1000) / 1001);
  EXPECT_EQ(keys(plan(clip().at({30000, 1001}).frames(1200).facts())), expected);
}

TEST(PlanFrames, ATimeHalfAMillisecondEarlyIsOnTheGrid) {
  EXPECT_EQ(multiple_reached(60, {33'333, 1'000'000}, {2, 1}), 1);
  EXPECT_EQ(multiple_reached(59, {33'333, 1'000'000}, {2, 1}), 0);
  EXPECT_EQ(multiple_reached(3'999'500, {1, 1'000'000}, {2, 1}), 2);
  EXPECT_EQ(multiple_reached(3'999'499, {1, 1'000'000}, {2, 1}), 1);
  EXPECT_EQ(multiple_reached(1'999, {1, 1'000}, {2, 1}), 0);
  EXPECT_EQ(multiple_reached(0, {1, 1'000}, {1001, 1000}), 0);
}

TEST(PlanFrames, AGopThatNoFrameMeetsIsKeptExactlyOverAnHour) {
  Profile profile = one_rendition();
  profile.gop = {1001, 1000};
  profile.segment = {10010, 1000};
  const Plan made = plan(clip().at({24000, 1001}).frames(86'400).facts(), profile);
  EXPECT_EQ(keys(made), every(24, 86'400));
}

TEST(PlanFrames, KeysFollowTimeWhereTheRateChanges) {
  // 3 s of 60 frames/s, then 24: 2 s is frame 120, 4 s is 24 frames after frame 180.
  const Plan made = plan(clip().at(60).frames(180).at(24).frames(96).facts());
  EXPECT_THAT(keys(made), ElementsAre(0, 120, 180 + 24, 180 + 72));
}

TEST(PlanFrames, APauseCostsOneKeyAndNoTask) {
  // 5 s, nothing for 20 s, 4.8 s more. The frame after the pause is at 25 s and the next key at 26 s.
  const Plan made = plan(clip().at(25).frames(125).pause(20 * 90000).frames(120).closed_gops(25).facts());
  EXPECT_THAT(keys(made), ElementsAre(0, 50, 100, 125, 150, 200));
  EXPECT_THAT(tasks(made), ElementsAre("0-125 of packets 0-171", "125-245 of packets 125-245"));
  EXPECT_DOUBLE_EQ(made.tasks[0].media_seconds, 25);
  EXPECT_DOUBLE_EQ(made.tasks[1].media_seconds, 4.8);
}

TEST(PlanFrames, ASingleFrameIsAClip) {
  const SourceFacts source = clip().at(25).frames(1).facts();
  const Plan made = plan(source);
  EXPECT_THAT(tasks(made), ElementsAre("0-1 of packets 0-1"));
  EXPECT_THAT(keys(made), ElementsAre(0));
  EXPECT_EQ(made.renditions[0].encoder.frame_rate, (Rational{25, 1}));
  EXPECT_THAT(contexts(made, source, one_rendition(), 0), ElementsAre("lead 0 body 1 tail 0"));
}

// ---- fps_max ----

TEST(PlanRate, BurstsShorterThanASecondLoseNoFrame) {
  // A screen recorder: pairs of frames 5 ms apart, then nothing for half a second.
  SourceBuilder recorder = clip().at(30).frames(2);
  for (int i = 0; i < 40; ++i) recorder.frame_after(450).frame_after(45'000);
  EXPECT_EQ(plan(recorder.facts(), profile_with({limited("capped", {60, 1})})).shows[0].size(), 82U);
}

TEST(PlanRate, SixtyUnderALimitOfThirtyKeepsEverySecond) {
  const Plan made = plan(clip().at(60).frames(240).facts(), profile_with({limited("half", {30, 1})}));
  EXPECT_EQ(made.shows[0].size(), 120U);
  EXPECT_THAT(std::vector(made.shows[0].begin(), made.shows[0].begin() + 3), ElementsAre(0, 2, 4));
  EXPECT_EQ(made.renditions[0].encoder.frame_rate, (Rational{30, 1}));
  EXPECT_EQ(made.renditions[0].file.last_duration, 3000);
  EXPECT_DOUBLE_EQ(made.seconds, 4);
}

TEST(PlanRate, NtscSixtyUnderThirtyIsNtscThirty) {
  const Plan made = plan(clip().at({60000, 1001}).frames(240).facts(), profile_with({limited("half", {30, 1})}));
  EXPECT_EQ(made.shows[0].size(), 120U);
  EXPECT_EQ(made.renditions[0].encoder.frame_rate, (Rational{30000, 1001}));
}

TEST(PlanRate, ARateAtItsLimitLosesNothing) {
  EXPECT_EQ(plan(clip().at(60).frames(100).facts(), profile_with({limited("a", {60, 1})})).shows[0].size(), 100U);
  EXPECT_EQ(plan(clip().at({6002, 100}).frames(100).facts(), profile_with({limited("a", {60, 1})})).shows[0].size(), 100U);
  EXPECT_EQ(plan(clip().at(24).frames(100).facts(), profile_with({limited("a", {30, 1})})).shows[0].size(), 100U);
}

TEST(PlanRate, FiftyUnderThirtyIsTwentyFiveAndTheClipEndsWhenItDoes) {
  const Plan made = plan(clip().at(50).frames(101).facts(), profile_with({limited("a", {30, 1})}));
  EXPECT_EQ(made.renditions[0].encoder.frame_rate, (Rational{25, 1}));
  EXPECT_EQ(made.shows[0].size(), 51U);
  EXPECT_EQ(made.renditions[0].file.last_duration, 1800);
}

TEST(PlanRate, OnlyTheFastPartOfAVariableRateIsThinned) {
  const Plan made = plan(clip().at(60).frames(60).at(24).frames(24).facts(), profile_with({limited("a", {30, 1})}));
  std::vector<std::uint32_t> expected;
  for (std::uint32_t i = 0; i < 60; i += 2) expected.push_back(i);
  for (std::uint32_t i = 60; i < 84; ++i) expected.push_back(i);
  EXPECT_EQ(made.shows[0], expected);
}

TEST(PlanRate, MillisecondStampsOfMatroskaAreThinnedEvenly) {
  // 16 and 17 ms in turn: far from steady by the 2 % rule, but every second frame is kept all the same.
  SourceBuilder source = clip().base({1, 10000}).at(60).frames(1);
  for (int i = 1; i < 300; ++i) source.frame_after((i * 1000 / 60 - (i - 1) * 1000 / 60) * 10);
  const Plan made = plan(source.facts(), profile_with({limited("a", {30, 1})}));
  for (std::size_t i = 0; i < made.shows[0].size(); ++i) ASSERT_EQ(made.shows[0][i], 2 * i);
  EXPECT_EQ(made.renditions[0].encoder.frame_rate, (Rational{30, 1}));
}

TEST(PlanRate, JitterDoesNotLiftTheMeanAboveTheLimit) {
  SourceBuilder source = clip().at(60).frames(1);
  for (int i = 1; i < 3000; ++i) source.frame_after(i % 2 == 1 ? 2000 : 700);  // 66.7 frames/s, pairs 30 ms apart
  const Plan made = plan(source.facts(), profile_with({limited("a", {30, 1})}));
  const double seconds = Timestamp{times(made).back(), {1, 90000}}.seconds();
  EXPECT_LE(static_cast<double>(made.shows[0].size() - 1) / seconds, 30 * 1.011);
}

TEST(PlanRate, OddRatesAreToldInThousandthsWithinBounds) {
  EXPECT_EQ(plan(clip().at({21, 2}).frames(100).facts()).renditions[0].encoder.frame_rate, (Rational{21, 2}));
  EXPECT_EQ(plan(clip().at({1, 20}).frames(5).facts()).renditions[0].encoder.frame_rate, (Rational{1, 1}));
  EXPECT_EQ(plan(clip().at(1000).frames(5).facts()).renditions[0].encoder.frame_rate, (Rational{240, 1}));
}

TEST(PlanRate, RenditionsOfDifferentRatesAreCutAtTheSameTimes) {
  const Profile profile = profile_with({rendition("full"), limited("half", {30, 1}), limited("third", {20, 1})});
  const Plan made = plan(clip().at(60).frames(1800).closed_gops(60).facts(), profile);
  EXPECT_THAT(tasks(made), ElementsAre("0-600 0-300 0-200 of packets 0-731", "600-1200 300-600 200-400 of packets 600-1331",
                                       "1200-1800 600-900 400-600 of packets 1200-1800"));
  EXPECT_EQ(keys(made, 1), every(60, 900));
  EXPECT_EQ(keys(made, 2), every(40, 600));
}

TEST(PlanRate, ASegmentThatARenditionHasNoFrameInJoinsTheOneBefore) {
  // After 10 s of 60 frames/s come three frames 6 s apart; of the one-frame-in-15-seconds rendition none is at
  // 10..20 s.
  SourceBuilder source = clip().at(60).frames(600);
  for (int i = 0; i < 3; ++i) source.frame_after(6 * 90000);
  const Plan made = plan(source.closed_gops(60).facts(), profile_with({rendition("full"), limited("slow", {1, 15})}));
  EXPECT_THAT(times(made, 1), ElementsAre(0, (15 * 60 + 59) * 1500));
  EXPECT_EQ(made.tasks.size(), 1U);
}

// ---- Audio ----

TEST(PlanAudio, LateAudioStartsLateAndTheFrameAtZero) {
  const Plan made = plan(clip().at(25).frames(100).audio_after(40).facts());
  EXPECT_EQ(times(made).front(), 0);
  EXPECT_EQ(made.renditions[0].file.audio_tracks.at(0).task.first_sample, 1920);
  EXPECT_DOUBLE_EQ(made.seconds, 4.04);
}

TEST(PlanAudio, EarlyAudioIsAtZeroAndMovesTheFrameAndItsGrid) {
  const Plan made = plan(clip().at(25).frames(150).audio_after(-20).facts());
  EXPECT_EQ(times(made)[0], 1800);
  EXPECT_EQ(made.renditions[0].file.audio_tracks.at(0).task.first_sample, 0);
  // Frame 50 is at 2.02 s; the first at or after 2 s, as is 100 of 4 s.
  EXPECT_THAT(keys(made), ElementsAre(0, 50, 100));
  EXPECT_DOUBLE_EQ(made.seconds, 6.02);
}

TEST(PlanAudio, FramesJustBeforeTheGridAreNotKeys) {
  // 40 ms before: frame 49 is at 2.0 s.
  EXPECT_THAT(keys(plan(clip().at(25).frames(150).audio_after(-40).facts())), ElementsAre(0, 49, 99, 149));
}

// The frame moves by whole ticks; what a tick is longer than the audio is early, the audio begins after 0.
TEST(PlanAudio, OffsetsAreRightToHalfASample) {
  AudioTrack early = test::stereo(44100);
  early.starts_after_video.ticks = -7;  // 14.29 ticks of 1/90000 s
  EXPECT_EQ(times(plan(clip().frames(50).audio(early).facts()))[0], 15);
  EXPECT_EQ(plan(clip().frames(50).audio(early).facts()).renditions[0].file.audio_tracks.at(0).task.first_sample, 0);
  const Plan coarse = plan(clip().base({1, 10'000}).frames(50).audio(early).facts());
  EXPECT_EQ(times(coarse)[0], 2);
  EXPECT_EQ(coarse.renditions[0].file.audio_tracks.at(0).task.first_sample, 2);  // 8.82 - 7
  early.starts_after_video = {-1'102'500, {1, 44'100'000}};                      // 25 ms, which are 1102.5 samples
  const Plan exact = plan(clip().base({1, 10'000}).frames(50).audio(early).facts());
  EXPECT_EQ(times(exact)[0], 250);
  EXPECT_EQ(exact.renditions[0].file.audio_tracks.at(0).task.first_sample, 0);
  AudioTrack late = test::stereo(32000);
  late.starts_after_video.ticks = 5;  // 7.5 samples at 48 kHz
  EXPECT_EQ(plan(clip().frames(50).audio(late).facts()).renditions[0].file.audio_tracks.at(0).task.first_sample, 8);
}

TEST(PlanAudio, AudioThatIsNotCarriedMovesNothing) {
  Profile profile = one_rendition();
  profile.audio.reset();
  const Plan made = plan(clip().frames(50).audio_after(-500).facts(), profile);
  EXPECT_EQ(times(made)[0], 0);
  EXPECT_THAT(made.renditions[0].file.audio_tracks, IsEmpty());
  EXPECT_THAT(made.notes, ElementsAre("audio is not carried: profile test has none"));
}

TEST(PlanAudio, RatesAndChannelsFollowTheRules) {
  const auto audio = [](AudioCodec codec, int wanted, int rate, int channels) {
    Profile profile = one_rendition();
    profile.audio = AudioProfile{.codec = codec, .channels = wanted};
    AudioTrack track = test::stereo(rate);
    track.channels = channels;
    const AudioTask task = plan(clip().frames(50).audio(track).facts(), profile).renditions[0].file.audio_tracks.at(0).task;
    return std::pair(task.sample_rate, task.channels);
  };
  using Pair = std::pair<int, int>;
  for (const int rate : {11025, 22050, 44100, 88200, 176400})
    EXPECT_EQ(audio(AudioCodec::kAac, 2, rate, 2), (Pair{44100, 2})) << rate;
  for (const int rate : {8000, 16000, 32000, 48000, 96000, 37800})
    EXPECT_EQ(audio(AudioCodec::kAac, 2, rate, 2), (Pair{48000, 2})) << rate;
  EXPECT_EQ(audio(AudioCodec::kOpus, 2, 44100, 2), (Pair{48000, 2}));
  EXPECT_EQ(audio(AudioCodec::kAac, 1, 48000, 6), (Pair{48000, 1}));
  EXPECT_EQ(audio(AudioCodec::kAac, 2, 48000, 1), (Pair{48000, 1}));
  EXPECT_EQ(audio(AudioCodec::kAac, 6, 48000, 1), (Pair{48000, 1}));
  for (const int channels : {2, 3, 4, 5}) EXPECT_EQ(audio(AudioCodec::kAac, 6, 48000, channels), (Pair{48000, 2})) << channels;
  for (const int channels : {6, 8}) EXPECT_EQ(audio(AudioCodec::kAac, 6, 48000, channels), (Pair{48000, 6})) << channels;
}

TEST(PlanAudio, OneTrackIsCarriedAndTheOthersAreNamed) {
  AudioTrack german = test::stereo(), commentary = test::stereo(), hostile = test::stereo();
  german.language = "deu";
  hostile.language = "x\x1b[31m";
  SourceFacts source = clip().frames(50).audio(test::stereo()).audio(german).audio(commentary).audio(hostile).facts();
  source.audio_chosen = 2;
  const Plan made = plan(source);
  EXPECT_THAT(made.notes,
              ElementsAre("audio track 1 is not carried", "audio track 2 (deu) is not carried", "audio track 4 is not carried"));
  EXPECT_EQ(made.tasks[0].run, (PacketRun{3, 0, 1000}));
  EXPECT_EQ(encode(task_request(made, source, one_rendition(), 0)),
            encode(TaskRequest{.audio = made.renditions[0].file.audio_tracks.at(0).task}));
}

// An English clip with a commentary, dubbed twice; English starts 10 ms early, German 30 ms.
SourceFacts dubbed() {
  SourceBuilder source = clip().at(25).frames(100);
  for (const char* language : {"fre", "eng", "en", "ger"}) {
    AudioTrack track = test::stereo();
    track.language = language;
    if (track.language == "eng") track.starts_after_video.ticks = -480;
    if (track.language == "ger") track.starts_after_video.ticks = -1440;
    track.title = track.language == "en" ? "Director's\acommentary" : "";
    source.audio(track);
  }
  SourceFacts facts = source.facts();
  facts.audio_chosen = 1;
  return facts;
}

// "deu at 0 of stream 4", and the stream its task reads.
std::vector<std::string> audio_tracks_of(const Plan& plan) {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < plan.renditions[0].file.audio_tracks.size(); ++i) {
    const PlannedAudio& audio = plan.renditions[0].file.audio_tracks[i];
    EXPECT_EQ(plan.tasks[i].kind, PlannedTask::Kind::kAudio);
    lines.push_back(audio.language + " at " + std::to_string(audio.task.first_sample) + " of stream " +
                    std::to_string(plan.tasks[i].run.stream));
  }
  return lines;
}

Profile with_tracks(TrackChoice tracks, std::vector<std::string> languages = {}) {
  Profile profile = one_rendition();
  profile.audio->tracks = tracks;
  profile.audio->languages = std::move(languages);
  return profile;
}

TEST(PlanAudio, AllTracksKeepTheirOffsetsAndTheDefaultIsFirst) {
  const SourceFacts source = dubbed();
  const Plan made = plan(source, with_tracks(TrackChoice::kAll));
  EXPECT_THAT(audio_tracks_of(made), ElementsAre("eng at 960 of stream 2", "fra at 1440 of stream 1", "eng at 1440 of stream 3",
                                                 "deu at 0 of stream 4"));
  EXPECT_EQ(times(made)[0], 2700);
  EXPECT_EQ(made.renditions[0].file.audio_tracks[2].title, "Director's commentary");
  EXPECT_THAT(made.notes, IsEmpty());
  for (std::uint32_t task = 0; task < 4; ++task) {
    EXPECT_EQ(task_request(made, source, with_tracks(TrackChoice::kAll), task).audio->first_sample,
              made.renditions[0].file.audio_tracks[task].task.first_sample);
  }
  EXPECT_EQ(made.tasks[4].kind, PlannedTask::Kind::kSegment);
}

TEST(PlanAudio, ListedLanguagesAreFoundHoweverTheyAreSpeltAndTheFirstPlays) {
  const Plan made = plan(dubbed(), with_tracks(TrackChoice::kLanguages, {"de", "eng"}));
  EXPECT_THAT(audio_tracks_of(made), ElementsAre("deu at 0 of stream 4", "eng at 960 of stream 2", "eng at 1440 of stream 3"));
  EXPECT_THAT(made.notes, ElementsAre("audio track 1 (fre) is not carried"));
  const Plan english = plan(dubbed(), with_tracks(TrackChoice::kLanguages, {"en"}));
  EXPECT_THAT(audio_tracks_of(english), ElementsAre("eng at 0 of stream 2", "eng at 480 of stream 3"));
}

TEST(PlanAudio, WhereNoLanguageIsThereTheDefaultIsCarried) {
  const Plan made = plan(dubbed(), with_tracks(TrackChoice::kLanguages, {"jpn", "ko"}));
  EXPECT_THAT(audio_tracks_of(made), ElementsAre("eng at 0 of stream 2"));
  EXPECT_THAT(made.notes, ::testing::Contains("no audio is tagged as one of jpn, ko: the default track is carried"));
}

TEST(PlanAudio, AudioTracksWithoutFrameKeepTheirOffsets) {
  AudioTrack late = test::stereo(44100, 3);
  late.starts_after_video.ticks = 22050;
  const Plan made = plan(clip().no_video().audio(late).audio(test::stereo(48000, 3)).facts(), with_tracks(TrackChoice::kAll));
  EXPECT_THAT(audio_tracks_of(made), ElementsAre("und at 22050 of stream 1", "und at 0 of stream 2"));
  EXPECT_DOUBLE_EQ(made.seconds, 3.5);
}

TEST(PlanAudio, ASourceWithoutFrameBecomesOneAudioRendition) {
  const Plan made = plan(clip().no_video().audio(test::stereo(44100, 12)).facts());
  ASSERT_EQ(made.renditions.size(), 1U);
  EXPECT_EQ(made.outputs[0].path, "clip_audio.mp4");
  EXPECT_FALSE(made.renditions[0].file.has_video);
  EXPECT_THAT(made.renditions[0].file.audio_tracks, SizeIs(1));
  EXPECT_THAT(tasks(made), ElementsAre("audio of packets 0-1000"));
  EXPECT_THAT(made.notes, ElementsAre("the source has no video: one rendition, audio, carries its audio"));
  EXPECT_DOUBLE_EQ(made.seconds, 12);
}

TEST(PlanAudio, AAudioProfileLeavesTheFrameAndItsOffset) {
  const Plan made = plan(clip().frames(50).audio_after(300).facts(), test::audio_profile());
  EXPECT_THAT(tasks(made), ElementsAre("audio of packets 0-1000"));
  EXPECT_EQ(made.outputs[0].path, "clip_audio.mp4");
  EXPECT_EQ(made.renditions[0].file.audio_tracks.at(0).task.first_sample, 0);
  EXPECT_THAT(made.notes, ElementsAre("the video is not carried: profile test is for audio only"));
}

// ---- What is refused ----

TEST(PlanRefusal, NothingToCarry) {
  EXPECT_EQ(refusal(clip().no_video().facts()), (Fault{FaultKind::kInput, "the source has neither video nor audio"}));
  EXPECT_EQ(refusal(clip().facts()), (Fault{FaultKind::kInput, "no frame of the video track can be decoded"}));
  EXPECT_EQ(refusal(clip().frames(50).facts(), test::audio_profile()),
            (Fault{FaultKind::kInput, "the source has no audio, and profile test carries nothing else"}));
  Profile silent = one_rendition();
  silent.audio.reset();
  EXPECT_EQ(refusal(clip().no_video().audio(test::stereo()).facts(), silent),
            (Fault{FaultKind::kInput, "the source has no video, and profile test carries nothing else"}));
}

TEST(PlanRefusal, AnEmptyAudioTrackIsLeftOutWithANote) {
  AudioTrack empty = test::stereo();
  empty.packets = 0;
  empty.channels = 0;
  const Plan made = plan(clip().frames(50).audio(empty).facts());
  EXPECT_THAT(made.renditions[0].file.audio_tracks, IsEmpty());
  EXPECT_THAT(made.notes, ElementsAre("audio track 1 is empty"));
}

TEST(PlanRefusal, FactsBeyondLimitsOrAtOddsWithThemselves) {
  using Spoil = std::function<void(SourceFacts&)>;
  const std::vector<std::pair<std::string, Spoil>> cases = {
      {"larger than the limit", [](SourceFacts& s) { s.video->width = 9000; }},
      {"larger than the limit", [](SourceFacts& s) { s.video->width = s.video->height = 8000; }},
      {"no size", [](SourceFacts& s) { s.video->height = 0; }},
      {"no length of time", [](SourceFacts& s) { s.video->base = {0, 1}; }},
      {"no length of time", [](SourceFacts& s) { s.video->base = {1, 1LL << 40}; }},
      {"no ratio", [](SourceFacts& s) { s.video->sample_aspect = {-1, 1}; }},
      {"quarter turns", [](SourceFacts& s) { s.video->orientation.quarter_turns = 4; }},
      {"count from the first", [](SourceFacts& s) { s.video->frames[0].pts = -1; }},
      {"do not rise", [](SourceFacts& s) { s.video->frames[5].pts = s.video->frames[4].pts; }},
      {"not there", [](SourceFacts& s) { s.video->frames[5].packet = s.video->packets; }},
      {"holds two frames", [](SourceFacts& s) { s.video->frames[5].packet = s.video->frames[4].packet; }},
      {"more than the limit", [](SourceFacts& s) { s.video->packets = 4'000'000'000U; }},
      {"longer than the limit", [](SourceFacts& s) { s.video->frames.back().pts = 27LL * 3600 * 90000; }},
      {"longer than the limit", [](SourceFacts& s) { s.video->last_duration = INT64_MAX; }},
      {"never shown", [](SourceFacts& s) { s.video->last_duration = 0; }},
      {"key packet that is not there", [](SourceFacts& s) { s.video->keys.push_back({.packet = 50}); }},
      {"not in file order", [](SourceFacts& s) { s.video->keys.assign(2, {.packet = 1}); }},
      {"not supported", [](SourceFacts& s) { s.audio[0].sample_rate = 0; }},
      {"not supported", [](SourceFacts& s) { s.audio[0].channels = 1000; }},
      {"more than a day apart", [](SourceFacts& s) { s.audio[0].starts_after_video.ticks = INT64_MIN; }},
      {"lasts longer", [](SourceFacts& s) { s.audio[0].seconds = 1e9; }},
      {"lasts longer", [](SourceFacts& s) { s.audio[0].seconds = std::numeric_limits<double>::quiet_NaN(); }},
      {"chosen audio track", [](SourceFacts& s) { s.audio_chosen = 1; }},
      {"more than the limit of 64", [](SourceFacts& s) { s.audio.resize(64, s.audio[0]); }},
  };
  for (const auto& [reason, spoil] : cases) {
    SourceFacts source = clip().frames(50).audio_after(0).facts();
    spoil(source);
    const Fault fault = refusal(source);
    EXPECT_EQ(fault.kind, FaultKind::kInput) << reason;
    EXPECT_THAT(fault.text, HasSubstr(reason));
  }
}

// ---- What encoders are told ----

TEST(PlanEncoder, SettingsAreThoseOfTheRenditionAndTheSource) {
  RenditionProfile wanted = rendition("source");
  wanted.rate = {.bitrate = 2'000'000, .maxrate = 3'000'000, .bufsize = 4'000'000};
  wanted.encoder_options = {{"aq-mode", "2"}};
  const Colour colour{.primaries = 1, .transfer = 2, .matrix = 6, .full_range = true, .chroma_location = 1};
  const SourceFacts source = clip().at({24000, 1001}).frames(480).colour(colour).facts();
  const Plan made = plan(source, profile_with({wanted}));
  const EncoderSettings& encoder = made.renditions[0].encoder;
  EXPECT_EQ(encoder.colour, (Colour{.primaries = 1, .transfer = 2, .matrix = 6, .full_range = false, .chroma_location = 1}));
  EXPECT_EQ(encoder.frame_rate, (Rational{24000, 1001}));
  EXPECT_EQ(std::pair(encoder.width, encoder.height), std::pair(1280, 720));
  EXPECT_EQ(encoder.options, wanted.encoder_options);
  EXPECT_EQ(made.renditions[0].file.maxrate, 3'000'000);
  EXPECT_EQ(made.renditions[0].file.bufsize, 4'000'000);
  EXPECT_EQ(made.outputs[0].path, "clip_source.mp4");
  for (std::uint32_t i = 0; i < made.tasks.size(); ++i) {
    if (made.tasks[i].kind == PlannedTask::Kind::kMeasure) continue;
    const VideoTask task = *task_request(made, source, profile_with({wanted}), i).video;
    EXPECT_EQ(encode(task.renditions[0].encoder), encode(encoder));
    EXPECT_TRUE(task.colour.full_range);
  }
}

TEST(PlanEncoder, LookaheadFollowsCodecPresetAndOptions) {
  const auto frames = [](VideoCodec codec, const std::string& preset, std::map<std::string, std::string> options = {}) {
    return lookahead_frames({.encoder = encoder_for(codec), .preset = preset, .options = std::move(options)});
  };
  EXPECT_EQ(frames(VideoCodec::kH264, "ultrafast"), 2U);
  EXPECT_EQ(frames(VideoCodec::kH264, "veryfast"), 15U);
  EXPECT_EQ(frames(VideoCodec::kH264, "medium"), 45U);
  EXPECT_EQ(frames(VideoCodec::kH264, "veryslow"), 70U);
  EXPECT_EQ(frames(VideoCodec::kH264, ""), 45U);
  EXPECT_EQ(frames(VideoCodec::kH264, "medium", {{"rc-lookahead", "20"}}), 25U);
  EXPECT_EQ(frames(VideoCodec::kH264, "medium", {{"rc-lookahead", "-1"}}), 45U);
  EXPECT_EQ(frames(VideoCodec::kH264, "medium", {{"rc-lookahead", "20"}, {"x264-params", "aq-mode=2:rc-lookahead=30:bframes=0"}}),
            32U);
  EXPECT_EQ(frames(VideoCodec::kH264, "medium", {{"x264-params", "rc-lookahead=::=:rc-lookahead"}}), 45U);
  EXPECT_EQ(frames(VideoCodec::kH264, "medium", {{"x264-params", "rc-lookahead=4000000000"}}), kLookaheadFramesMax);
  EXPECT_EQ(frames(VideoCodec::kH264, "medium", {{"tune", "zerolatency"}}), 2U);
  EXPECT_EQ(frames(VideoCodec::kHevc, "medium"), 26U);
  EXPECT_EQ(frames(VideoCodec::kHevc, "slower", {{"x265-params", "rc-lookahead=50"}}), 60U);
  EXPECT_EQ(frames(VideoCodec::kAv1, "8"), 33U);
  EXPECT_EQ(frames(VideoCodec::kVp9, "good"), 0U);
}

TEST(PlanEncoder, CostsWeighPixelsFramesAndCodecs) {
  RenditionProfile hevc = rendition("hevc");
  hevc.codec = VideoCodec::kHevc;
  const Plan made =
      plan(clip().at(25).frames(500).closed_gops(50).audio_after(0).facts(), profile_with({rendition("h264"), hevc}));
  ASSERT_EQ(made.tasks.size(), 3U);
  EXPECT_DOUBLE_EQ(made.tasks[0].cost, 20 / 60.0);
  double frame = 0;
  for (const PlannedRendition& rendition : made.renditions) frame += encode_seconds(rendition.encoder);
  EXPECT_DOUBLE_EQ(made.tasks[1].cost, 250 * frame);
  EXPECT_GT(encode_seconds(made.renditions[1].encoder), encode_seconds(made.renditions[0].encoder));
  EXPECT_EQ(made.tasks[0].outputs, 1U);
  EXPECT_EQ(made.tasks[1].outputs, 2U);
  EXPECT_DOUBLE_EQ(made.tasks[1].media_seconds, 10);
}

}  // namespace
}  // namespace gopmill
