#include "media/encoder/rate_search.h"

#include <gtest/gtest.h>

#include <cmath>

#include "media/package/joined.h"

// A segment of 100 frames at 25 frames/s against a make-believe encoder whose sizes halve with every six steps of quality.

namespace gopmill {
namespace {

constexpr std::uint32_t kFrames = 100;

RenditionTask segment() {
  RenditionTask task;
  task.encoder.base = {1, 25};
  task.encoder.rate.quality = 20;
  for (std::uint32_t i = 0; i < kFrames; ++i) task.frames.push_back({.source = i, .pts = 1000 + i, .key = i % 50 == 0});
  task.body = kFrames;
  task.grant.next_pts = 1000 + kFrames;
  return task;
}

// `last` frames of the body are `times` as large as the others.
std::vector<CodedFrame> coded(double quality, double bytes_at_20, std::uint32_t last = 0, double times = 1, double halving = 6) {
  std::vector<CodedFrame> body;
  for (std::uint32_t i = 0; i < kFrames; ++i) {
    const double bytes = bytes_at_20 * std::exp2((20 - quality) / halving) * (i >= kFrames - last ? times : 1);
    body.push_back({1000 + static_cast<std::int64_t>(i), static_cast<std::uint32_t>(bytes), i % 50 == 0});
  }
  return body;
}

std::uint64_t total(const std::vector<CodedFrame>& body) {
  std::uint64_t bytes = 0;
  for (const CodedFrame& frame : body) bytes += frame.bytes;
  return bytes;
}

// The buffer's fullness after the body, by an independent walk, from kBufferJoinFullness; < 0 where it ran dry.
double walk(const std::vector<CodedFrame>& body, double maxrate, double bufsize) {
  double bits = kBufferJoinFullness * bufsize;
  double lowest = bits;
  for (const CodedFrame& frame : body) {
    bits -= frame.bytes * 8.0;
    lowest = std::min(lowest, bits);
    bits = std::min(bufsize, bits + maxrate / 25);
  }
  return lowest < 0 ? lowest / bufsize : bits / bufsize;
}

TEST(RateSearch, TakesWhatHasNoLimits) {
  const RenditionTask task = segment();
  RateSearch search(task);
  EXPECT_EQ(search.quality(), 20);
  EXPECT_FALSE(search.wants_another(coded(20, 100'000)));
  EXPECT_TRUE(search.granted());
  EXPECT_EQ(search.tries(), 1U);
}

TEST(RateSearch, TakesASegmentWithinItsBuffer) {
  RenditionTask task = segment();
  task.encoder.rate.maxrate = 1'000'000;
  task.encoder.rate.bufsize = 1'000'000;
  RateSearch search(task);
  EXPECT_FALSE(search.wants_another(coded(20, 4'000)));  // 0.8 Mbit/s
  EXPECT_TRUE(search.granted());
}

TEST(RateSearch, LowersQualityUntilTheNextSegmentFindsItsShareOfTheBuffer) {
  RenditionTask task = segment();
  task.encoder.rate.maxrate = 1'000'000;
  task.encoder.rate.bufsize = 1'000'000;
  RateSearch search(task);
  // The buffer is full when the last ten frames come; they take 0.7 of it more than flows in.
  std::vector<CodedFrame> body = coded(20, 3'000, 10, 4.5);
  ASSERT_LT(walk(body, 1e6, 1e6), kBufferJoinFullness);
  while (search.wants_another(body)) body = coded(*search.quality(), 3'000, 10, 4.5);
  EXPECT_TRUE(search.granted());
  EXPECT_GT(*search.quality(), 20);
  EXPECT_GE(walk(body, 1e6, 1e6), kBufferJoinFullness);
}

TEST(RateSearch, TheLastSegmentOwesTheBufferNothing) {
  RenditionTask task = segment();
  task.encoder.rate.maxrate = 1'000'000;
  task.encoder.rate.bufsize = 1'000'000;
  task.grant.ends_rendition = true;
  RateSearch search(task);
  EXPECT_FALSE(search.wants_another(coded(20, 3'000, 10, 4.5)));
  EXPECT_TRUE(search.granted());
}

TEST(RateSearch, SaysWhenNoQualityKeepsTheBuffer) {
  RenditionTask task = segment();
  task.encoder.rate.maxrate = 10'000;
  task.encoder.rate.bufsize = 10'000;
  RateSearch search(task);
  std::uint32_t encodes = 1;
  while (search.wants_another(coded(*search.quality(), 50'000, 0, 1, 1000))) ++encodes;
  EXPECT_FALSE(search.granted());
  EXPECT_LE(encodes, kTriesMax);
}

TEST(RateSearch, MeetsABudgetFromFarAway) {
  for (const double halving : {3.5, 6.0, 9.0}) {
    RenditionTask task = segment();
    task.grant.budget_bytes = 40'000;
    RateSearch search(task);
    std::vector<CodedFrame> body = coded(20, 1'500, 0, 1, halving);
    while (search.wants_another(body)) body = coded(*search.quality(), 1'500, 0, 1, halving);
    EXPECT_TRUE(search.granted()) << halving;
    EXPECT_NEAR(static_cast<double>(total(body)), 40'000, 40'000 * kBudgetSlack) << halving;
    EXPECT_LE(search.tries(), 3U) << halving;
  }
}

TEST(RateSearch, SetsWholeNumbersWhereTheEncoderTakesNoOthers) {
  RenditionTask task = segment();
  task.encoder.encoder = Encoder::kSvtAv1;
  task.encoder.rate.quality = 35;
  task.grant.budget_bytes = 40'000;
  RateSearch search(task);
  ASSERT_TRUE(search.wants_another(coded(20, 1'000)));
  EXPECT_EQ(*search.quality(), std::round(*search.quality()));
}

TEST(RateSearch, AMeasurementIsNeverRepeated) {
  RenditionTask task = segment();
  task.measure = true;
  task.grant.budget_bytes = 1;
  RateSearch search(task);
  EXPECT_FALSE(search.wants_another(coded(20, 1'500)));
}

}  // namespace
}  // namespace gopmill
