// What a farm of real processes owes its people, whatever is killed.

#include "tests/e2e/source_farm.h"

#include <signal.h>

#include <gmock/gmock.h>

namespace gopmill::e2e {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

using FarmTest = SourceFarm;

TEST_F(FarmTest, OneOrThreeWorkersGiveTheSameBytes) {
  const Folder out;
  const Outcome run = gopmill({"run", clip(), "-p", profile(), "-o", out.path().string(), "--workers", "3"});
  ASSERT_EQ(run.exit, 0) << run.err;
  EXPECT_EQ(renditions(out.path()), undisturbed());
}

TEST_F(FarmTest, WorkersKilledOneAfterTheOtherChangeNothing) {
  Farm farm;
  std::vector<pid_t> workers{farm.add_worker(), farm.add_worker()};
  const Folder out;
  const pid_t submit = submit_and_wait(farm, out);
  for (std::uint64_t kills = 0; kills < 3; ++kills) {
    ASSERT_TRUE(eventually([&] { return tasks_done(farm, "1") >= kills + 1; })) << farm.log();
    farm.kill(workers[kills % workers.size()]);
    workers[kills % workers.size()] = farm.add_worker();
  }
  EXPECT_EQ(farm.finish(submit), 0) << farm.log();
  EXPECT_EQ(renditions(out.path()), undisturbed());
}

TEST_F(FarmTest, AStoppedWorkerIsNoticedAndItsWorkRunsElsewhere) {
  Farm farm;
  const pid_t stopped = farm.add_worker();
  const Folder out;
  const pid_t submit = submit_and_wait(farm, out);
  ASSERT_TRUE(eventually([&] { return busy(farm); })) << farm.log();
  farm.signal(stopped, SIGSTOP);
  farm.add_worker();
  EXPECT_EQ(farm.finish(submit), 0) << farm.log();
  EXPECT_EQ(renditions(out.path()), undisturbed());
  EXPECT_EQ(worker_count(farm), 1U);
  // Woken up, it finds itself forgotten and joins again.
  farm.signal(stopped, SIGCONT);
  EXPECT_TRUE(eventually([&] { return worker_count(farm) == 2; })) << farm.log();
}

TEST_F(FarmTest, ACoordinatorThatIsKilledGoesOnWhereItWas) {
  Farm farm;
  farm.add_worker();
  const Folder out;
  ASSERT_EQ(farm.ask({"submit", clip(), "-p", profile(), "-o", out.path().string()}).exit, 0);
  ASSERT_TRUE(eventually([&] { return tasks_done(farm, "1") >= 2; })) << farm.log();
  farm.kill_coordinator();
  farm.start_coordinator();
  EXPECT_GE(tasks_done(farm, "1"), 2U);
  EXPECT_EQ(farm.ask({"wait", "1"}).exit, 0) << farm.log();
  EXPECT_EQ(renditions(out.path()), undisturbed());
}

TEST_F(FarmTest, NothingIsLeftInTheSpoolOnceDelivered) {
  Farm farm;
  farm.add_worker(2);
  const Folder out;
  ASSERT_EQ(farm.ask({"submit", clip(), "-p", profile(), "-o", out.path().string(), "--wait"}).exit, 0) << farm.log();
  EXPECT_TRUE(eventually([&] { return farm.spool_files().empty(); }));
  std::vector<std::string> made;
  for (const auto& entry : std::filesystem::directory_iterator(out.path())) made.push_back(entry.path().filename().string());
  EXPECT_THAT(made, testing::UnorderedElementsAre("clip_240p.mp4", "clip_144p.mp4", "report.json"));
}

TEST_F(FarmTest, ACancelledJobLeavesNothingAndSaysSo) {
  Farm farm;
  farm.add_worker();
  const Folder out;
  ASSERT_EQ(farm.ask({"submit", clip(), "-p", profile(), "-o", (out / "results").string()}).exit, 0);
  ASSERT_TRUE(eventually([&] { return busy(farm); })) << farm.log();
  EXPECT_EQ(farm.ask({"cancel", "1"}).exit, 0);
  EXPECT_TRUE(eventually([&] { return farm.spool_files().empty(); }));
  const Outcome wait = farm.ask({"wait", "1"});
  EXPECT_EQ(wait.exit, 1);
  EXPECT_THAT(wait.err, HasSubstr("cancelled"));
  EXPECT_TRUE(eventually([&] { return !busy(farm); })) << "the worker's child goes too";
}

TEST_F(FarmTest, WithoutWorkersAJobWaitsAndSaysForWhat) {
  Farm farm;
  const Folder out;
  ASSERT_EQ(farm.ask({"submit", clip(), "-p", profile(), "-o", out.path().string()}).exit, 0);
  EXPECT_TRUE(eventually([&] { return farm.ask({"job", "1"}).out.find("worker") != std::string::npos; }))
      << farm.ask({"job", "1"}).out;
}

// The only worker may not encode H.264: the job waits and says for what, and another worker does all of it.
TEST_F(FarmTest, ASegmentWaitsForAWorkerThatHasItsEncoder) {
  Farm farm;
  farm.start({"worker", "--connect", "ipc://" + (farm.path() / "c").string(), "--slots", "2", "--without-encoder", "libx264"});
  const Folder out;
  ASSERT_EQ(farm.ask({"submit", clip(), "-p", profile(), "-o", out.path().string()}).exit, 0);
  EXPECT_TRUE(eventually([&] {
    return farm.ask({"job", "1"}).out.find("no worker here has the encoder libx264") != std::string::npos;
  })) << farm.ask({"job", "1"}).out;
  EXPECT_THAT(farm.ask({"workers"}).out, HasSubstr("working, without libx264"));
  EXPECT_THAT(farm.ask({"workers", "--json"}).out, HasSubstr("\"without\": [\n      \"libx264\"\n    ]"));
  // Audio needs another encoder, and does not wait.
  EXPECT_TRUE(eventually([&] { return tasks_done(farm, "1") == 1; })) << farm.log();
  farm.add_worker();
  EXPECT_EQ(farm.ask({"wait", "1"}).exit, 0) << farm.log();
  EXPECT_EQ(json_of(farm.ask({"job", "1", "--json"})).value("attempts_lost", 999U), 0U)
      << "nothing was tried where it could not be done";
  EXPECT_EQ(renditions(out.path()), undisturbed());
}

TEST_F(FarmTest, AnInterruptedRunLeavesNothing) {
  Farm processes;  // only its way of starting things is used
  const Folder out;
  const pid_t run = processes.start({"run", clip(), "-p", profile(), "-o", out.path().string(), "--workers", "1"});
  ASSERT_TRUE(eventually([&] { return processes.log().find("running") != std::string::npos; }));
  processes.signal(run, SIGINT);
  EXPECT_EQ(processes.finish(run, 30), 130) << processes.log();
  EXPECT_TRUE(std::filesystem::is_empty(out.path()) || !std::filesystem::exists(out.path()));
}

}  // namespace
}  // namespace gopmill::e2e
