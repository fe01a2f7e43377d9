#include "cli/client/compare.h"

#include <gmock/gmock.h>

namespace gopmill {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

SourceFacts film(int frames, int fps, int shift_ms = 0) {
  SourceFacts facts;
  VideoTrack video;
  video.base = {1, 90'000};
  for (int i = 0; i < frames; ++i) {
    video.frames.push_back({shift_ms * 90 + rescale(i, {1, fps}, video.base), static_cast<std::uint32_t>(i)});
  }
  video.last_duration = 90'000 / fps;
  facts.video = video;
  AudioTrack sound;
  sound.sample_rate = 48'000;
  sound.starts_after_picture = {480, {1, 48'000}};
  sound.seconds = static_cast<double>(frames) / fps;
  facts.audio = {sound};
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

TEST(Compare, TheSameHolds) { EXPECT_THAT(differing(film(250, 25), film(250, 25)), IsEmpty()); }

TEST(Compare, OneConstantShiftIsAllowed) { EXPECT_THAT(differing(film(250, 25), film(250, 25, 1400)), IsEmpty()); }

TEST(Compare, ALostFrameIsFound) { EXPECT_THAT(differing(film(250, 25), film(249, 25)), ElementsAre("source frames")); }

TEST(Compare, AFrameTwoMillisecondsOffBothWaysIsFound) {
  SourceFacts output = film(250, 25);
  output.video->frames[7].pts += 2 * 90;
  output.video->frames[9].pts -= 2 * 90;
  EXPECT_THAT(differing(film(250, 25), output), ElementsAre("source timestamps"));
}

TEST(Compare, AReducedRateIsSaidAndNotHeldAgainstTheFile) {
  EXPECT_THAT(differing(film(600, 60), film(300, 30)), ElementsAre("(source frames)"));
  EXPECT_THAT(differing(film(600, 60), film(200, 30)), ElementsAre("source frames", "source length", "source sound length"));
}

TEST(Compare, SoundThatMovedOrEndsEarlyIsFound) {
  SourceFacts output = film(250, 25);
  output.audio[0].starts_after_picture.ticks += 96;
  EXPECT_THAT(differing(film(250, 25), output), ElementsAre("source sound start"));
  output = film(250, 25);
  output.audio[0].seconds -= 0.1;
  EXPECT_THAT(differing(film(250, 25), output), ElementsAre("source sound length"));
  output.audio.clear();
  EXPECT_THAT(differing(film(250, 25), output), ElementsAre("(source sound)"));
}

TEST(Compare, TheTrackIsTheOneOfItsLanguage) {
  SourceFacts source = film(250, 25);
  source.audio.push_back(source.audio[0]);
  source.audio[0].language = "eng";
  source.audio[1].language = "ger";
  source.audio[1].seconds -= 3;
  SourceFacts output = film(250, 25);
  output.audio[0].language = "deu";
  output.audio[0].seconds -= 3;
  EXPECT_THAT(differing(source, output), IsEmpty());
  output.audio[0].language = "fra";  // none: the default track
  EXPECT_THAT(differing(source, output), ElementsAre("source sound length"));
}

TEST(Compare, SoundAloneAndNothingAtAll) {
  SourceFacts sound = film(250, 25);
  sound.video.reset();
  EXPECT_THAT(differing(sound, sound), IsEmpty());
  EXPECT_THAT(differing(film(250, 25), sound), ElementsAre("(source picture)"));
  EXPECT_THAT(differing(sound, film(250, 25)), ElementsAre("source picture"));
  SourceFacts empty = film(0, 25);
  EXPECT_THAT(differing(film(250, 25), empty), testing::Contains("source frames"));
}

}  // namespace
}  // namespace gopmill
