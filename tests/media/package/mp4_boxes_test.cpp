#include "media/package/mp4_boxes.h"

#include <gmock/gmock.h>

#include <string>

#include "base/file.h"

namespace gopmill {
namespace {

TEST(Mp4Boxes, ACountOfSamplesIsHeldAgainstTheFile) {
  const auto file = open_source(GOPMILL_SOURCE_DIR "/tests/fuzz/corpus/mp4_boxes/samples_beyond_the_file");
  ASSERT_TRUE(file) << file.error().text;
  const auto layout = read_mp4_layout(file->get());
  ASSERT_TRUE(layout) << layout.error().text;
  std::string refused;
  for (const Mp4Track& track : layout->tracks) {
    if (const auto shown = presentation_of(*layout, track); !shown) refused += shown.error().text;
  }
  EXPECT_THAT(refused, testing::HasSubstr(" samples in a file of "));
}

}  // namespace
}  // namespace gopmill
