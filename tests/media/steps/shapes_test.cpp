// Frames that are turned, cropped, of odd sizes or transparent, from their packets to the samples that encoders are given.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "tests/support/clips.h"
#include "tests/support/lossless_job.h"
#include "tests/support/seen.h"

namespace gopmill {
namespace {

using test::ClipVideo;
using test::SeenLuma;

// Two seconds, so that segments of one second meet once.
constexpr int kFrames = 50;

// As the clip was drawn, for its packets lose nothing; and as a job that loses nothing hands it to its encoders.
struct Frames {
  std::vector<SeenLuma> drawn, shown;
};
Frames frames_of(const Fd& clip) {
  Frames all;
  const SourceFacts source = test::analysed(clip);
  all.drawn = test::luma_of_frames(test::journal_of_track(clip.get(), Media::kVideo).get());
  for (const Fd& journal : test::lossless_job(clip, source, {1, 1})) {
    for (SeenLuma& frame : test::luma_of_frames(journal.get())) all.shown.push_back(std::move(frame));
  }
  EXPECT_EQ(all.drawn.size(), static_cast<std::size_t>(kFrames));
  EXPECT_EQ(all.shown.size(), static_cast<std::size_t>(kFrames));
  return all;
}

ClipVideo lossless(int width, int height) {
  ClipVideo frame{.width = width, .height = height, .frames = kFrames};
  frame.options = {{"qp", "0"}};
  return frame;
}

// ---- Turned and mirrored ----

// The matrix as a player reads it, point by point, moved back to where there are samples.
SeenLuma shown_by(const SeenLuma& frame, const std::array<int, 4>& matrix) {
  const auto [a, b, c, d] = matrix;
  const bool across = a == 0;
  SeenLuma result{across ? frame.height : frame.width, across ? frame.width : frame.height, frame.samples};
  for (int y = 0; y < frame.height; ++y) {
    for (int x = 0; x < frame.width; ++x) {
      const int to_x = a * x + c * y + (a + c < 0 ? result.width - 1 : 0);
      const int to_y = b * x + d * y + (b + d < 0 ? result.height - 1 : 0);
      result.samples[static_cast<std::size_t>(to_y * result.width + to_x)] = frame.at(x, y);
    }
  }
  return result;
}

class TurnedFrames : public ::testing::TestWithParam<std::array<int, 4>> {};

TEST_P(TurnedFrames, AreShownAsTheContainerSaysToTheSample) {
  ClipVideo frame = lossless(160, 96);
  frame.shown_by = GetParam();
  const Frames seen = frames_of(test::make_clip({.frame = frame}));
  for (std::size_t i = 0; i < seen.shown.size(); ++i) ASSERT_EQ(seen.shown[i], shown_by(seen.drawn[i], GetParam())) << i;
}
INSTANTIATE_TEST_SUITE_P(EveryWay, TurnedFrames,
                         ::testing::Values(std::array{1, 0, 0, 1}, std::array{0, 1, -1, 0}, std::array{-1, 0, 0, -1},
                                           std::array{0, -1, 1, 0}, std::array{-1, 0, 0, 1}, std::array{1, 0, 0, -1},
                                           std::array{0, 1, 1, 0}, std::array{0, -1, -1, 0}));

// ---- Cropped ----

SeenLuma cropped(const SeenLuma& frame, int left, int top, int width, int height) {
  SeenLuma result{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) result.samples.push_back(frame.at(left + x, top + y));
  }
  return result;
}

// What a stream says is outside of its frame is not shown: on all sides, and at odd offsets of chroma.
TEST(CroppedFrames, ShowWhatTheStreamSaysAndNoMore) {
  struct Crop {
    int left, top, right, bottom;
  };
  for (const Crop crop : {Crop{0, 0, 0, 8}, Crop{16, 8, 16, 8}, Crop{2, 6, 10, 4}}) {
    ClipVideo frame = lossless(192, 128);
    const Fd whole = test::make_clip({.frame = frame});
    frame.options["x264-params"] = "scenecut=0:keyint=25:crop-rect=" + std::to_string(crop.left) + "," +
                                   std::to_string(crop.top) + "," + std::to_string(crop.right) + "," +
                                   std::to_string(crop.bottom);
    const Frames uncropped = frames_of(whole);
    const Frames seen = frames_of(test::make_clip({.frame = frame}));
    for (std::size_t i = 0; i < seen.shown.size(); ++i) {
      ASSERT_EQ(seen.shown[i],
                cropped(uncropped.drawn[i], crop.left, crop.top, 192 - crop.left - crop.right, 128 - crop.top - crop.bottom))
          << i << ", " << crop.left << " from the left";
    }
  }
}

// ---- Odd sizes ----

// The source's luma at a place of the output, between its samples.
double luma_between(const SeenLuma& frame, double x, double y) {
  const int left = std::clamp(static_cast<int>(std::floor(x)), 0, frame.width - 1), right = std::min(left + 1, frame.width - 1);
  const int top = std::clamp(static_cast<int>(std::floor(y)), 0, frame.height - 1), bottom = std::min(top + 1, frame.height - 1);
  const double across = std::clamp(x - left, 0.0, 1.0), down = std::clamp(y - top, 0.0, 1.0);
  return (1 - down) * ((1 - across) * frame.at(left, top) + across * frame.at(right, top)) +
         down * ((1 - across) * frame.at(left, bottom) + across * frame.at(right, bottom));
}

class OddFrames : public ::testing::TestWithParam<const char*> {};

// How far output frames are from the source's at the places they should show, with its sign.
class Distances {
 public:
  void add(double distance) {
    sum_ += distance;
    ++count_;
    worst_ = std::max(worst_, std::abs(distance));
  }
  [[nodiscard]] double mean() const { return sum_ / count_; }
  [[nodiscard]] double worst() const { return worst_; }

 private:
  double sum_ = 0, worst_ = 0;
  int count_ = 0;
};

// Sides become even; nothing is cut off, and no line or column of another colour stands at the edges. From one sample to the next the
// gradient rises by half a step to the right and a quarter of one down: a column or a line that was cut off shows in the mean.
TEST_P(OddFrames, AreScaledToEvenSidesEdgeToEdge) {
  for (const auto& [width, height] : {std::pair{161, 121}, std::pair{160, 121}, std::pair{161, 120}}) {
    ClipVideo frame{.encoder = "ffv1", .width = width, .height = height, .pixel_format = GetParam(), .frames = kFrames};
    frame.b_frames = 0;
    const Frames seen = frames_of(test::make_clip({.frame = frame, .container = "matroska"}));
    const int below_number = test::code_square_of(width) + 2;
    Distances left, right, top, bottom, elsewhere;
    for (std::size_t i = 0; i < seen.shown.size(); ++i) {
      const SeenLuma& shown = seen.shown[i];
      ASSERT_EQ(shown.width, 160);
      ASSERT_EQ(shown.height, 120);
      ASSERT_EQ(test::number_in(shown), i);
      for (int y = below_number; y < shown.height; ++y) {
        for (int x = 0; x < shown.width; ++x) {
          const double there = luma_between(seen.drawn[i], (x + 0.5) * width / 160 - 0.5, (y + 0.5) * height / 120 - 0.5);
          // The gradient begins anew at a line that falls somewhere; beside it, samples are nobody's.
          if (std::abs(there - 120) > 60) continue;
          const bool inside = x > 0 && x < shown.width - 1 && y > below_number && y < shown.height - 1;
          Distances& place = inside ? elsewhere : x == 0 ? left : x == shown.width - 1 ? right : y == below_number ? top : bottom;
          place.add(shown.at(x, y) - there);
        }
      }
    }
    for (const Distances* place : {&left, &right, &top, &bottom, &elsewhere}) {
      EXPECT_NEAR(place->mean(), 0, 0.1) << width << "x" << height;
      EXPECT_LT(place->worst(), 2) << width << "x" << height;
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Formats, OddFrames, ::testing::Values("yuv420p", "yuv422p", "yuv444p"));

// ---- Transparent ----

// What is under the transparency is shown as it is, neither darkened nor laid over anything.
TEST(TransparentFrames, LoseTheirTransparencyAndNothingElse) {
  for (const char* encoder : {"ffv1", "libvpx-vp9"}) {
    ClipVideo frame{.encoder = encoder, .width = 160, .height = 96, .pixel_format = "yuva420p", .frames = kFrames};
    frame.b_frames = 0;
    if (frame.encoder != "ffv1") frame.options = {{"lossless", "1"}, {"deadline", "realtime"}, {"cpu-used", "8"}};
    const Fd clip = test::make_clip({.frame = frame, .container = "matroska"});
    const SourceFacts source = test::analysed(clip);
    EXPECT_TRUE(source.video->has_alpha) << encoder;
    EXPECT_THAT(source.notes, ::testing::Contains(::testing::HasSubstr("transparency is not carried"))) << encoder;
    const Frames seen = frames_of(clip);
    for (std::size_t i = 0; i < seen.shown.size(); ++i) ASSERT_EQ(seen.shown[i], seen.drawn[i]) << encoder << " " << i;
  }
}

}  // namespace
}  // namespace gopmill
