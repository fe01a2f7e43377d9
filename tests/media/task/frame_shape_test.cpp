#include "media/task/frame_shape.h"

#include <gtest/gtest.h>

namespace gopmill {
namespace {

constexpr FrameShape kSquare{720, 576, {1, 1}, {1, 1}, 0};

TEST(FrameShape, AFrameLikeThePlannedOneFillsItsFrame) {
  EXPECT_EQ(box_for(kSquare, 720, 576, {1, 1}, 360, 288), (FrameBox{0, 0, 360, 288}));
  EXPECT_EQ(box_for(kSquare, 720, 576, {0, 1}, 360, 288), (FrameBox{0, 0, 360, 288})) << "says no aspect";
  // What the container says overrules the stream in every frame.
  EXPECT_EQ(box_for({720, 576, {64, 45}, {16, 15}, 0}, 720, 576, {16, 15}, 1024, 576), (FrameBox{0, 0, 1024, 576}));
}

TEST(FrameShape, AWiderOneGetsBarsAboveAndBelowAndANarrowerOneAtItsSides) {
  EXPECT_EQ(box_for({720, 576, {16, 15}, {16, 15}, 0}, 720, 576, {64, 45}, 768, 576), (FrameBox{0, 72, 768, 432}));
  EXPECT_EQ(box_for({720, 576, {64, 45}, {64, 45}, 0}, 720, 576, {16, 15}, 1024, 576), (FrameBox{128, 0, 768, 576}));
}

TEST(FrameShape, AnotherSizeOfTheSameAspectFillsTheFrame) {
  EXPECT_EQ(box_for({1920, 1080, {1, 1}, {1, 1}, 0}, 1280, 720, {1, 1}, 640, 360), (FrameBox{0, 0, 640, 360}));
  EXPECT_EQ(box_for({1920, 1080, {1, 1}, {1, 1}, 0}, 854, 480, {1, 1}, 640, 360), (FrameBox{0, 0, 640, 360})) << "854 is rounded";
}

TEST(FrameShape, ATurnedFrameIsComparedAsItIsShown) {
  EXPECT_EQ(box_for({1280, 720, {1, 1}, {1, 1}, 1}, 720, 720, {1, 1}, 360, 640), (FrameBox{0, 140, 360, 360}));
}

TEST(FrameShape, AbsurdAspectsStayInsideTheFrame) {
  EXPECT_EQ(box_for(kSquare, 720, 576, {2147483647, 1}, 360, 288), (FrameBox{0, 142, 360, 2}));
  EXPECT_EQ(box_for(kSquare, 1, 8192, {1, 2147483647}, 360, 288), (FrameBox{178, 0, 2, 288}));
}

}  // namespace
}  // namespace gopmill
