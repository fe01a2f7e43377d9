#include "media/abilities.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "profiles/codec_rules.h"

namespace gopmill {
namespace {

// What a segment's encode is checked by is one of the decoders, under the name that the planner asks for.
TEST(Abilities, ThisBuildMakesAndReadsWhatProfilesAskFor) {
  EXPECT_EQ(present_encoders(), known_encoders());
  const std::vector<std::string> decoders = present_decoders();
  EXPECT_TRUE(std::is_sorted(decoders.begin(), decoders.end()));
  for (const CodecRules& rules : all_video_codecs()) {
    EXPECT_TRUE(std::binary_search(decoders.begin(), decoders.end(), rules.word)) << rules.word;
  }
  EXPECT_TRUE(std::binary_search(decoders.begin(), decoders.end(), "mp3")) << "its decoder is called mp3float";
  EXPECT_FALSE(std::binary_search(decoders.begin(), decoders.end(), "bink")) << "libav has it, gopmill does not open it";
}

}  // namespace
}  // namespace gopmill
