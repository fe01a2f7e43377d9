#include "media/timeline/clock.h"

#include <gmock/gmock.h>

namespace gopmill {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Rational kClock{1, 90'000};
constexpr Rational kSamples{1, 48'000};
constexpr std::int64_t kFrame = 3600;  // 25 frames a second
constexpr std::int64_t kBlock = 1920;  // 25 blocks of audio a second

// Frames of one recording after the other, decoded and shown in the same order.
struct Recording {
  std::vector<PacketFacts> packets;
  Recording& go(double from, int frames) {
    const auto first = static_cast<std::int64_t>(from * 90'000);
    for (int i = 0; i < frames; ++i)
      packets.push_back({.pts = first + i * kFrame + 2 * kFrame, .dts = first + i * kFrame, .duration = kFrame, .key = i == 0});
    return *this;
  }
};

// Its audio: each block stands in the file beside its frame.
AudioTimes audio(const std::vector<std::pair<double, int>>& parts, std::uint32_t late = 0) {
  AudioTimes times{.base = kSamples};
  std::uint32_t before = late;
  for (const auto& [from, blocks] : parts) {
    for (int i = 0; i < blocks; ++i)
      times.packets.push_back(
          {static_cast<std::int64_t>(from * 48'000) + i * kBlock, static_cast<std::int32_t>(kBlock), before++});
  }
  return times;
}

std::vector<std::int64_t> times_of(const std::vector<PacketFacts>& packets) {
  std::vector<std::int64_t> times;
  for (const PacketFacts& packet : packets) times.push_back(packet.pts);
  return times;
}

std::vector<std::int64_t> joined(std::vector<PacketFacts> packets, const std::vector<ClockShift>& shifts) {
  join_epochs(packets, shifts);
  std::vector<std::int64_t> steps;
  for (std::size_t i = 1; i < packets.size(); ++i) steps.push_back(packets[i].pts - packets[i - 1].pts);
  return steps;
}

TEST(CountedTimes, AreThoseOfTheRateWhereNoPacketHasAny) {
  std::vector<PacketFacts> packets(4, PacketFacts{.duration = kFrame});
  packets[1].duration = 0;  // libav does not always know
  ASSERT_TRUE(count_times(packets, kClock));
  EXPECT_THAT(times_of(packets), ElementsAre(0, kFrame, kFrame + 3600, 2 * kFrame + 3600));
}

TEST(CountedTimes, AreNotMadeUpWhereOnePacketHasATime) {
  std::vector<PacketFacts> packets(2);
  packets[1].dts = 7;
  EXPECT_FALSE(count_times(packets, kClock));
  EXPECT_EQ(packets[0].pts, INT64_MIN);
}

TEST(FrameClock, IsOneWhereTimesRise) {
  EXPECT_THAT(frame_clock(Recording().go(40'000, 100).packets, kClock, true, {}), IsEmpty());
}

TEST(FrameClock, FollowsAClockThatGoesBackByHours) {
  const auto packets = Recording().go(40'000, 50).go(100, 50).packets;
  const auto shifts = frame_clock(packets, kClock, true, {});
  ASSERT_THAT(shifts, ElementsAre(ClockShift{50, (40'000 - 100) * 90'000LL + 50 * kFrame}));
  EXPECT_THAT(joined(packets, shifts), testing::Each(kFrame));
}

TEST(FrameClock, ClosesALeapOnlyWhereTheContainersClockMay) {
  const auto packets = Recording().go(10, 50).go(4000, 50).packets;
  const auto shifts = frame_clock(packets, kClock, true, {});
  EXPECT_THAT(joined(packets, shifts), testing::Each(kFrame));
  EXPECT_THAT(frame_clock(packets, kClock, false, {}), IsEmpty());
}

TEST(FrameClock, KeepsAShortGap) {
  EXPECT_THAT(frame_clock(Recording().go(10, 50).go(21, 50).packets, kClock, true, {}), IsEmpty());
}

TEST(FrameClock, KeepsAGapThatAudioGoesThrough) {
  const auto packets = Recording().go(10, 50).go(60, 50).packets;
  AudioTimes through{.base = kSamples};
  for (int i = 0; i < 52 * 25; ++i)
    through.packets.push_back(
        {10 * 48'000 + i * kBlock, static_cast<std::int32_t>(kBlock), i < 50 ? static_cast<std::uint32_t>(i) : 50U});
  EXPECT_THAT(frame_clock(packets, kClock, true, {through}), IsEmpty());
  EXPECT_EQ(frame_clock(packets, kClock, true, {audio({{10, 50}, {60, 50}})}).size(), 1U);
}

TEST(FrameClock, TakesASmallStepBackForTheMultiplexers) {
  auto packets = Recording().go(10, 50).packets;
  packets[20].dts = packets[19].dts - 900;
  EXPECT_THAT(frame_clock(packets, kClock, true, {}), IsEmpty());
}

TEST(FrameClock, ReadsReorderedPresentationTimesWithPatience) {
  std::vector<PacketFacts> packets;
  for (const std::int64_t frame : {0, 8, 4, 2, 6, 16, 12, 10, 14}) packets.push_back({.pts = frame * 18'000});
  EXPECT_THAT(frame_clock(packets, kClock, false, {}), IsEmpty());
}

TEST(FrameClock, SurvivesTimesThatNoClockShows) {
  std::vector<PacketFacts> packets = Recording().go(10, 3).packets;
  packets[1].pts = packets[1].dts = INT64_MAX / 4;
  packets[2].pts = packets[2].dts = INT64_MIN / 4;
  const auto shifts = frame_clock(packets, kClock, true, {});
  EXPECT_THAT(joined(packets, shifts), ElementsAre(kFrame, kFrame));
}

TEST(AudioClock, FollowsTheFramesEpochs) {
  const auto shifts = frame_clock(Recording().go(40'000, 50).go(100, 50).packets, kClock, true, {});
  const std::int64_t ticks = rescale(shifts[0].ticks, kClock, kSamples);
  EXPECT_THAT(audio_clock(audio({{40'000.1, 50}, {100.1, 50}}), shifts, kClock, false, true), ElementsAre(ClockShift{50, ticks}));
  // Audio of the new epoch may come before its first frame in the file, and after.
  EXPECT_THAT(audio_clock(audio({{40'000.1, 40}, {100.1, 50}}), shifts, kClock, false, true), ElementsAre(ClockShift{40, ticks}));
  EXPECT_THAT(audio_clock(audio({{40'000.1, 50}, {100.1, 50}}, 30), shifts, kClock, false, true),
              ElementsAre(ClockShift{50, ticks}));
}

TEST(AudioClock, KeepsItsPlaceInTheVideoAfterAGapAtTheJoin) {
  const auto shifts = frame_clock(Recording().go(40'000, 50).go(100, 200).packets, kClock, true, {});
  EXPECT_THAT(audio_clock(audio({{40'000, 50}, {105, 50}}), shifts, kClock, false, true),
              ElementsAre(ClockShift{50, rescale(shifts[0].ticks, kClock, kSamples)}));
}

TEST(AudioClock, HasItsOwnEpochsWhereThereIsNoFrame) {
  EXPECT_THAT(audio_clock(audio({{50, 50}, {3, 50}}), {}, kClock, true, false), ElementsAre(ClockShift{50, 49 * 48'000}));
  EXPECT_THAT(audio_clock(audio({{50, 50}, {49, 50}}), {}, kClock, false, false), IsEmpty());
}

TEST(ClockNote, SaysHowOftenAndHowFar) {
  EXPECT_EQ(clock_note({{50, 39'902 * 90'000LL}}, kClock),
            "the source's clock is set anew 1 time, first by -39902.000 s; what comes after follows without a gap");
}

}  // namespace
}  // namespace gopmill
