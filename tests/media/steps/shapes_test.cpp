// Pictures that are turned, cropped, of odd sizes or transparent, from their packets to the samples that encoders are given.

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

using test::ClipPicture;
using test::SeenLuma;

// Two seconds, so that segments of one second meet once.
constexpr int kFrames = 50;

// As the clip was drawn, for its packets lose nothing; and as a job that loses nothing hands it to its encoders.
struct Pictures {
  std::vector<SeenLuma> drawn, shown;
};
Pictures pictures_of(const Fd& clip) {
  Pictures all;
  const SourceFacts source = test::analysed(clip);
  all.drawn = test::luma_of_pictures(test::journal_of_track(clip.get(), 1).get());
  for (const Fd& journal : test::lossless_job(clip, source, {1, 1})) {
    for (SeenLuma& picture : test::luma_of_pictures(journal.get())) all.shown.push_back(std::move(picture));
  }
  EXPECT_EQ(all.drawn.size(), static_cast<std::size_t>(kFrames));
  EXPECT_EQ(all.shown.size(), static_cast<std::size_t>(kFrames));
  return all;
}

ClipPicture lossless(int width, int height) {
  ClipPicture picture{.width = width, .height = height, .frames = kFrames};
  picture.options = {{"qp", "0"}};
  return picture;
}

// ---- Turned and mirrored ----

// The matrix as a player reads it, point by point, moved back to where there are samples.
SeenLuma shown_by(const SeenLuma& picture, const std::array<int, 4>& matrix) {
  const auto [a, b, c, d] = matrix;
  const bool across = a == 0;
  SeenLuma result{across ? picture.height : picture.width, across ? picture.width : picture.height, picture.samples};
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      const int to_x = a * x + c * y + (a + c < 0 ? result.width - 1 : 0);
      const int to_y = b * x + d * y + (b + d < 0 ? result.height - 1 : 0);
      result.samples[static_cast<std::size_t>(to_y * result.width + to_x)] = picture.at(x, y);
    }
  }
  return result;
}

class TurnedPictures : public ::testing::TestWithParam<std::array<int, 4>> {};

TEST_P(TurnedPictures, AreShownAsTheContainerSaysToTheSample) {
  ClipPicture picture = lossless(160, 96);
  picture.shown_by = GetParam();
  const Pictures seen = pictures_of(test::make_clip({.picture = picture}));
  for (std::size_t i = 0; i < seen.shown.size(); ++i) ASSERT_EQ(seen.shown[i], shown_by(seen.drawn[i], GetParam())) << i;
}
INSTANTIATE_TEST_SUITE_P(EveryWay, TurnedPictures,
                         ::testing::Values(std::array{1, 0, 0, 1}, std::array{0, 1, -1, 0}, std::array{-1, 0, 0, -1},
                                           std::array{0, -1, 1, 0}, std::array{-1, 0, 0, 1}, std::array{1, 0, 0, -1},
                                           std::array{0, 1, 1, 0}, std::array{0, -1, -1, 0}));

// ---- Cropped ----

SeenLuma cropped(const SeenLuma& picture, int left, int top, int width, int height) {
  SeenLuma result{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) result.samples.push_back(picture.at(left + x, top + y));
  }
  return result;
}

// What a stream says is outside of its picture is not shown: on all sides, and at odd offsets of chroma.
TEST(CroppedPictures, ShowWhatTheStreamSaysAndNoMore) {
  struct Crop {
    int left, top, right, bottom;
  };
  for (const Crop crop : {Crop{0, 0, 0, 8}, Crop{16, 8, 16, 8}, Crop{2, 6, 10, 4}}) {
    ClipPicture picture = lossless(192, 128);
    const Fd whole = test::make_clip({.picture = picture});
    picture.options["x264-params"] = "scenecut=0:keyint=25:crop-rect=" + std::to_string(crop.left) + "," +
                                     std::to_string(crop.top) + "," + std::to_string(crop.right) + "," +
                                     std::to_string(crop.bottom);
    const Pictures uncropped = pictures_of(whole);
    const Pictures seen = pictures_of(test::make_clip({.picture = picture}));
    for (std::size_t i = 0; i < seen.shown.size(); ++i) {
      ASSERT_EQ(seen.shown[i],
                cropped(uncropped.drawn[i], crop.left, crop.top, 192 - crop.left - crop.right, 128 - crop.top - crop.bottom))
          << i << ", " << crop.left << " from the left";
    }
  }
}

// ---- Odd sizes ----

// The source's luma at a place of the output, between its samples.
double luma_between(const SeenLuma& picture, double x, double y) {
  const int left = std::clamp(static_cast<int>(std::floor(x)), 0, picture.width - 1),
            right = std::min(left + 1, picture.width - 1);
  const int top = std::clamp(static_cast<int>(std::floor(y)), 0, picture.height - 1),
            bottom = std::min(top + 1, picture.height - 1);
  const double across = std::clamp(x - left, 0.0, 1.0), down = std::clamp(y - top, 0.0, 1.0);
  return (1 - down) * ((1 - across) * picture.at(left, top) + across * picture.at(right, top)) +
         down * ((1 - across) * picture.at(left, bottom) + across * picture.at(right, bottom));
}

class OddPictures : public ::testing::TestWithParam<const char*> {};

// How far output pictures are from the source's at the places they should show, with its sign.
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
TEST_P(OddPictures, AreScaledToEvenSidesEdgeToEdge) {
  for (const auto& [width, height] : {std::pair{161, 121}, std::pair{160, 121}, std::pair{161, 120}}) {
    ClipPicture picture{.encoder = "ffv1", .width = width, .height = height, .pixel_format = GetParam(), .frames = kFrames};
    picture.b_frames = 0;
    const Pictures seen = pictures_of(test::make_clip({.picture = picture, .container = "matroska"}));
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
INSTANTIATE_TEST_SUITE_P(Formats, OddPictures, ::testing::Values("yuv420p", "yuv422p", "yuv444p"));

// ---- Transparent ----

// What is under the transparency is shown as it is, neither darkened nor laid over anything.
TEST(TransparentPictures, LoseTheirTransparencyAndNothingElse) {
  for (const char* encoder : {"ffv1", "libvpx-vp9"}) {
    ClipPicture picture{.encoder = encoder, .width = 160, .height = 96, .pixel_format = "yuva420p", .frames = kFrames};
    picture.b_frames = 0;
    if (picture.encoder != "ffv1") picture.options = {{"lossless", "1"}, {"deadline", "realtime"}, {"cpu-used", "8"}};
    const Fd clip = test::make_clip({.picture = picture, .container = "matroska"});
    const SourceFacts source = test::analysed(clip);
    EXPECT_TRUE(source.video->has_alpha) << encoder;
    EXPECT_THAT(source.notes, ::testing::Contains(::testing::HasSubstr("transparency is not carried"))) << encoder;
    const Pictures seen = pictures_of(clip);
    for (std::size_t i = 0; i < seen.shown.size(); ++i) ASSERT_EQ(seen.shown[i], seen.drawn[i]) << encoder << " " << i;
  }
}

}  // namespace
}  // namespace gopmill
