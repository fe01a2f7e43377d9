// Bitmaps on frames: where, when and in which colours.

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "media/steps/work.h"
#include "tests/support/burnt.h"
#include "tests/support/clips.h"
#include "tests/support/parent_double.h"
#include "tests/support/seen.h"

namespace gopmill {
namespace {

using namespace std::string_literals;
using test::burnt;
using test::BurntPlane;
using test::ClipVideo;
using test::GreyFrame;

constexpr std::uint32_t kWhite = 0xFFFFFFFF, kRed = 0xFFFF0000, kHalfBlack = 0x80000000;

// A box of one colour.
Bitmap box(int canvas_width, int canvas_height, int x, int y, int width, int height, std::uint32_t colour) {
  BitmapRect rect{x, y, width, height, {0, colour}, {}};
  for (int left = width * height; left > 0; left -= 255) rect.runs += {static_cast<char>(std::min(left, 255)), 1};
  return {0, 1, canvas_width, canvas_height, {rect}};
}
// Columns and rows of the samples that are not `value`: "2..5 x 4..9".
std::string changed(const BurntPlane& plane, std::uint16_t value) {
  int left = plane.width, right = -1, top = plane.height, bottom = -1;
  for (int y = 0; y < plane.height; ++y) {
    for (int x = 0; x < plane.width; ++x) {
      if (plane.at(x, y) == value) continue;
      left = std::min(left, x);
      right = std::max(right, x);
      top = std::min(top, y);
      bottom = std::max(bottom, y);
    }
  }
  return std::to_string(left) + ".." + std::to_string(right) + " x " + std::to_string(top) + ".." + std::to_string(bottom);
}
constexpr Colour k709{1, 1, 1, false, 0};

TEST(Burn, PutsABoxInItsPlace) {
  const auto planes = burnt({64, 48, "yuv420p", 100}, box(64, 48, 10, 20, 8, 4, kWhite), k709);
  EXPECT_EQ(changed(planes[0], 100), "10..17 x 20..23");
  EXPECT_EQ(planes[0].at(10, 20), 235);
  EXPECT_EQ(changed(planes[1], 100), "5..8 x 10..11");
  EXPECT_EQ(planes[1].at(5, 10), 128);
  EXPECT_EQ(planes[2].at(8, 11), 128);
  // At odd places chroma is shared.
  const auto odd = burnt({64, 48, "yuv420p", 100}, box(64, 48, 11, 20, 8, 4, kWhite), k709);
  EXPECT_EQ(changed(odd[0], 100), "11..18 x 20..23");
  EXPECT_EQ(changed(odd[1], 100), "5..9 x 10..11");
  EXPECT_EQ(odd[1].at(5, 10), 114);
}

TEST(Burn, ScalesTheCanvasToTheFrame) {
  // Twice as large, as high in relation.
  EXPECT_EQ(changed(burnt({64, 48, "yuv444p", 100}, box(128, 96, 20, 40, 16, 8, kWhite), k709)[0], 100), "10..17 x 20..23");
  EXPECT_EQ(changed(burnt({64, 48, "yuv444p", 100}, box(32, 24, 5, 10, 4, 2, kWhite), k709)[0], 100), "10..17 x 20..23");
  // A clip cropped to 64x32 of a canvas of 64x48 lacks 8 lines above and below; what stood there is moved inside.
  EXPECT_EQ(changed(burnt({64, 32, "yuv444p", 100}, box(64, 48, 10, 20, 8, 4, kWhite), k709)[0], 100), "10..17 x 12..15");
  EXPECT_EQ(changed(burnt({64, 32, "yuv444p", 100}, box(64, 48, 10, 44, 8, 4, kWhite), k709)[0], 100), "10..17 x 28..31");
  EXPECT_EQ(changed(burnt({64, 32, "yuv444p", 100}, box(64, 48, -4, 0, 8, 4, kWhite), k709)[0], 100), "0..7 x 0..3");
}

TEST(Burn, TakesTheFramesColours) {
  const auto of = [](const std::string& format, Colour colour, std::uint32_t argb) {
    std::vector<int> values;
    for (const BurntPlane& plane : burnt({16, 16, format, 0}, box(16, 16, 0, 0, 16, 16, argb), colour))
      values.push_back(plane.at(2, 2));
    return values;
  };
  EXPECT_EQ(of("yuv444p", k709, kRed), (std::vector<int>{63, 102, 240}));
  EXPECT_EQ(of("yuv444p", {6, 6, 6, false, 0}, kRed), (std::vector<int>{81, 90, 240}));
  EXPECT_EQ(of("yuvj444p", {1, 1, 1, true, 0}, kWhite), (std::vector<int>{255, 128, 128}));
  EXPECT_EQ(of("yuv420p10le", k709, kWhite), (std::vector<int>{940, 512, 512}));
  EXPECT_EQ(of("gray", k709, kWhite), (std::vector<int>{235}));
  // Graphics white of 203 cd/m2: 58 % of PQ's signal, 75 % of HLG's (ITU-R BT.2408, table 1).
  EXPECT_EQ(of("yuv420p10le", {9, 16, 9, false, 0}, kWhite), (std::vector<int>{573, 512, 512}));
  EXPECT_EQ(of("yuv420p10le", {9, 18, 9, false, 0}, kWhite), (std::vector<int>{721, 512, 512}));
  const auto half = burnt({16, 16, "yuv444p", 200}, box(16, 16, 0, 0, 16, 16, kHalfBlack), k709);
  EXPECT_EQ(half[0].at(0, 0), 108);
}

TEST(Burn, HidesNothingWhereItIsTransparent) {
  const auto planes = burnt({16, 16, "yuv420p", 77}, box(16, 16, 0, 0, 16, 16, 0x00FFFFFF), k709);
  for (const BurntPlane& plane : planes)
    EXPECT_EQ(changed(plane, 77), std::to_string(plane.width) + "..-1 x " + std::to_string(plane.height) + "..-1");
}

TEST(Burn, AnalysisDecodesTheTrackThatIsWanted) {
  test::Clip clip{.frame = ClipVideo{.width = 128, .height = 96, .frames = 50}, .container = "matroska"};
  clip.texts = {
      {.codec = "dvd_subtitle",
       .language = "eng",
       .is_default = true,
       .lines = {{0, 500, test::vobsub_packet(8, 8, 16, 8, 500)}}},
      {.codec = "dvd_subtitle",
       .language = "deu",
       .lines = {{200, 500, test::vobsub_packet(20, 40, 16, 8, 500)}, {600, 400, test::vobsub_packet(30, 60, 20, 10, 400)}}}};
  const Fd file = test::make_clip(clip);
  const auto found = [&](const std::optional<BurnRequest>& burn) {
    test::ParentDouble parent;
    const auto facts = analyse(file.get(), {.burn = burn}, parent.line());
    std::vector<std::string> seen;
    if (!facts) return std::vector{facts.error().text};
    for (const SubtitleTrack& track : facts->side_tracks.subtitles) {
      for (const Bitmap& b : track.bitmaps) {
        seen.push_back(track.language + " " + std::to_string(b.start / 1000) + "-" + std::to_string(b.end / 1000) + " ms on " +
                       std::to_string(b.width) + "x" + std::to_string(b.height) + ":");
        for (const BitmapRect& r : b.rects) {
          seen.back() += " " + std::to_string(r.width) + "x" + std::to_string(r.height) + " at " + std::to_string(r.x) + "," +
                         std::to_string(r.y);
        }
      }
    }
    return seen;
  };
  // VobSub counts time in 1024 ticks of 90 kHz.
  EXPECT_THAT(found(std::nullopt), testing::IsEmpty());
  EXPECT_THAT(found(BurnRequest{}), testing::ElementsAre("eng 0-489 ms on 128x96: 16x8 at 8,8"));
  EXPECT_THAT(found(BurnRequest{TrackChoice::kLanguages, {"de"}}),
              testing::ElementsAre("deu 200-600 ms on 128x96: 16x8 at 20,40", "deu 600-998 ms on 128x96: 20x10 at 30,60"));
  EXPECT_THAT(found(BurnRequest{TrackChoice::kLanguages, {"fra"}}), testing::IsEmpty());
}

TEST(Burn, OnTheTasksFramesThatAreNamed) {
  const Fd clip =
      test::make_clip({.frame = ClipVideo{.width = 64, .height = 48, .frames = 12, .gop = 12}, .container = "matroska"});
  const Fd source = test::journal_of_track(clip.get(), Media::kVideo);
  test::ParentDouble parent;
  const auto facts = analyse(clip.get(), {}, parent.line());
  ASSERT_TRUE(facts && facts->video);
  RenditionPlan plan;
  plan.name = "48p";
  plan.has_video = true;
  plan.width = 64;
  plan.height = 48;
  plan.base = {1, 25};
  VideoTask task;
  task.base = plan.base;
  RenditionTask rendition;
  for (std::uint32_t i = 0; i < 12; ++i) {
    task.sources.push_back(facts->video->frames[i].packet);
    rendition.frames.push_back({i, i, i == 0});
    plan.frames.push_back({i, i == 0});
  }
  rendition.encoder = test::settings_for(plan);
  rendition.body = 12;
  task.renditions = {rendition};
  task.overlays = {{3, 5, box(64, 48, 0, 0, 64, 48, kWhite)}, {7, 8, box(64, 48, 0, 0, 64, 48, 0xFF000000)}};
  std::vector<Fd> outputs;
  outputs.push_back(*temporary_file());
  const auto result = transcode(task, source.get(), 0, {outputs[0].get()}, parent.line());
  ASSERT_TRUE(result) << result.error().text;
  test::ParentDouble line(outputs);
  const Fd file = *temporary_file();
  const auto stitched = stitch(file.get(), {.plan = plan, .video_inputs = 1}, line.line());
  ASSERT_TRUE(stitched) << stitched.error().text;
  std::string seen;
  for (const test::SeenFrame& frame : test::look_at(file.get()).frames)
    seen += frame.luma > 225 ? 'W' : frame.luma < 26 ? 'B' : '.';
  EXPECT_EQ(seen, "...WW..B....");
}

}  // namespace
}  // namespace gopmill
