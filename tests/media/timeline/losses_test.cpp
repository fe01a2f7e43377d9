#include "media/timeline/losses.h"

#include <gmock/gmock.h>

#include "media/timeline/wanted.h"

namespace gopmill {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Rational kMilliseconds{1, 1000};
constexpr Rational kEighths{1, 8};  // exact as floating point

// Key packets every ten frames of 125 ms, shown in the order of decoding.
std::vector<PacketFacts> clip(std::uint32_t frames) {
  std::vector<PacketFacts> packets;
  for (std::uint32_t i = 0; i < frames; ++i)
    packets.push_back({.pts = i, .dts = i, .duration = 1, .key = i % 10 == 0, .clean = i % 10 == 0});
  return packets;
}

DecodedFrames all_but(std::uint32_t frames, const std::vector<std::uint32_t>& missing) {
  DecodedFrames decoded{.whole = true};
  for (std::uint32_t i = 0; i < frames; ++i) {
    if (std::ranges::find(missing, i) == missing.end()) decoded.shown.push_back(i);
  }
  return decoded;
}

TEST(LossList, JoinsWhatTouches) {
  LossList list;
  list.add({DamageKind::kFrames, 1.0, 1.04, 1, "why"});
  list.add({DamageKind::kConcealed, 1.0, 1.04, 1, ""});
  list.add({DamageKind::kFrames, 1.04, 1.08, 1, ""});
  list.add({DamageKind::kFrames, 2.0, 2.04, 1, ""});
  EXPECT_THAT(list.all(),
              ElementsAre(Loss{DamageKind::kFrames, 1.0, 1.08, 2, "why"}, Loss{DamageKind::kConcealed, 1.0, 1.04, 1, ""},
                          Loss{DamageKind::kFrames, 2.0, 2.04, 1, ""}));
}

TEST(LossList, IsBoundedAndLeavesNothingOut) {
  LossList list;
  for (int i = 0; i < 1000; ++i) list.add({DamageKind::kAudio, i * 1.0, i + 0.5, 1, ""});
  EXPECT_THAT(list.all(), SizeIs(kLossesMax));
  EXPECT_EQ(list.all().back().to, 999.5);
  EXPECT_EQ(list.all().back().count, 1000 - kLossesMax + 1);
}

TEST(Refusal, SaysWhatIsMissingAndWhatToDo) {
  const std::vector<Loss> losses(5, {DamageKind::kFrames, 4.004, 4.471, 15, "Invalid NAL unit size"});
  EXPECT_EQ(refusal({losses.front()}),
            "15 frames from 4.004 s to 4.471 s cannot be decoded: Invalid NAL unit size. Get a whole copy of it, or take what is "
            "there with --salvage, which lists every loss in the report");
  EXPECT_THAT(refusal(losses), HasSubstr("; and 2 more places. "));
}

TEST(FrameLosses, AreFramesThatDoNotComeAfterDamage) {
  const auto packets = clip(40);
  EXPECT_THAT(
      frame_losses(packets, all_but(40, {12, 13, 14}), {.refused = {12}, .concealed = {15}, .reason = "bad"}, kEighths, 0),
      ElementsAre(Loss{DamageKind::kFrames, 1.5, 1.875, 3, "bad"}, Loss{DamageKind::kConcealed, 1.875, 2, 1, "bad"}));
}

TEST(FrameLosses, AreNoneWhereTheTrackNeverShowsThem) {
  EXPECT_THAT(frame_losses(clip(40), all_but(40, {12, 22}), {}, kEighths, 0), IsEmpty());
  // Second fields: a damaged frame does not make them frames.
  DecodedFrames fields{.whole = true};
  for (std::uint32_t i = 0; i < 40; i += 2) fields.shown.push_back(i);
  EXPECT_THAT(frame_losses(clip(40), fields, {.concealed = {12}, .reason = "bad"}, kEighths, 0), SizeIs(1));
}

TEST(FrameLosses, OfALostKeyFrameAreAllThatNeededIt) {
  EXPECT_THAT(frame_losses(clip(40), all_but(40, {10, 11, 12, 13, 14, 15, 16, 17, 18, 19}), {.refused = {10}, .reason = "bad"},
                           kEighths, 0),
              ElementsAre(Loss{DamageKind::kFrames, 1.25, 2.5, 10, "bad"}));
}

TEST(FrameLosses, EndAtTheNextCleanKeyPacket) {
  EXPECT_THAT(frame_losses(clip(40), all_but(40, {12, 25}), {.refused = {12}, .reason = "bad"}, kEighths, 0),
              ElementsAre(Loss{DamageKind::kFrames, 1.5, 1.625, 1, "bad"}));
}

TEST(FrameLosses, AreNoneBeforeTheFirstKeyPacket) {
  auto packets = clip(40);
  packets[0].key = packets[0].clean = false;
  EXPECT_THAT(
      frame_losses(packets, all_but(40, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}), {.refused = {0, 1, 2}, .reason = "bad"}, kEighths, 10),
      IsEmpty());
}

TEST(MarkedLosses, AreWhatTheContainerMarks) {
  auto packets = clip(40);
  packets[7].corrupt = packets[8].corrupt = true;
  EXPECT_THAT(marked_losses(packets, kEighths, 0), ElementsAre(testing::Field(&Loss::count, 2U)));
}

VideoTask task_of(std::vector<std::uint32_t> sources) {
  VideoTask task;
  task.base = kMilliseconds;
  task.sources = std::move(sources);
  RenditionTask rendition;
  rendition.encoder.base = kMilliseconds;
  for (std::uint32_t i = 0; i < task.sources.size(); ++i) rendition.frames.push_back({.source = i, .pts = 1000 + i * 40});
  task.renditions.push_back(rendition);
  return task;
}

TEST(WantedFrames, NamesEveryFrameThatIsMissingOrDamaged) {
  const VideoTask task = task_of({5, 6, 7, 8, 9});
  WantedFrames wanted(task);
  EXPECT_EQ(wanted.take(5, false).use, WantedFrames::Use::kShow);
  EXPECT_EQ(wanted.take(4, true).use, WantedFrames::Use::kDrop);
  EXPECT_FALSE(wanted.any_damaged());
  EXPECT_EQ(wanted.take(8, true).use, WantedFrames::Use::kDrop);
  EXPECT_TRUE(wanted.any_damaged());
  EXPECT_EQ(wanted.take(9, false).use, WantedFrames::Use::kDrop) << "the job has failed: nothing more is encoded";
  const Fault fault = wanted.fault("bad");
  EXPECT_EQ(fault.kind, FaultKind::kInput);
  EXPECT_THAT(fault.text, AllOf(HasSubstr("2 frames from 1.040 s to 1.120 s cannot be decoded: bad"),
                                HasSubstr("the frame at 1.120 s is damaged: bad")));
}

TEST(WantedFrames, TakesDamageWhereItMay) {
  VideoTask task = task_of({5, 6, 7});
  task.cut_off = 7;
  WantedFrames cut(task);
  EXPECT_EQ(cut.take(7, true).use, WantedFrames::Use::kShow) << "the recording ends inside it";
  EXPECT_EQ(cut.take(6, true).use, WantedFrames::Use::kDrop);
  task.damage = Damage::kSalvage;
  WantedFrames salvaged(task);
  EXPECT_EQ(salvaged.take(6, true).use, WantedFrames::Use::kShow);
  EXPECT_EQ(salvaged.take(5, true).use, WantedFrames::Use::kShow);
  EXPECT_THAT(salvaged.losses("bad"), ElementsAre(Loss{DamageKind::kFrames, 1.08, 1.08, 1, "bad"}));
}

}  // namespace
}  // namespace gopmill
