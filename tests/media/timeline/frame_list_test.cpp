#include "media/timeline/frame_list.h"

#include <gmock/gmock.h>

namespace gopmill {
namespace {

using testing::ElementsAre;

constexpr Rational kMilliseconds{1, 1000};

PacketFacts packet(std::int64_t pts) {
  return {.pts = pts, .dts = pts, .duration = 40, .key = false, .clean = false, .visible = true, .discard = false};
}
PacketFacts key(std::int64_t pts) {
  PacketFacts facts = packet(pts);
  facts.key = facts.clean = true;
  return facts;
}
PacketFacts hidden(std::int64_t pts) {
  PacketFacts facts = packet(pts);
  facts.visible = false;
  return facts;
}
PacketFacts discarded(std::int64_t pts) {
  PacketFacts facts = packet(pts);
  facts.discard = true;
  return facts;
}
PacketFacts timeless(std::int64_t dts) {
  PacketFacts facts = packet(INT64_MIN);
  facts.dts = dts;
  return facts;
}

std::vector<std::pair<std::int64_t, std::uint32_t>> frames(const SourceFrameList& list) {
  std::vector<std::pair<std::int64_t, std::uint32_t>> all;
  for (const SourceFrame& frame : list.frames) all.emplace_back(frame.pts, frame.packet);
  return all;
}

TEST(RefinedBase, TicksAreAtMostATenthOfAMillisecondAndIntegerTimescales) {
  EXPECT_EQ(refined_base({1, 1000}).den, 10'000);
  EXPECT_EQ(refined_base({1, 90'000}).den, 90'000);
  EXPECT_EQ(refined_base({1, 12'288}).den, 12'288);
  EXPECT_EQ(refined_base({1001, 30'000}).den, 30'000);
  EXPECT_EQ(refined_base({1, 25}).den, 10'000);
  EXPECT_EQ(refined_base({1, 10'000'000}).den, 1'000'000);
  EXPECT_EQ(refined_base({0, 1}).den, 90'000);
}

TEST(FrameList, SortsReorderedPacketsByTimeAndCountsFromTheFirstFrame) {
  const std::vector<PacketFacts> packets{key(1000), packet(1120), packet(1040), packet(1080)};
  const SourceFrameList list = list_frames(packets, kMilliseconds, {{0, 2, 3, 1}, {}, false});
  EXPECT_THAT(frames(list), ElementsAre(std::pair(0, 0U), std::pair(400, 2U), std::pair(800, 3U), std::pair(1200, 1U)));
  EXPECT_EQ(list.first_raw, 1000);
  EXPECT_EQ(list.last_duration, 400);
}

TEST(FrameList, ARecordingThatStartsInsideAGopBeginsWithItsFirstDecodedFrame) {
  const std::vector<PacketFacts> packets{packet(0), packet(40), key(120), packet(80), packet(160)};
  const SourceFrameList list = list_frames(packets, kMilliseconds, {{2, 4}, {}, false});
  EXPECT_THAT(frames(list), ElementsAre(std::pair(0, 2U), std::pair(400, 4U)));
  EXPECT_EQ(list.undecodable_head, 3U);
}

TEST(FrameList, HiddenAndDiscardedPacketsShowNothing) {
  const std::vector<PacketFacts> packets{discarded(-40), key(0), hidden(20), packet(40)};
  const SourceFrameList list = list_frames(packets, kMilliseconds, {{0, 1, 3}, {}, false});
  EXPECT_THAT(frames(list), ElementsAre(std::pair(0, 1U), std::pair(400, 3U)));
}

TEST(FrameList, DoubledTimestampsAreMovedApartByATick) {
  const std::vector<PacketFacts> packets{key(0), packet(40), packet(40), packet(40), packet(80)};
  const SourceFrameList list = list_frames(packets, kMilliseconds, {{0, 1, 2, 3, 4}, {}, true});
  EXPECT_THAT(frames(list),
              ElementsAre(std::pair(0, 0U), std::pair(400, 1U), std::pair(401, 2U), std::pair(402, 3U), std::pair(800, 4U)));
  EXPECT_EQ(list.moved, 2U);
}

TEST(FrameList, TheDecodersOrderIsTheTruthWhereTheClockJumpsBack) {
  const std::vector<PacketFacts> packets{key(0), packet(80), packet(40), packet(120)};
  const SourceFrameList list = list_frames(packets, kMilliseconds, {{0, 1, 2, 3}, {}, true});
  EXPECT_THAT(frames(list), ElementsAre(std::pair(0, 0U), std::pair(400, 1U), std::pair(800, 2U), std::pair(1200, 3U)));
}

TEST(FrameList, WithoutTimestampsAFrameIsShownWhenTheDecoderGivesItOut) {
  const std::vector<PacketFacts> packets{timeless(0), timeless(2), timeless(3), timeless(4)};
  const SourceFrameList list = list_frames(packets, {1, 25}, {{0, 2, 1, 3}, {1, 2, 3, kAtTheEnd}, true});
  EXPECT_THAT(frames(list), ElementsAre(std::pair(0, 0U), std::pair(400, 2U), std::pair(800, 1U), std::pair(1200, 3U)));
  EXPECT_EQ(list.first_raw, 2);
}

TEST(FrameList, AnAbsurdLastDurationIsReplacedByTheMedianDistance) {
  std::vector<PacketFacts> packets{key(0), packet(40), packet(80), packet(120)};
  packets.back().duration = 3'600'000;
  EXPECT_EQ(list_frames(packets, kMilliseconds, {{0, 1, 2, 3}, {}, false}).last_duration, 400);
}

TEST(WhyPacketsDoNotTell, IsEmptyForAnHonestTrack) {
  const std::vector<PacketFacts> packets{key(0), packet(120), packet(40), packet(80), packet(160)};
  EXPECT_EQ(why_packets_do_not_tell(packets, {{0, 2, 3, 1, 4}, {}, true}), "");
  EXPECT_EQ(why_packets_do_not_tell(packets, {{0, 2, 3, 1}, {}, false}), "");
}

TEST(WhyPacketsDoNotTell, NamesEachWayAPacketCanLie) {
  EXPECT_EQ(why_packets_do_not_tell({key(0), timeless(40)}, {{0, 1}, {}, true}), "packets without timestamps");
  EXPECT_EQ(why_packets_do_not_tell({key(0), packet(40), packet(40)}, {{0, 1, 2}, {}, true}), "packets that share a timestamp");
  EXPECT_EQ(why_packets_do_not_tell({key(0), packet(20), packet(40)}, {{0, 2}, {}, true}),
            "packets that give no frame of their own");
  EXPECT_EQ(why_packets_do_not_tell({key(0), packet(40)}, {{0, 1, 1}, {}, true}), "packets that give more than one frame");
  EXPECT_EQ(why_packets_do_not_tell({key(0), packet(80), packet(40)}, {{0, 1, 2}, {}, true}),
            "frames that come out of the order of their timestamps");
}

}  // namespace
}  // namespace gopmill
