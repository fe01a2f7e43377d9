// Frames that are shown for long, as slides and quiet screens are, by a quality with a cap.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "base/file.h"
#include "media/task/journal.h"
#include "tests/support/clips.h"

namespace gopmill {
namespace {

using ::testing::SizeIs;

// The bytes of each of six frames of 25 s.
std::vector<std::size_t> slides(VideoCodec codec, bool capped) {
  RenditionPlan plan;
  plan.codec = codec;
  plan.width = 320;
  plan.height = 176;
  plan.base = {1, 1000};
  plan.last_duration = 25'000;
  if (capped) {
    plan.maxrate = 600'000;
    plan.bufsize = 1'200'000;
  }
  for (std::size_t i = 0; i < 6; ++i) plan.frames.push_back({static_cast<std::int64_t>(i) * 25'000, true});
  EncoderSettings settings = test::settings_for(plan);
  settings.frame_rate = {1, 25};
  const std::vector<Fd> files = test::encode_segments(plan, {plan.frames.size()}, settings);
  std::vector<std::size_t> bytes;
  JournalReader reader = *JournalReader::open(files.front().get(), 0);
  while (const auto packet = *reader.next()) bytes.push_back(packet->bytes.size());
  return bytes;
}

TEST(Slides, ACapTakesNothingFromFramesItHasRoomFor) {
  for (const VideoCodec codec : {VideoCodec::kH264, VideoCodec::kHevc, VideoCodec::kAv1}) {
    const auto free = slides(codec, false);
    const auto capped = slides(codec, true);
    ASSERT_THAT(free, SizeIs(6));
    ASSERT_THAT(capped, SizeIs(6));
    for (std::size_t i = 0; i < free.size(); ++i) {
      EXPECT_GT(capped[i] * 4, free[i] * 3) << "frame " << i << " of codec " << static_cast<int>(codec);
    }
  }
}

}  // namespace
}  // namespace gopmill
