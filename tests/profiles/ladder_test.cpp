#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "profiles/ladder.h"

namespace gopmill {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

RenditionProfile rung(std::string name, std::optional<int> height, VideoCodec codec = VideoCodec::kH264) {
  RenditionProfile rendition{.name = std::move(name), .codec = codec, .height = height};
  rendition.rate.quality = 23;
  return rendition;
}

Profile ladder_of(std::vector<RenditionProfile> renditions) { return {.name = "test", .renditions = std::move(renditions)}; }

const Profile& phone() {
  static const Profile profile = ladder_of({rung("1080p", 1080), rung("720p", 720), rung("360p", 360)});
  return profile;
}

// A ladder as text, "name WxH" per rung and then the notes, so that a test compares all of it.
std::vector<std::string> fitted(const Profile& profile, const StoredFrame& source) {
  const Ladder ladder = fit_ladder(profile, source);
  std::vector<std::string> text;
  for (const Rung& each : ladder.rungs)
    text.push_back(each.profile.name + " " + std::to_string(each.width) + "x" + std::to_string(each.height));
  text.insert(text.end(), ladder.notes.begin(), ladder.notes.end());
  return text;
}

TEST(DisplaySize, StretchesWidthAndKeepsLines) {
  EXPECT_EQ(display_size({.width = 1920, .height = 1080}), (FrameSize{1920, 1080}));
  EXPECT_EQ(display_size({.width = 720, .height = 480, .sample_aspect = {8, 9}}), (FrameSize{640, 480}));
  EXPECT_EQ(display_size({.width = 720, .height = 576, .sample_aspect = {64, 45}}), (FrameSize{1024, 576}));
  EXPECT_EQ(display_size({.width = 1440, .height = 1080, .sample_aspect = {4, 3}}), (FrameSize{1920, 1080}));
  EXPECT_EQ(display_size({.width = 704, .height = 480, .sample_aspect = {10, 11}}), (FrameSize{640, 480}));
}

TEST(DisplaySize, TurnsAfterStretching) {
  EXPECT_EQ(display_size({.width = 1920, .height = 1080, .quarter_turns = 1}), (FrameSize{1080, 1920}));
  EXPECT_EQ(display_size({.width = 1920, .height = 1080, .quarter_turns = 2}), (FrameSize{1920, 1080}));
  EXPECT_EQ(display_size({.width = 720, .height = 576, .sample_aspect = {64, 45}, .quarter_turns = 3}), (FrameSize{576, 1024}));
}

TEST(DisplaySize, TakesNoiseForWhatItIs) {
  EXPECT_EQ(display_size({.width = 640, .height = 480, .sample_aspect = {0, 1}}), (FrameSize{640, 480}));
  EXPECT_EQ(display_size({.width = 640, .height = 480, .sample_aspect = {-1, 1}}), (FrameSize{640, 480}));
  EXPECT_EQ(display_size({.width = 640, .height = 480, .sample_aspect = {1, 0}}), (FrameSize{640, 480}));
  EXPECT_EQ(display_size({.width = 0, .height = -5}), (FrameSize{1, 1}));
  EXPECT_EQ(display_size({.width = 2, .height = 2, .sample_aspect = {1, 1000}}), (FrameSize{1, 2}));
  EXPECT_EQ(display_size({.width = INT32_MAX, .height = 2, .sample_aspect = {INT32_MAX, 1}}), (FrameSize{1 << 30, 2}));
}

TEST(FitLadder, GivesEveryRungItsSize) {
  EXPECT_THAT(fitted(phone(), {.width = 1920, .height = 1080}), ElementsAre("1080p 1920x1080", "720p 1280x720", "360p 640x360"));
  EXPECT_THAT(fitted(phone(), {.width = 3840, .height = 2160}), ElementsAre("1080p 1920x1080", "720p 1280x720", "360p 640x360"));
  EXPECT_THAT(fitted(phone(), {.width = 4096, .height = 1716}), ElementsAre("1080p 2578x1080", "720p 1718x720", "360p 860x360"));
}

TEST(FitLadder, LeavesTheRenditionAsItIs) {
  EXPECT_THAT(fit_ladder(phone(), {.width = 640, .height = 360}).rungs, ElementsAre(Rung{phone().renditions[2], 640, 360}));
}

TEST(FitLadder, CountsLinesOnTheShorterSide) {
  EXPECT_THAT(fitted(phone(), {.width = 1080, .height = 1920}), ElementsAre("1080p 1080x1920", "720p 720x1280", "360p 360x640"));
  EXPECT_THAT(fitted(phone(), {.width = 1920, .height = 1080, .quarter_turns = 1}),
              ElementsAre("1080p 1080x1920", "720p 720x1280", "360p 360x640"));
  EXPECT_THAT(fitted(phone(), {.width = 720, .height = 720}),
              ElementsAre("720p 720x720", "360p 360x360", "1080p dropped: the source has 720 lines"));
}

TEST(FitLadder, NeverUpscales) {
  EXPECT_THAT(fitted(phone(), {.width = 768, .height = 432}),
              ElementsAre("360p 640x360", "1080p dropped: the source has 432 lines", "720p dropped: the source has 432 lines"));
  EXPECT_THAT(fitted(phone(), {.width = 1918, .height = 1079}),
              ElementsAre("720p 1280x720", "360p 640x360", "1080p dropped: the source has 1079 lines"));
}

TEST(FitLadder, KeepsTheSmallestRungOfALadderThatIsAllTooLarge) {
  EXPECT_THAT(fitted(phone(), {.width = 320, .height = 240}),
              ElementsAre("360p 320x240", "1080p dropped: the source has 240 lines", "720p dropped: the source has 240 lines",
                          "360p kept at the source's size, 320x240: the source has 240 lines, fewer than any rendition"));
  EXPECT_THAT(fitted(phone(), {.width = 2, .height = 2}),
              ElementsAre("360p 2x2", "1080p dropped: the source has 2 lines", "720p dropped: the source has 2 lines",
                          "360p kept at the source's size, 2x2: the source has 2 lines, fewer than any rendition"));
}

TEST(FitLadder, KeepsTheSmallestRungOfEveryCodec) {
  const Profile profile = ladder_of({rung("360p", 360), rung("360p-av1", 360, VideoCodec::kAv1)});
  EXPECT_THAT(fitted(profile, {.width = 320, .height = 180}),
              ElementsAre("360p 320x180", "360p-av1 320x180",
                          "360p kept at the source's size, 320x180: the source has 180 lines, fewer than any rendition",
                          "360p-av1 kept at the source's size, 320x180: the source has 180 lines, fewer than any rendition"));
}

TEST(FitLadder, RoundsToEvenSidesNeverAboveTheSources) {
  const Profile source = ladder_of({rung("source", std::nullopt)});
  EXPECT_THAT(fitted(source, {.width = 853, .height = 481}), ElementsAre("source 852x480"));
  EXPECT_THAT(fitted(source, {.width = 1, .height = 1}), ElementsAre("source 2x2"));
  EXPECT_THAT(fitted(source, {.width = 3, .height = 3}), ElementsAre("source 2x2"));
  EXPECT_THAT(fitted(source, {.width = 5, .height = 1}), ElementsAre("source 4x2"));
  const Profile rungs = ladder_of({rung("480p", 480), rung("360p", 360)});
  // 360 x 1366 / 768 is 640.3; 480 x 1366 / 768 is 853.75.
  EXPECT_THAT(fitted(rungs, {.width = 1366, .height = 768}), ElementsAre("480p 854x480", "360p 640x360"));
}

TEST(FitLadder, CorrectsPixelsThatAreNotSquare) {
  const Profile profile = ladder_of({rung("source", std::nullopt), rung("576p", 576), rung("480p", 480), rung("360p", 360)});
  EXPECT_THAT(fitted(profile, {.width = 720, .height = 480, .sample_aspect = {8, 9}}),
              ElementsAre("source 640x480", "360p 480x360", "576p dropped: the source has 480 lines",
                          "480p dropped: it would be the same as source"));
  EXPECT_THAT(fitted(profile, {.width = 720, .height = 576, .sample_aspect = {64, 45}}),
              ElementsAre("source 1024x576", "480p 854x480", "360p 640x360", "576p dropped: it would be the same as source"));
}

TEST(FitLadder, BoundsWhatIsTooLarge) {
  const Profile profile = ladder_of({rung("source", std::nullopt), rung("2160p", 2160)});
  EXPECT_THAT(fitted(profile, {.width = 16384, .height = 8704}),
              ElementsAre("source 8192x4352", "2160p 4066x2160",
                          "source made 8192x4352: its full size is above the largest frame, 8192x4352"));
  EXPECT_THAT(fitted(profile, {.width = 8192, .height = 8192}),
              ElementsAre("source 4352x4352", "2160p 2160x2160",
                          "source made 4352x4352: its full size is above the largest frame, 8192x4352"));
  EXPECT_THAT(fitted(ladder_of({rung("720p", 720)}), {.width = 1000, .height = 32768}),
              ElementsAre("720p 250x8192", "720p made 250x8192: its full size is above the largest frame, 8192x4352"));
  EXPECT_THAT(fitted(ladder_of({rung("source", std::nullopt)}), {.width = INT32_MAX, .height = 1}), ElementsAre("source 8192x2"));
}

TEST(FitLadder, KeepsEqualSizesThatDifferInAnythingElse) {
  RenditionProfile fine = rung("fine", 720);
  fine.rate.quality = 18;
  EXPECT_THAT(fitted(ladder_of({rung("720p", 720), fine, rung("again", 720), rung("720p-vp9", 720, VideoCodec::kVp9)}),
                     {.width = 1280, .height = 720}),
              ElementsAre("720p 1280x720", "fine 1280x720", "720p-vp9 1280x720", "again dropped: it would be the same as 720p"));
}

TEST(FitLadder, SaysWhereFramesAreThinned) {
  RenditionProfile slow = rung("360p", 360);
  slow.fps_max = Rational{30000, 1001};
  const Profile profile = ladder_of({slow});
  EXPECT_THAT(fitted(profile, {.width = 640, .height = 360, .fps = Rational{60, 1}}),
              ElementsAre("360p 640x360", "360p has at most 29.97 frames per second: the source has 60"));
  EXPECT_THAT(fitted(profile, {.width = 640, .height = 360, .fps = Rational{30000, 1001}}), ElementsAre("360p 640x360"));
}

TEST(FitLadder, IsEmptyWithoutRenditions) { EXPECT_EQ(fit_ladder(ladder_of({}), {.width = 640, .height = 360}), Ladder{}); }

TEST(FitLadder, HoldsItsPromisesForAllSmallSources) {
  const Profile profile = ladder_of({rung("source", std::nullopt), rung("48p", 48), rung("32p", 32), rung("16p", 16)});
  for (int width = 1; width <= 70; ++width) {
    for (int height = 1; height <= 70; ++height) {
      for (const Rung& each : fit_ladder(profile, {.width = width, .height = height}).rungs) {
        SCOPED_TRACE(std::to_string(width) + "x" + std::to_string(height) + " " + each.profile.name);
        ASSERT_TRUE(each.width % 2 == 0 && each.height % 2 == 0);
        ASSERT_LE(each.width, std::max(width, 2));
        ASSERT_LE(each.height, std::max(height, 2));
        // The aspect is kept to within the rounding of one side.
        const int lines = std::min(each.width, each.height);
        const int longer = std::max(each.width, each.height);
        const int wanted = each.profile.height.value_or(std::min(width, height));
        ASSERT_LE(std::abs(lines - wanted), 1);
        ASSERT_LE(std::abs(longer - static_cast<double>(wanted) * std::max(width, height) / std::min(width, height)), 1.0);
      }
    }
  }
}

}  // namespace
}  // namespace gopmill
