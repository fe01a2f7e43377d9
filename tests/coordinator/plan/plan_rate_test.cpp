#include "coordinator/plan/plan_rate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/plan_text.h"
#include "tests/support/source_builder.h"

namespace gopmill {
namespace {

using test::clip;
using test::plan;
using test::profile_with;
using test::rendition;

// A segment of ten seconds that takes so many bytes at CRF 20 and halves its size with every `halving` steps.
MeasuredSegment measured(double bytes, double halving = 6) {
  return {{static_cast<std::uint64_t>(bytes), static_cast<std::uint64_t>(bytes * std::exp2(-10 / halving))}, 10};
}

std::uint64_t total(const std::vector<SegmentRate>& shares) {
  std::uint64_t bytes = 0;
  for (const SegmentRate& share : shares) bytes += share.budget_bytes;
  return bytes;
}

TEST(ShareBitrate, OneQualityAndSharesByDifficulty) {
  const auto shares = share_bitrate({measured(1e6), measured(4e6), measured(1e6)}, Encoder::kX264, 800'000, {});
  EXPECT_NEAR(static_cast<double>(total(shares)), 3e6, 10);
  EXPECT_NEAR(static_cast<double>(shares[0].budget_bytes), 0.5e6, 1e3);
  EXPECT_NEAR(static_cast<double>(shares[1].budget_bytes), 2e6, 1e3);
  EXPECT_NEAR(shares[0].quality, 26, 0.01);  // half of what CRF 20 takes
  EXPECT_EQ(shares[0].quality, shares[1].quality);
  EXPECT_NEAR(shares[0].halving, 6, 0.01);
}

TEST(ShareBitrate, SegmentsThatFallAtTheirOwnPace) {
  const auto shares = share_bitrate({measured(2e6, 4), measured(2e6, 9)}, Encoder::kX264, 800'000, {});
  EXPECT_NEAR(static_cast<double>(total(shares)), 2e6, 10);
  for (const SegmentRate& share : shares) {
    EXPECT_NEAR(static_cast<double>(share.budget_bytes), 2e6 * std::exp2((20 - share.quality) / share.halving), 2e3);
  }
  EXPECT_GT(shares[1].budget_bytes, shares[0].budget_bytes);
}

TEST(ShareBitrate, WhatMaxrateTakesFromOneIsGivenToTheOthers) {
  const auto shares = share_bitrate({measured(1e6), measured(50e6), measured(2e6)}, Encoder::kX264, 800'000, 1'000'000);
  EXPECT_EQ(shares[1].budget_bytes, 1'250'000U);
  EXPECT_NEAR(static_cast<double>(total(shares)), 3e6, 10);
  EXPECT_NEAR(static_cast<double>(shares[2].budget_bytes), 2.0 * static_cast<double>(shares[0].budget_bytes), 1e3);
}

TEST(ShareBitrate, AnEmptyFrameCostsNothingAndBreaksNothing) {
  const auto shares = share_bitrate({{{0, 0}, 10}, measured(1e6)}, Encoder::kSvtAv1, 400'000, {});
  EXPECT_NEAR(static_cast<double>(total(shares)), 1e6, 10);
  for (const SegmentRate& share : shares) EXPECT_TRUE(std::isfinite(share.quality) && std::isfinite(share.halving));
}

Profile with_bitrate() {
  RenditionProfile by_bitrate = rendition("by-bitrate");
  by_bitrate.rate = {.bitrate = 500'000};
  return profile_with({rendition("by-quality"), by_bitrate});
}

std::vector<PlannedTask::Kind> kinds(const Plan& plan) {
  std::vector<PlannedTask::Kind> kinds;
  for (const PlannedTask& task : plan.tasks) kinds.push_back(task.kind);
  return kinds;
}

TEST(PlanRate, EverySegmentIsMeasuredBeforeAnyIsEncoded) {
  const SourceFacts source = clip().at(25).frames(500).closed_gops(50).audio_after(0).facts();
  const Plan made = plan(source, with_bitrate());
  ASSERT_EQ(kinds(made), (std::vector{PlannedTask::Kind::kAudio, PlannedTask::Kind::kMeasure, PlannedTask::Kind::kMeasure,
                                      PlannedTask::Kind::kSegment, PlannedTask::Kind::kSegment}));
  const VideoTask measure = *task_request(made, source, with_bitrate(), 2).video;
  ASSERT_EQ(measure.renditions.size(), 2U);
  EXPECT_EQ(made.tasks[2].outputs, 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(measure.renditions[i].measure);
    EXPECT_EQ(measure.renditions[i].encoder.rate, (RateControl{.quality = measured_qualities(Encoder::kX264)[i]}));
    EXPECT_EQ(measure.renditions[i].frames.size(), 250U);
  }
}

TEST(PlanRate, SegmentsAreGrantedTheirShares) {
  const SourceFacts source = clip().at(25).frames(500).closed_gops(50).facts();
  const Plan made = plan(source, with_bitrate());
  EXPECT_FALSE(segment_rates(made, {{0, {2'000'000, 600'000}}}));
  const auto rates = segment_rates(made, {{0, {2'000'000, 600'000}}, {1, {1'000'000, 300'000}}});
  ASSERT_TRUE(rates);
  const VideoTask task = *task_request(made, source, with_bitrate(), 2, *rates).video;
  EXPECT_FALSE(task.renditions[0].grant.budget_bytes);
  EXPECT_FALSE(task.renditions[1].encoder.rate.bitrate);
  EXPECT_TRUE(task.renditions[1].encoder.rate.quality);
  EXPECT_NEAR(static_cast<double>(*task.renditions[1].grant.budget_bytes), 500'000 / 8 * 20 * 2 / 3.0, 100);
}

TEST(PlanRate, AProfileOfQualityAloneMeasuresNothing) {
  const Plan made = plan(clip().at(25).frames(500).closed_gops(50).facts());
  EXPECT_THAT(kinds(made), ::testing::Not(::testing::Contains(PlannedTask::Kind::kMeasure)));
  EXPECT_TRUE(segment_rates(made, {}).value().empty());
}

}  // namespace
}  // namespace gopmill
