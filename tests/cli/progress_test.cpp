#include "cli/terminal/progress.h"

#include <gmock/gmock.h>

#include "cli/terminal/talk.h"
#include "views/job_json.h"

namespace gopmill {
namespace {

using testing::ElementsAre;

Instant at(int ms) { return {Duration{ms}}; }

wire::JobStatus running(std::uint64_t frames, double work = 0.5) {
  wire::JobStatus status;
  status.job = {3};
  status.source_name = "clip.mp4";
  status.profile_name = "phone";
  status.state = wire::JobState::kRunning;
  status.media = Duration{40'000};
  status.work_done = work;
  status.eta = Duration{12'900};
  status.workers_busy = 2;
  status.renditions = {{"720p", frames, 1000}, {"360p", frames, 1000}};
  return status;
}

TEST(Progress, PlainLineSaysEverythingWithoutEscapes) {
  EXPECT_EQ(plain_line(running(500), Pace{412, 6.94}),
            "job 3 clip.mp4: 50% running, 720p 50%, 360p 50%, 412 fps, 6.9x real time, ETA 0:12, workers busy 2");
}

TEST(Progress, PlainLineMakesNamesHarmless) {
  auto status = running(0, 0);
  status.source_name = "a\x1b[31m\nb";
  status.eta = Duration{-1};
  EXPECT_EQ(plain_line(status, std::nullopt), "job 3 a?[31m b: 0% running, 720p 0%, 360p 0%, workers busy 2");
}

TEST(Progress, AudioAloneHasNoFramesToCount) {
  auto status = running(0, 0.25);
  status.renditions = {{"audio", 0, 0}};
  EXPECT_EQ(plain_line(status, Pace{0, 31.5}), "job 3 clip.mp4: 25% running, 32x real time, ETA 0:12, workers busy 2");
  EXPECT_EQ(live_lines(status, std::nullopt, {80, false}).size(), 2U);
}

TEST(Progress, LiveLinesFitTheirWidth) {
  EXPECT_THAT(
      live_lines(running(500), Pace{412, 6.94}, {80, false}),
      ElementsAre("job 3  clip.mp4  phone  running",
                  "[###########-----------]  50%  412 fps  6.9x real time  ETA 0:12  workers busy 2", "  720p 50%  360p 50%"));
  for (std::size_t width = 1; width < 200; ++width) {
    for (const std::string& line : live_lines(running(777, 0.777), Pace{41.2, 0.7}, {width, false}))
      EXPECT_LE(columns(line), width) << line;
  }
}

TEST(Progress, PercentReachesAHundredOnlyWhenAllIsDone) {
  EXPECT_EQ(percent_done(running(0, 0.9999)), 99);
  EXPECT_EQ(percent_done(wire::RenditionProgress{"a", 999, 1000}), 99);
  EXPECT_EQ(percent_done(wire::RenditionProgress{"a", 1000, 1000}), 100);
  EXPECT_EQ(percent_done(wire::RenditionProgress{"a", 0, 0}), 0);
  auto done = running(0, 0);
  done.state = wire::JobState::kDone;
  EXPECT_EQ(percent_done(done), 100);
}

TEST(PaceMeter, MeasuresOverTheWindow) {
  PaceMeter meter;
  EXPECT_EQ(meter.pace(), std::nullopt);
  for (int second = 0; second <= 60; ++second)
    meter.note(running(static_cast<std::uint64_t>(second < 30 ? second : 30 + (second - 30) * 10)), at(second * 1000));
  ASSERT_TRUE(meter.pace());
  EXPECT_DOUBLE_EQ(meter.pace()->fps, 10);
  EXPECT_NEAR(meter.pace()->times_real_time, 10 / 25.0, 1e-9);  // 1000 frames in 40 s
}

TEST(PaceMeter, SilenceBetweenHeartbeatsIsNoSlowingDownButStandingStillIs) {
  PaceMeter meter;
  meter.note(running(0), at(0));
  meter.note(running(50), at(1000));
  meter.note(running(50), at(1900));
  EXPECT_DOUBLE_EQ(meter.pace()->fps, 50);
  meter.note(running(50), at(5000));
  EXPECT_DOUBLE_EQ(meter.pace()->fps, 10);
}

TEST(PaceMeter, ForgetsWhatWasBeforeALostSegment) {
  PaceMeter meter;
  meter.note(running(100), at(0));
  meter.note(running(200), at(1000));
  meter.note(running(150), at(2000));
  EXPECT_EQ(meter.pace(), std::nullopt);
}

TEST(PlainSchedule, SaysEachTenPercentOnceAndBreaksLongSilence) {
  PlainSchedule schedule;
  const JobId job{1};
  EXPECT_TRUE(schedule.due(job, 0, at(0)));
  EXPECT_FALSE(schedule.due(job, 9, at(1000)));
  EXPECT_TRUE(schedule.due(job, 10, at(2000)));
  EXPECT_FALSE(schedule.due(job, 19, at(3000)));
  EXPECT_TRUE(schedule.due(job, 35, at(4000)));
  EXPECT_FALSE(schedule.due(job, 28, at(5000))) << "a lost segment is no news";
  EXPECT_FALSE(schedule.due(job, 35, at(33'999)));
  EXPECT_TRUE(schedule.due(job, 35, at(34'000)));
  EXPECT_TRUE(schedule.due(JobId{2}, 35, at(34'000))) << "each job for itself";
}

TEST(Talk, Durations) {
  EXPECT_EQ(duration_text(Duration{0}), "0:00");
  EXPECT_EQ(duration_text(Duration{59'999}), "0:59");
  EXPECT_EQ(duration_text(Duration{754'000}), "12:34");
  EXPECT_EQ(duration_text(Duration{3'723'000}), "1:02:03");
}

TEST(Talk, Sizes) {
  EXPECT_EQ(bytes_text(999), "999 B");
  EXPECT_EQ(bytes_text(1000), "1.0 kB");
  EXPECT_EQ(bytes_text(999'949), "999.9 kB");
  EXPECT_EQ(bytes_text(999'950), "1.0 MB");
  EXPECT_EQ(bytes_text(34'560'000'000), "34.6 GB");
  EXPECT_EQ(bit_rate_text(4'250'000), "4.2 Mb/s");
}

TEST(Talk, CutsWholeCharactersByTheColumnsTheyTake) {
  EXPECT_EQ(columns("日本x"), 5U);
  EXPECT_EQ(cut_to("日本x", 3), "日");
  EXPECT_EQ(cut_to("äöü", 2), "äö");
  EXPECT_EQ(printable("ok\t\xc2\x85\x7f\n"), "ok ??");
}

}  // namespace
}  // namespace gopmill
