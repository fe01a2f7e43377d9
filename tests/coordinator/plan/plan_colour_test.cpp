#include "coordinator/plan/plan_colour.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/plan/plan.h"
#include "tests/support/source_builder.h"

namespace gopmill {
namespace {

using test::clip;
using ::testing::HasSubstr;

constexpr Colour kPq{.primaries = 9, .transfer = 16, .matrix = 9, .chroma_location = 3};
constexpr Colour kBt709{.primaries = 1, .transfer = 1, .matrix = 1, .chroma_location = 1};
constexpr MasteringDisplay kDisplay{{34000, 16000}, {13250, 34500}, {7500, 3000}, {15635, 16450}, 40'000'000, 50};

VideoTrack track_of(Colour colour) { return *clip().at(25).frames(50).colour(colour).facts().video; }
RenditionColour in(DynamicRange wanted, const VideoTrack& track) {
  const auto result = rendition_colour(track, wanted);
  EXPECT_TRUE(result) << result.error().text;
  return result ? *result : RenditionColour{};
}
RenditionColour in_sdr(Colour colour) { return in(DynamicRange::kSdr, track_of(colour)); }
std::uint32_t peak_of(const VideoTrack& track) { return in(DynamicRange::kSdr, track).recolour->peak; }

TEST(PlanColour, HdrBecomesBt709InASdrRendition) {
  VideoTrack track = track_of(kPq);
  track.mastering = kDisplay;
  track.light = ContentLight{1200, 400};
  const RenditionColour colour = in(DynamicRange::kSdr, track);
  EXPECT_EQ(colour.tags, kBt709);
  EXPECT_EQ(colour.recolour, (ColourChange{.from = kPq, .to = kBt709, .peak = 1200}));
  EXPECT_FALSE(colour.mastering);
  EXPECT_FALSE(colour.light);
}

TEST(PlanColour, HdrStaysInAHdrRendition) {
  VideoTrack track = track_of(kPq);
  track.mastering = kDisplay;
  track.light = ContentLight{1200, 400};
  const RenditionColour colour = in(DynamicRange::kHdr, track);
  EXPECT_EQ(colour.tags, kPq);
  EXPECT_FALSE(colour.recolour);
  EXPECT_EQ(colour.mastering, kDisplay);
  EXPECT_EQ(colour.light, (ContentLight{1200, 400}));
}

TEST(PlanColour, ThePeakIsTheLowerOfWhatMakesSense) {
  VideoTrack track = track_of(kPq);
  EXPECT_EQ(peak_of(track), 1000U);
  track.mastering = kDisplay;
  EXPECT_EQ(peak_of(track), 4000U);
  track.light = ContentLight{0, 0};
  EXPECT_EQ(peak_of(track), 4000U);
  track.light = ContentLight{8000, 0};
  EXPECT_EQ(peak_of(track), 4000U);
  track.light = ContentLight{150, 0};
  EXPECT_EQ(peak_of(track), 203U);
  track.light.reset();
  track.mastering->luminance_max = 1000;  // 0.1 cd/m2: somebody wrote cd/m2
  EXPECT_EQ(peak_of(track), 1000U);
  track.colour.transfer = kTransferHlg;
  track.mastering = kDisplay;
  EXPECT_EQ(peak_of(track), 1000U);
}

TEST(PlanColour, AMasteringDisplayWithoutSenseIsLeftOut) {
  VideoTrack track = track_of(kPq);
  track.mastering = kDisplay;
  track.mastering->luminance_max = 1000;
  const RenditionColour colour = in(DynamicRange::kHdr, track);
  EXPECT_FALSE(colour.mastering);
  EXPECT_THAT(colour.done, HasSubstr("makes no sense"));
  for (const auto& broken :
       {MasteringDisplay{{34000, 16000}, {0, 0}, {7500, 3000}, {15635, 16450}, 40'000'000, 50},
        MasteringDisplay{{34000, 16000}, {40000, 34500}, {7500, 3000}, {15635, 16450}, 40'000'000, 50},
        MasteringDisplay{{34000, 16000}, {13250, 34500}, {7500, 3000}, {15635, 16450}, 40'000'000, 40'000'000},
        MasteringDisplay{{34000, 16000}, {13250, 34500}, {7500, 3000}, {15635, 16450}, 200'000'000, 50}}) {
    EXPECT_FALSE(makes_sense(broken));
  }
  EXPECT_TRUE(makes_sense(kDisplay));
}

TEST(PlanColour, HdrThatNamesNoPrimariesIsBt2020) {
  const RenditionColour colour = in(DynamicRange::kHdr, track_of({.transfer = 18}));
  EXPECT_EQ(colour.tags, (Colour{.primaries = 9, .transfer = 18, .matrix = 9}));
  EXPECT_EQ(in_sdr({.transfer = 18}).recolour->from, colour.tags);
}

TEST(PlanColour, SdrStaysAsItIsTagged) {
  for (const Colour& colour : {Colour{}, kBt709, Colour{.primaries = 5, .transfer = 6, .matrix = 5}, Colour{.matrix = 6},
                               Colour{.primaries = 6, .transfer = 1, .matrix = 6, .chroma_location = 2}}) {
    for (const DynamicRange wanted : {DynamicRange::kSdr, DynamicRange::kHdr}) {
      const RenditionColour kept = in(wanted, track_of(colour));
      EXPECT_EQ(kept.tags, colour);
      EXPECT_FALSE(kept.recolour);
    }
  }
  EXPECT_FALSE(in_sdr({.matrix = 6, .full_range = true}).tags.full_range);
}

TEST(PlanColour, WideGamutAndRareMatricesBecomeBt709) {
  EXPECT_EQ(in_sdr({.primaries = 9, .transfer = 14, .matrix = 9}).tags, kBt709);
  EXPECT_EQ(in_sdr({.primaries = 9}).recolour->from.matrix, kMatrixBt2020);
  EXPECT_EQ(in_sdr({.primaries = 12, .transfer = 13, .matrix = 6}).tags,
            (Colour{.primaries = 1, .transfer = 13, .matrix = 1, .chroma_location = 1}));
  for (const std::uint8_t matrix : {4, 7, 8, 9}) {
    const RenditionColour colour = in_sdr({.matrix = matrix});
    EXPECT_EQ(colour.tags, (Colour{.matrix = 1, .chroma_location = 1}));
    EXPECT_EQ(colour.recolour->from.matrix, matrix);
  }
}

TEST(PlanColour, RedGreenAndBlueBecomeBt709WithoutATable) {
  const RenditionColour colour = in_sdr({.matrix = 0, .full_range = true});
  EXPECT_EQ(colour.tags, (Colour{.matrix = 1}));
  EXPECT_FALSE(colour.recolour);
  EXPECT_EQ(in_sdr({.primaries = 9, .transfer = 16, .matrix = 0, .full_range = true}).recolour->from.matrix, kMatrixBt2020);
}

TEST(PlanColour, AMatrixThatCannotBeChangedIsRefusedWhereItMust) {
  const auto refused = rendition_colour(track_of({.primaries = 9, .transfer = 16, .matrix = 14}), DynamicRange::kSdr);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, FaultKind::kInput);
  EXPECT_THAT(refused.error().text, HasSubstr("matrix 14"));
  EXPECT_EQ(in(DynamicRange::kHdr, track_of({.primaries = 9, .transfer = 16, .matrix = 14})).tags.matrix, 14);
}

TEST(PlanColour, EveryTaskCarriesTheSameAnswer) {
  SourceFacts source = clip().at(25).frames(1000).colour(kPq).facts();
  source.video->mastering = kDisplay;
  RenditionProfile hdr = test::rendition("hdr");
  hdr.pixel_format = PixelFormat::kYuv420p10;
  hdr.dynamic_range = DynamicRange::kHdr;
  const Profile profile = test::profile_with({test::rendition("sdr"), hdr});
  const auto plan = make_plan(source, profile, "clip");
  ASSERT_TRUE(plan) << plan.error().text;
  ASSERT_GT(plan->tasks.size(), 2U);
  for (std::uint32_t i = 0; i < plan->tasks.size(); ++i) {
    const VideoTask task = *task_request(*plan, source, profile, i).video;
    EXPECT_EQ(task.colour, kPq);
    EXPECT_EQ(task.renditions[0].recolour, (ColourChange{.from = kPq, .to = kBt709, .peak = 4000}));
    EXPECT_EQ(task.renditions[0].encoder.colour, kBt709);
    EXPECT_FALSE(task.renditions[1].recolour);
    EXPECT_EQ(task.renditions[1].encoder.colour, kPq);
    EXPECT_EQ(task.renditions[1].encoder.mastering, kDisplay);
  }
  EXPECT_EQ(plan->renditions[0].file.colour, kBt709);
  EXPECT_EQ(plan->renditions[1].file.mastering, kDisplay);
}

TEST(PlanColour, ASdrSourceInAHdrRenditionIsSaid) {
  RenditionProfile hdr = test::rendition("720p");
  hdr.pixel_format = PixelFormat::kYuv420p10;
  hdr.dynamic_range = DynamicRange::kHdr;
  const auto plan = make_plan(clip().at(25).frames(100).facts(), test::profile_with({hdr}), "clip");
  ASSERT_TRUE(plan);
  EXPECT_THAT(plan->notes, ::testing::Contains("rendition 720p stays SDR, as the source is"));
}

}  // namespace
}  // namespace gopmill
