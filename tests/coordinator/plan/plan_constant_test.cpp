// Constant rates and film: what renditions show where frames are not simply shown at their own times.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/plan/plan.h"
#include "coordinator/plan/plan_film.h"
#include "tests/support/plan_text.h"
#include "tests/support/source_builder.h"

namespace gopmill {
namespace {

using test::clip;
using test::plan;
using test::profile_with;
using test::rendition;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Profile constant(Rational fps) {
  RenditionProfile at = rendition();
  at.fps = fps;
  return profile_with({at});
}

std::vector<std::uint32_t> shows(const Plan& made) { return made.shows.at(0); }

// ---- Constant rate ----

TEST(ConstantRate, EveryFrameSitsExactlyOnTheGrid) {
  for (const Rational fps : {Rational{25, 1}, Rational{30000, 1001}, Rational{24000, 1001}, Rational{60, 1}, Rational{1, 1}}) {
    const Plan made = plan(clip().base({1, 1000}).at(29).frames(200).facts(), constant(fps));
    const RenditionPlan& file = made.renditions.at(0).file;
    EXPECT_LE(file.base.value(), 0.0001);
    for (std::size_t n = 0; n < file.frames.size(); ++n) {
      const std::int64_t left = file.frames[n].pts * fps.num;
      ASSERT_EQ(left % (file.base.den * fps.den), 0) << n;
      ASSERT_EQ(left / (file.base.den * fps.den), static_cast<std::int64_t>(n));
    }
    EXPECT_EQ(file.last_duration * fps.num % (file.base.den * fps.den), 0) << "whole frames";
    EXPECT_EQ(made.renditions.at(0).encoder.frame_rate, fps);
    EXPECT_EQ(made.renditions.at(0).encoder.base, file.base);
    EXPECT_NEAR(made.seconds, 200 / 29.0, 0.5 / fps.value());
  }
}

TEST(ConstantRate, ShowsTheLastFrameThatBeginsBeforeTheMiddleOfTheFrame) {
  // 25 frames/s from frames at 0, 19, 21, 61, 200 ms.
  const SourceFacts source =
      clip().base({1, 1000}).at(25).frames(1).frame_after(19).frame_after(2).frame_after(40).frame_after(139).facts();
  EXPECT_THAT(shows(plan(source, constant({25, 1}))), ElementsAre(1, 2, 3, 3, 3, 4));
}

TEST(ConstantRate, TheLastFrameIsOneFrameAsLongAsItLasts) {
  SourceFacts source = clip().base({1, 1000}).at(25).frames(10).facts();
  source.video->last_duration = 1570;
  const RenditionPlan& file = plan(source, constant({25, 1})).renditions.at(0).file;
  EXPECT_EQ(file.frames.size(), 10U);
  EXPECT_EQ(Timestamp({file.last_duration, file.base}).seconds(), 1.56) << "39 frames";
}

TEST(ConstantRate, AClockThatTremblesLosesAndDoublesNothing) {
  auto source = clip().base({1, 1000}).at(Rational{30000, 1001}).frames(1);
  for (int i = 1; i < 300; ++i) {
    const auto at = [](int n) { return static_cast<std::int64_t>(n) * 1001 / 30 + (n * 7 % 13 - 6); };
    source.frame_after(at(i) - (i == 1 ? 0 : at(i - 1)));
  }
  const Plan made = plan(source.facts(), constant({30000, 1001}));
  ASSERT_EQ(shows(made).size(), 300U);
  for (std::uint32_t i = 0; i < 300; ++i) ASSERT_EQ(shows(made)[i], i);
}

TEST(ConstantRate, SegmentsOfItCoverEveryFrameOnce) {
  const Plan made = plan(clip().at(30).frames(900).closed_gops(30).facts(), constant({25, 1}));
  std::uint64_t next = 0;
  for (const PlannedTask& task : made.tasks) {
    EXPECT_EQ(task.ranges.at(0).first, next);
    EXPECT_TRUE(made.renditions[0].file.frames[next].key);
    next = task.ranges.at(0).end;
  }
  EXPECT_EQ(next, 750U);
  EXPECT_EQ(made.tasks.size(), 3U);
}

TEST(ConstantRate, RungsOfDifferentRatesAreCutTogether) {
  RenditionProfile cfr = rendition("cfr");
  cfr.fps = Rational{30000, 1001};
  const Plan made = plan(clip().at(25).frames(1000).closed_gops(25).facts(), profile_with({rendition("own"), cfr}));
  for (const PlannedTask& task : made.tasks) {
    const auto start = [&](std::size_t r) {
      const RenditionPlan& file = made.renditions[r].file;
      return Timestamp{file.frames[task.ranges[r].first].pts, file.base}.seconds();
    };
    EXPECT_NEAR(start(0), start(1), 0.041);
  }
}

TEST(ConstantRate, AudioThatBeginsFirstMovesTheFrameOnTheGrid) {
  const Plan made = plan(clip().at(25).frames(50).audio_after(-500).facts(), constant({25, 1}));
  const RenditionPlan& file = made.renditions.at(0).file;
  EXPECT_EQ(file.frames.front().pts * 25, 12 * file.base.den) << "0.5 s is the middle of the frame at 0.48";
  EXPECT_EQ(shows(made).front(), 0U);
}

// ---- Film ----

VideoTrack pulled_down(const std::vector<std::uint8_t>& lengths, bool top_first) {
  std::size_t fields = 0;
  for (const std::uint8_t length : lengths) fields += length;
  VideoTrack track = *clip().base({1, 30000}).at(Rational{30000, 1001}).frames(fields / 2).facts().video;
  track.scan = Scan::kTelecined;
  track.top_first = top_first;
  track.film = lengths;
  return track;
}

std::string text(const std::vector<WovenFrame>& woven) {
  std::string result;
  for (const WovenFrame& each : woven) {
    result +=
        (result.empty() ? "" : " ") + std::to_string(each.top) + "/" + std::to_string(each.bottom) + (each.combed ? "!" : "");
  }
  return result;
}

TEST(Film, KeepShowsEveryFilmFrameAtTheSourcesTimes) {
  // Fields AABBB CCDDD: the third frame is B and C, the fourth C and D; both show C.
  const FilmFrames kept = film_frames(pulled_down({2, 3, 2, 3}, true), Telecine::kKeep);
  EXPECT_EQ(text(kept.woven), "0/0 1/1 3/2 3/2 4/4");
  EXPECT_EQ(kept.frames.size(), 5U);
  EXPECT_EQ(kept.frames[2].pts, 2002);
  EXPECT_FALSE(kept.rate);
  EXPECT_EQ(text(film_frames(pulled_down({2, 3, 2, 3}, false), Telecine::kKeep).woven), "0/0 1/1 2/3 2/3 4/4");
}

TEST(Film, FilmShowsEveryFilmFrameOnceAtTheTimeOfItsFirstField) {
  const FilmFrames film = film_frames(pulled_down({2, 3, 2, 3}, true), Telecine::kFilm);
  EXPECT_EQ(text(film.woven), "0/0 1/1 3/2 4/4");
  std::vector<std::int64_t> times;
  for (const SourceFrame& frame : film.frames) times.push_back(frame.pts);
  EXPECT_THAT(times, ElementsAre(0, 1001, 2502, 3503));
  EXPECT_EQ(film.rate, (Rational{24000, 1001}));
}

TEST(Film, TheRateIsThatOfTheCadence) {
  const auto rate = [](std::vector<std::uint8_t> cycle, std::size_t cycles) {
    std::vector<std::uint8_t> lengths;
    for (std::size_t i = 0; i < cycles; ++i) lengths.insert(lengths.end(), cycle.begin(), cycle.end());
    return *film_frames(pulled_down(lengths, true), Telecine::kFilm).rate;
  };
  EXPECT_EQ(rate({2, 3, 2, 3}, 20), (Rational{24000, 1001}));
  EXPECT_EQ(rate({2, 3, 2, 3, 2, 2, 2, 2, 2}, 20), (Rational{24000, 1001})) << "still scenes in between";
  EXPECT_EQ(rate({2, 3, 2, 2, 3}, 20), (Rational{25000, 1001}));
  EXPECT_EQ(rate({2}, 50), (Rational{30000, 1001}));
}

TEST(Film, LoneFieldsAreDeinterlacedOnce) {
  EXPECT_EQ(text(film_frames(pulled_down({2, 1, 1, 2}, true), Telecine::kFilm).woven), "0/0 1/1! 2/2");
  EXPECT_EQ(text(film_frames(pulled_down({2, 1, 1, 2}, true), Telecine::kKeep).woven), "0/0 1/1! 2/2");
}

std::vector<std::uint8_t> cadence(std::size_t cycles) {
  std::vector<std::uint8_t> lengths;
  for (std::size_t i = 0; i < cycles; ++i) lengths.insert(lengths.end(), {2, 3, 2, 3});
  return lengths;
}

TEST(Film, TheGridShowsEachFilmFrameOnceInEveryPhase) {
  for (std::size_t phase = 0; phase < 4; ++phase) {
    std::vector<std::uint8_t> lengths = cadence(60);
    lengths.erase(lengths.begin(), lengths.begin() + static_cast<std::ptrdiff_t>(phase));
    std::size_t fields = 0;
    for (const std::uint8_t length : lengths) fields += length;
    if (fields % 2 != 0) lengths.back() = 2;
    SourceFacts source;
    source.video = pulled_down(lengths, true);
    Profile profile = profile_with({rendition()});
    profile.telecine = Telecine::kFilm;
    const Plan made = plan(source, profile);
    ASSERT_EQ(shows(made).size(), lengths.size());
    for (std::uint32_t i = 0; i < lengths.size(); ++i) ASSERT_EQ(shows(made)[i], i) << phase;
    EXPECT_EQ(made.renditions[0].encoder.frame_rate, (Rational{24000, 1001}));
  }
}

TEST(Film, TasksWeaveFromTheFramesTheyCarry) {
  SourceFacts source;
  source.video = pulled_down(cadence(300), true);
  source.video->interlaced = true;
  const Profile profile = profile_with({rendition()});
  const Plan made = plan(source, profile);
  ASSERT_GT(made.tasks.size(), 2U);
  for (std::uint32_t t = 0; t < made.tasks.size(); ++t) {
    const VideoTask task = *task_request(made, source, profile, t).video;
    for (const OutputFrame& frame : task.renditions.at(0).frames) {
      const WovenFrame& woven = task.woven.at(frame.source);
      const std::uint64_t n = static_cast<std::uint64_t>(frame.pts) / 1001;
      const WovenFrame& planned = made.woven.at(n);
      ASSERT_EQ(task.sources.at(woven.top), source.video->frames[planned.top].packet);
      ASSERT_EQ(task.sources.at(woven.bottom), source.video->frames[planned.bottom].packet);
    }
  }
}

TEST(Film, FieldsRepeatedByFlagsAreFoundByTheirTimes) {
  auto soft = clip().base({1, 60000}).at(Rational{24000, 1001}).frames(1);
  for (int i = 1; i < 48; ++i) soft.frame_after(i % 2 != 0 ? 2002 : 3003);
  Profile profile = profile_with({rendition()});
  const SourceFacts source = soft.facts();
  EXPECT_EQ(plan(source, profile).renditions[0].file.frames[1].pts, 2002) << "kept: the source's own times";
  profile.telecine = Telecine::kFilm;
  const Plan made = plan(source, profile);
  EXPECT_EQ(made.renditions[0].encoder.frame_rate, (Rational{24000, 1001}));
  ASSERT_EQ(shows(made).size(), 48U);
  for (std::uint32_t i = 0; i < 48; ++i) EXPECT_EQ(shows(made)[i], i);
}

TEST(Film, FilmOfAProgressiveSourceIsSaidToChangeNothing) {
  Profile profile = profile_with({rendition()});
  profile.telecine = Telecine::kFilm;
  EXPECT_THAT(plan(clip().at(25).frames(100).facts(), profile).notes, ::testing::Contains(HasSubstr("not telecined")));
}

}  // namespace
}  // namespace gopmill
