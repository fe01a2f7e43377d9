// Sources that are broken, cut off, joined or on another clock, as the analysis and the audio see them.

#include <gmock/gmock.h>

#include <fcntl.h>

#include "media/steps/work.h"
#include "tests/support/clips.h"
#include "tests/support/damage.h"
#include "tests/support/parent_double.h"
#include "tests/support/seen.h"

namespace gopmill {
namespace {

using test::Clip;
using test::ClipAudio;
using test::ClipVideo;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Result<SourceFacts> look(const Fd& file, Damage damage = Damage::kRefuse, bool decode_all = false) {
  test::ParentDouble parent;
  return analyse(file.get(), {.decode_all = decode_all, .damage = damage}, parent.line());
}

std::string refused(const Result<SourceFacts>& facts) {
  EXPECT_FALSE(facts);
  if (facts) return "";
  EXPECT_EQ(facts.error().kind, FaultKind::kInput);
  return facts.error().text;
}

Clip clip(const std::string& container, Rational shift = {0, 1}) {
  return {.frame = ClipVideo{.width = 160, .height = 90, .b_frames = 0},
          .audio = ClipAudio{.kind = ClipAudio::Kind::kBeeps},
          .container = container,
          .muxer_options = container == "mp4" ? std::map<std::string, std::string>{{"moov_size", "20000"}}
                                              : std::map<std::string, std::string>{},
          .shift = shift};
}

std::vector<std::int64_t> steps_of(const VideoTrack& track) {
  std::vector<std::int64_t> steps;
  for (std::size_t i = 1; i < track.frames.size(); ++i) steps.push_back(track.frames[i].pts - track.frames[i - 1].pts);
  return steps;
}

TEST(Damage, OfAWholeFileThereIsNone) {
  for (const char* container : {"mp4", "matroska", "mpegts"}) {
    const auto facts = look(test::make_clip(clip(container)), Damage::kSalvage);
    ASSERT_TRUE(facts) << facts.error().text;
    EXPECT_THAT(facts->losses, IsEmpty()) << container;
    EXPECT_EQ(facts->video->frames.size(), 100U) << container;
  }
}

TEST(Damage, FramesThatDoNotDecodeAreNamed) {
  const Fd file = test::with_broken_packet(test::make_clip(clip("matroska")), Media::kVideo, 40);
  EXPECT_THAT(refused(look(file, Damage::kRefuse, true)),
              AllOf(HasSubstr("the frame at 1.600 s cannot be decoded"), HasSubstr("--salvage")));
  const auto facts = look(file, Damage::kSalvage);
  ASSERT_TRUE(facts) << facts.error().text;
  ASSERT_FALSE(facts->losses.empty());
  EXPECT_EQ(facts->losses[0].kind, DamageKind::kFrames);
  EXPECT_DOUBLE_EQ(facts->losses[0].from, 1.6);
  EXPECT_EQ(facts->losses[0].count, 1U);
  EXPECT_EQ(facts->video->frames.size(), 99U);
  EXPECT_EQ(facts->video->evidence, Evidence::kDecoded);
}

TEST(Damage, ConcealedFramesAreNamed) {
  const Fd file = test::with_scratched_packet(test::make_clip(clip("matroska")), Media::kVideo, 25);
  EXPECT_THAT(refused(look(file, Damage::kRefuse, true)), HasSubstr("the frame at 1.000 s is damaged"));
  const auto facts = look(file, Damage::kSalvage);
  ASSERT_TRUE(facts) << facts.error().text;
  EXPECT_THAT(facts->losses,
              ElementsAre(AllOf(Field(&Loss::kind, DamageKind::kConcealed), Field(&Loss::from, testing::DoubleEq(1.0)))));
  EXPECT_EQ(facts->video->frames.size(), 100U) << "a frame with a scratch is better than none";
  // No run of packets may begin at the scratched key frame.
  EXPECT_THAT(facts->video->keys, Each(Field(&KeyPacket::packet, testing::Ne(25U))));
}

TEST(Damage, AFileThatIsCutOffSaysSoAndIsTakenAsFarAsItGoes) {
  // The index and the room kept for it stand in front.
  const std::string whole = test::bytes_of(test::make_clip(clip("mp4")));
  constexpr std::size_t kInFront = 20'000;
  const Fd file = test::file_of(std::string_view(whole).substr(0, kInFront + (whole.size() - kInFront) * 6 / 10));
  EXPECT_THAT(refused(look(file)),
              AllOf(HasSubstr("the file is cut off after "), HasSubstr("packets its index lists"), HasSubstr("--salvage")));
  const auto facts = look(file, Damage::kSalvage);
  ASSERT_TRUE(facts) << facts.error().text;
  EXPECT_THAT(facts->losses,
              testing::Contains(AllOf(Field(&Loss::kind, DamageKind::kEnd), Field(&Loss::count, testing::Gt(10U)))));
  EXPECT_GT(facts->video->frames.size(), 40U);
  EXPECT_LT(facts->video->frames.size(), 70U);
}

TEST(Damage, ARecordingThatEndsInsideItsLastFrameIsWhole) {
  const std::string whole =
      test::bytes_of(test::make_clip({.frame = ClipVideo{.width = 320, .height = 180}, .container = "mpegts"}));
  for (const std::size_t missing : {188U * 3, 188U * 8 + 40, 188U * 20}) {
    const auto facts = look(test::file_of(std::string_view(whole).substr(0, whole.size() - missing)));
    ASSERT_TRUE(facts) << facts.error().text;
    EXPECT_GE(facts->video->frames.size(), 70U);
  }
}

TEST(Damage, AStreamWithoutContainerMayEndAnywhere) {
  const std::string whole =
      test::bytes_of(test::make_clip({.frame = ClipVideo{.width = 320, .height = 180}, .container = "h264"}));
  // Of the last frame only its slice header is left: where more is, CABAC may read to an end that looks like one.
  constexpr std::size_t kSliceHeader = 12;
  const std::size_t last = whole.rfind(std::string_view("\0\0\1", 3));
  ASSERT_GT(whole.size(), last + 2 * kSliceHeader);
  // With the delimiter of a frame that never came, and without the end of its last one.
  for (const std::string& file : {whole + std::string("\0\0\0\1\x09\x30", 6), whole.substr(0, last + kSliceHeader)}) {
    const auto facts = look(test::file_of(file));
    ASSERT_TRUE(facts) << facts.error().text;
    EXPECT_GE(facts->video->frames.size(), 99U);
    EXPECT_THAT(facts->notes, Contains(HasSubstr("the recording ends inside its last frame")));
    EXPECT_THAT(facts->notes, Contains(HasSubstr("at the rate that the stream names")));
  }
}

TEST(Damage, AHoleInABroadcastIsRefusedAndSalvaged) {
  std::string bytes = test::bytes_of(test::make_clip(clip("mpegts")));
  bytes.erase(bytes.size() / 188 / 2 * 188, 188 * 12);
  const Fd file = test::file_of(bytes);
  EXPECT_THAT(refused(look(file)), AllOf(HasSubstr("marks it as incomplete"), HasSubstr("--salvage")));
  const auto facts = look(file, Damage::kSalvage);
  ASSERT_TRUE(facts) << facts.error().text;
  EXPECT_FALSE(facts->losses.empty());
  EXPECT_GT(facts->video->frames.size(), 80U);
}

TEST(Damage, ASourceThatCannotBeReadIsNoShortSource) {
  const Fd file = test::make_clip(clip("mpegts"));
  const Fd blind(::open(("/proc/self/fd/" + std::to_string(file.get())).c_str(), O_WRONLY | O_CLOEXEC));
  const auto facts = look(blind);
  ASSERT_FALSE(facts);
  EXPECT_EQ(facts.error().kind, FaultKind::kNoInput);
  EXPECT_THAT(facts.error().text, HasSubstr("cannot be read"));
}

// Where each second's beep is heard, in the output's time.
std::vector<double> beeps_of(const Fd& file, const SourceFacts& facts) {
  AudioTask task;
  task.clock = facts.audio[0].clock;
  task.first_sample = std::max<std::int64_t>(0, facts.audio[0].starts_after_video.in({1, facts.audio[0].sample_rate}).ticks);
  const Fd journal = test::journal_of_track(file.get(), Media::kAudio);
  std::vector<Fd> outputs;
  outputs.push_back(*temporary_file());
  test::ParentDouble parent(outputs);
  const auto result = encode_audio(task, journal.get(), 0, outputs[0].get(), parent.line());
  EXPECT_TRUE(result) << result.error().text;
  StitchRequest request;
  request.plan.audio_tracks = {{.task = task}};
  const Fd mp4 = *temporary_file();
  EXPECT_TRUE(stitch(mp4.get(), request, parent.line()));
  return test::beeps_in(*test::look_at(mp4.get()).audio);
}

TEST(Clock, ARecordingMayStartAtAnyHour) {
  const Fd file = test::make_clip(clip("mpegts", {40'000, 1}));
  const auto facts = look(file);
  ASSERT_TRUE(facts) << facts.error().text;
  EXPECT_NEAR(facts->video->starts_at, 40'000, 2);
  EXPECT_EQ(facts->video->frames.size(), 100U);
  EXPECT_THAT(facts->audio[0].clock, IsEmpty());
}

TEST(Clock, JoinedRecordingsFollowEachOtherWithTheirAudio) {
  // Back by eleven hours, and then ahead by three.
  std::vector<Fd> parts;
  for (const std::int64_t start : {40'000, 100, 11'000}) parts.push_back(test::make_clip(clip("mpegts", {start, 1})));
  const Fd file = test::joined(parts);
  const auto facts = look(file);
  ASSERT_TRUE(facts) << facts.error().text;
  ASSERT_EQ(facts->video->frames.size(), 300U);
  EXPECT_THAT(steps_of(*facts->video), Each(testing::AllOf(testing::Ge(3500), testing::Le(3700))));
  EXPECT_THAT(facts->audio[0].clock, SizeIs(2));
  EXPECT_THAT(facts->notes, testing::Contains(HasSubstr("clock is set anew 2 times")));
  const auto at = [&](std::size_t frame) { return Timestamp{facts->video->frames[frame].pts, facts->video->base}.seconds(); };
  const std::vector<double> beeps = beeps_of(file, *facts);
  ASSERT_THAT(beeps, SizeIs(12));
  for (std::size_t i = 0; i < beeps.size(); ++i) EXPECT_NEAR(beeps[i] - at(i * 25), beeps[0] - at(0), 0.045) << i;
}

TEST(Clock, LostPartsOfAMovieAreNotClosed) {
  // Matroska's clock has no breaks: a minute without frames is a minute.
  ClipVideo frame{.width = 160, .height = 90, .b_frames = 0};
  for (int i = 0; i < 50; ++i) frame.pts.push_back(i < 25 ? i : i + 1500);
  const auto facts = look(test::make_clip({.frame = frame, .container = "matroska"}));
  ASSERT_TRUE(facts) << facts.error().text;
  const Timestamp last{facts->video->frames.back().pts, facts->video->base};
  EXPECT_NEAR(last.seconds(), 61.96, 0.01);
}

}  // namespace
}  // namespace gopmill
