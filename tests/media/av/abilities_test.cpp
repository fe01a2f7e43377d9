#include "media/abilities.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace gopmill {
namespace {

// What a segment's encode is checked by is one of the decoders, under the name that the planner asks for.
TEST(Abilities, ThisBuildMakesAndReadsWhatProfilesAskFor) {
  EXPECT_EQ(present_encoders(), known_encoders());
  const std::vector<std::string> decoders = present_decoders();
  EXPECT_TRUE(std::is_sorted(decoders.begin(), decoders.end()));
  for (const VideoCodec codec : {VideoCodec::kH264, VideoCodec::kHevc, VideoCodec::kAv1, VideoCodec::kVp9}) {
    EXPECT_TRUE(std::binary_search(decoders.begin(), decoders.end(), codec_word(codec))) << codec_word(codec);
  }
  EXPECT_TRUE(std::binary_search(decoders.begin(), decoders.end(), "mp3")) << "its decoder is called mp3float";
  EXPECT_FALSE(std::binary_search(decoders.begin(), decoders.end(), "bink")) << "libav has it, gopmill does not open it";
}

}  // namespace
}  // namespace gopmill
