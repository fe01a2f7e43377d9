#include "cli/client/compare.h"

#include <gmock/gmock.h>

namespace gopmill {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

SourceFacts clip(int frames, int fps, int shift_ms = 0) {
  SourceFacts facts;
  VideoTrack video;
  video.base = {1, 90'000};
  for (int i = 0; i < frames; ++i) {
    video.frames.push_back({shift_ms * 90 + rescale(i, {1, fps}, video.base), static_cast<std::uint32_t>(i)});
  }
  video.last_duration = 90'000 / fps;
  facts.video = video;
  AudioTrack audio;
  audio.sample_rate = 48'000;
  audio.starts_after_video = {480, {1, 48'000}};
  audio.seconds = static_cast<double>(frames) / fps;
  facts.audio = {audio};
  return facts;
}

// The checks that do not hold, advisory ones in parentheses.
std::vector<std::string> differing(const SourceFacts& source, const SourceFacts& output) {
  std::vector<std::string> names;
  for (const Check& check : compare(source, output)) {
    if (!check.passed) names.push_back(check.advisory ? "(" + check.name + ")" : check.name);
  }
  return names;
}

TEST(Compare, TheSameHolds) { EXPECT_THAT(differing(clip(250, 25), clip(250, 25)), IsEmpty()); }

TEST(Compare, OneConstantShiftIsAllowed) { EXPECT_THAT(differing(clip(250, 25), clip(250, 25, 1400)), IsEmpty()); }

TEST(Compare, ALostFrameIsFound) { EXPECT_THAT(differing(clip(250, 25), clip(249, 25)), ElementsAre("source frames")); }

TEST(Compare, AFrameTwoMillisecondsOffBothWaysIsFound) {
  SourceFacts output = clip(250, 25);
  output.video->frames[7].pts += 2 * 90;
  output.video->frames[9].pts -= 2 * 90;
  EXPECT_THAT(differing(clip(250, 25), output), ElementsAre("source timestamps"));
}

TEST(Compare, AReducedRateIsSaidAndNotHeldAgainstTheFile) {
  EXPECT_THAT(differing(clip(600, 60), clip(300, 30)), ElementsAre("(source frames)"));
  EXPECT_THAT(differing(clip(600, 60), clip(200, 30)), ElementsAre("source frames", "source length", "source audio length"));
}

TEST(Compare, AudioThatMovedOrEndsEarlyIsFound) {
  SourceFacts output = clip(250, 25);
  output.audio[0].starts_after_video.ticks += 96;
  EXPECT_THAT(differing(clip(250, 25), output), ElementsAre("source audio start"));
  output = clip(250, 25);
  output.audio[0].seconds -= 0.1;
  EXPECT_THAT(differing(clip(250, 25), output), ElementsAre("source audio length"));
  output.audio.clear();
  EXPECT_THAT(differing(clip(250, 25), output), ElementsAre("(source audio)"));
}

TEST(Compare, TheTrackIsTheOneOfItsLanguage) {
  SourceFacts source = clip(250, 25);
  source.audio.push_back(source.audio[0]);
  source.audio[0].language = "eng";
  source.audio[1].language = "ger";
  source.audio[1].seconds -= 3;
  SourceFacts output = clip(250, 25);
  output.audio[0].language = "deu";
  output.audio[0].seconds -= 3;
  EXPECT_THAT(differing(source, output), IsEmpty());
  output.audio[0].language = "fra";  // none: the default track
  EXPECT_THAT(differing(source, output), ElementsAre("source audio length"));
}

TEST(Compare, AudioAloneAndNothingAtAll) {
  SourceFacts audio = clip(250, 25);
  audio.video.reset();
  EXPECT_THAT(differing(audio, audio), IsEmpty());
  EXPECT_THAT(differing(clip(250, 25), audio), ElementsAre("(source video)"));
  EXPECT_THAT(differing(audio, clip(250, 25)), ElementsAre("source video"));
  SourceFacts empty = clip(0, 25);
  EXPECT_THAT(differing(clip(250, 25), empty), testing::Contains("source frames"));
}

}  // namespace
}  // namespace gopmill
