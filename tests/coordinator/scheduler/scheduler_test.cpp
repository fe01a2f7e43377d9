#include "coordinator/scheduler/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

// What a text scenario (tests/scenarios) cannot say well: the limits, the views, and what an odd plan does.

namespace gopmill {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using wire::JobState;

class SchedulerTest : public ::testing::Test {
 protected:
  std::vector<std::string> happen(const Event& event) {
    const Step step = scheduler_.handle(event, now_);
    std::vector<std::string> lines;
    for (const Fact& fact : step.facts) {
      facts_.push_back(fact);
      lines.push_back(describe(fact));
    }
    for (const Action& action : step.actions) lines.push_back(describe(action));
    return lines;
  }
  std::vector<std::string> submit(std::uint64_t job, bool upload = false) {
    return happen(events::JobAdded{JobId{job}, 50, upload});
  }
  std::vector<std::string> analysed(std::uint64_t job, std::vector<TaskShape> tasks) {
    return happen(events::StepDone{JobId{job}, StepKind::kAnalyse, std::move(tasks)});
  }
  std::vector<std::string> input(std::uint64_t job, std::uint32_t index) {
    return happen(events::InputReady{{JobId{job}, index}, {10, 20}});
  }
  std::vector<std::string> join(const std::string& peer, std::uint32_t slots = 1) {
    return happen(events::WorkerSaidHello{peer, {wire::kProtocolVersion, "build", "host/" + peer, slots}});
  }
  std::vector<std::string> beat(const std::string& peer, std::uint64_t worker, std::vector<wire::RunningTask> running) {
    return happen(events::WorkerHeard{peer, {WorkerId{worker}, std::move(running)}});
  }
  std::vector<std::string> done(const std::string& peer, std::uint64_t worker, std::uint64_t job, std::uint32_t index,
                                std::size_t outputs = 1) {
    return happen(events::TaskFinished{
        peer, {WorkerId{worker}, {JobId{job}, index}, 1, "result", std::vector<wire::ArtifactFacts>(outputs)}});
  }
  std::vector<std::string> advance(Duration by) {
    now_ = now_ + by;
    return happen(events::Tick{});
  }
  // A job of `video` tasks that runs, its inputs written as far as allowed.
  void run(std::uint64_t job, std::uint32_t video) {
    submit(job);
    analysed(job, std::vector<TaskShape>(video, {TaskKind::kVideo, 10, 200, 1, 60s}));
    for (std::uint32_t index = 0; index < std::min(video, 4U); ++index) input(job, index);
  }
  wire::JobStatus status(std::uint64_t job) { return scheduler_.job(JobId{job}, now_).value(); }

  Scheduler scheduler_{{"build", WorkerId{1}}};
  Instant now_;
  std::vector<Fact> facts_;
};

TEST_F(SchedulerTest, RefusesJobsBeyondItsLimitAndSaysWhatToDo) {
  for (std::uint64_t job = 1; job <= kJobsMax; ++job) submit(job, true);
  EXPECT_THAT(submit(kJobsMax + 1, true), ElementsAre(AllOf(HasSubstr("refuse job 10001"), HasSubstr("unavailable"),
                                                            HasSubstr("submit again when some have finished"))));
  EXPECT_EQ(scheduler_.job(JobId{kJobsMax + 1}, now_), std::nullopt);
  happen(events::CancelRequested{JobId{5}});
  EXPECT_THAT(submit(kJobsMax + 2, true), Contains("accept job 10002"));
}

TEST_F(SchedulerTest, RefusesWorkersBeyondItsLimit) {
  for (std::size_t worker = 1; worker <= kWorkersMax; ++worker) join(std::to_string(worker));
  EXPECT_THAT(join("late"), ElementsAre(AllOf(HasSubstr("refuse late"), HasSubstr("unavailable"))));
  EXPECT_THAT(join("1"), ElementsAre("welcome 1 as worker 1"));
}

TEST_F(SchedulerTest, ForgetsTheOldestEndedJobsOnly) {
  for (std::uint64_t job = 1; job <= kEndedKept + 10; ++job) {
    submit(job, true);
    advance(1ms);
    happen(events::CancelRequested{JobId{job}});
  }
  advance(1ms);
  EXPECT_EQ(scheduler_.job(JobId{10}, now_), std::nullopt);
  EXPECT_EQ(status(11).state, JobState::kCancelled);
  EXPECT_EQ(scheduler_.jobs(now_).size(), kEndedKept);
  EXPECT_EQ(scheduler_.jobs(now_).front().job, JobId{kEndedKept + 10});
  EXPECT_THAT(submit(3, true), IsEmpty()) << "an id is never used again";
}

TEST_F(SchedulerTest, APlanItCannotCarryOutFailsTheJob) {
  submit(1);
  EXPECT_THAT(analysed(1, {}), Contains("job 1 failed (internal: the plan has no tasks)"));
  submit(2);
  EXPECT_THAT(analysed(2, std::vector<TaskShape>(kTasksMax + 1)), Contains(HasSubstr("the plan has 100001 tasks")));
  submit(3);
  EXPECT_THAT(analysed(3, {{TaskKind::kVideo}, {TaskKind::kAudio}}), Contains(HasSubstr("an audio task after a video task")));
}

TEST_F(SchedulerTest, ASplitterThatBreaksItsWordFailsTheJob) {
  submit(1);
  analysed(1, std::vector<TaskShape>(9));
  EXPECT_THAT(input(1, 4), Contains(HasSubstr("splitting ran ahead of its window at task 4")));
  submit(2);
  analysed(2, std::vector<TaskShape>(2));
  input(2, 0);
  EXPECT_THAT(happen(events::StepDone{JobId{2}, StepKind::kSplit, {}}), Contains(HasSubstr("before the input of task 1")));
}

TEST_F(SchedulerTest, AResultWithTheWrongNumberOfOutputsIsALoss) {
  join("w");
  run(1, 1);
  EXPECT_THAT(done("w", 1, 1, 0, 2),
              ElementsAre("task 1/0 attempt 1 lost, machine (machine: worker 1 (host/w) reports 2 outputs of 1)",
                          "discard outputs of task 1/0 attempt 1", "settle task 1/0 attempt 1 with worker 1"));
}

TEST_F(SchedulerTest, OnlyTheHolderOfALeaseMayFetchAndStore) {
  join("w");
  join("other");
  run(1, 1);
  const TaskId task{JobId{1}, 0};
  EXPECT_TRUE(scheduler_.may_fetch("w", task));
  EXPECT_TRUE(scheduler_.may_store("w", task, 1));
  EXPECT_FALSE(scheduler_.may_store("w", task, 2));
  EXPECT_FALSE(scheduler_.may_fetch("other", task));
  EXPECT_FALSE(scheduler_.may_fetch("stranger", task));
  EXPECT_FALSE(scheduler_.may_fetch("w", {JobId{1}, 1}));
  happen(events::CancelRequested{JobId{1}});
  EXPECT_FALSE(scheduler_.may_fetch("w", task)) << "it must be dropped";
  EXPECT_FALSE(scheduler_.may_store("w", task, 1));
}

TEST_F(SchedulerTest, AWorkerCannotSpeakForAnother) {
  join("w");
  join("other");
  run(1, 1);
  EXPECT_THAT(done("other", 1, 1, 0), ElementsAre("tell other that worker 1 is unknown"));
  EXPECT_THAT(done("other", 2, 1, 0), ElementsAre("settle task 1/0 attempt 1 with worker 2"))
      << "the shell denied those outputs when they came; the lease stays with its holder";
  EXPECT_EQ(status(1).tasks_running, 1U);
}

TEST_F(SchedulerTest, ProgressAndEtaComeFromWhatWasSeen) {
  join("w", 2);
  run(1, 4);
  EXPECT_EQ(status(1).eta, Duration{-1}) << "nothing is known before the first commit";
  now_ = now_ + 10s;
  done("w", 1, 1, 0);
  EXPECT_EQ(status(1).eta, 15s) << "three tasks of 10 s on two slots";
  beat("w", 1, {{{JobId{1}, 1}, 1, 100}, {{JobId{1}, 2}, 1, 0}});
  EXPECT_EQ(scheduler_.frames_done(JobId{1}), 300U);
  EXPECT_DOUBLE_EQ(status(1).work_done, 1.5 / 4);
  EXPECT_EQ(status(1).eta, 12500ms);
  EXPECT_EQ(status(1).workers_busy, 1U);
  EXPECT_EQ(status(1).tasks_running, 2U);
}

TEST_F(SchedulerTest, ProgressBeyondTheTaskIsNotBelieved) {
  join("w");
  run(1, 2);
  beat("w", 1, {{{JobId{1}, 0}, 1, 1'000'000}});
  EXPECT_EQ(scheduler_.frames_done(JobId{1}), 200U);
  EXPECT_DOUBLE_EQ(status(1).work_done, 0.5);
}

TEST_F(SchedulerTest, TasksLostTogetherDoNotComeBackTogether) {
  join("w", 40);
  submit(1);
  analysed(1, std::vector<TaskShape>(40, {TaskKind::kVideo, 1, 1, 1, 60s}));
  for (std::uint32_t index = 0; index < 40; ++index) input(1, index);
  ASSERT_EQ(status(1).tasks_running, 40U);
  for (std::uint32_t index = 0; index < 40; ++index) {
    happen(events::TaskFailed{"w", {WorkerId{1}, {JobId{1}, index}, 1, {FaultKind::kMachine, "no room"}}});
  }
  ASSERT_EQ(status(1).tasks_running, 0U);
  const Instant lost = now_;
  std::set<Duration> returns;
  for (std::uint32_t running = 0; running < 40; running = status(1).tasks_running) {
    if (status(1).tasks_running > running) returns.insert(now_ - lost);
    advance(10ms);
    if (status(1).tasks_running > running) returns.insert(now_ - lost);
  }
  EXPECT_GE(*returns.begin(), kBackoffMin * 80 / 100);
  EXPECT_LE(*returns.rbegin(), kBackoffMin * 120 / 100 + 10ms);
  EXPECT_GT(returns.size(), 10U);
}

TEST_F(SchedulerTest, AudioGoesFirstWheneverItsInputComes) {
  submit(1);
  analysed(1, {{TaskKind::kAudio}, {TaskKind::kVideo}, {TaskKind::kVideo}});
  input(1, 2);
  input(1, 1);
  input(1, 0);
  EXPECT_THAT(join("w", 3), ElementsAre("task 1/0 attempt 1 leased to worker 1", "task 1/1 attempt 1 leased to worker 1",
                                        "task 1/2 attempt 1 leased to worker 1", "welcome w as worker 1",
                                        "assign task 1/0 attempt 1 to worker 1", "assign task 1/1 attempt 1 to worker 1",
                                        "assign task 1/2 attempt 1 to worker 1"));
}

TEST_F(SchedulerTest, WhatRefersToNothingChangesNothing) {
  const JobId none{99};
  for (const Event& event :
       std::vector<Event>{events::UploadProgressed{none}, events::UploadFinished{none}, events::UploadFailed{none, {}},
                          events::StepDone{none, StepKind::kStitch, {}}, events::StepFailed{none, StepKind::kSplit, {}},
                          events::InputReady{{none, 3}, {}}, events::CancelRequested{none}, events::Delivered{none},
                          events::WorkerLeft{"nobody"}, events::Tick{}}) {
    EXPECT_THAT(happen(event), IsEmpty()) << describe(event);
  }
  join("w");
  EXPECT_THAT(done("w", 1, 99, 7), ElementsAre("settle task 99/7 attempt 1 with worker 1"));
}

TEST_F(SchedulerTest, ALongNameAndALongFaultAreCutShort) {
  happen(events::WorkerSaidHello{"w", {wire::kProtocolVersion, "build", std::string(10'000, 'n'), 1}});
  run(1, 1);
  happen(events::TaskFailed{"w", {WorkerId{1}, {JobId{1}, 0}, 1, {FaultKind::kInput, std::string(100'000, 'x')}}});
  EXPECT_LT(status(1).fault->text.size(), 5'000U);
}

// A book rebuilt from facts shows the same jobs and goes on to the same end.
TEST_F(SchedulerTest, RestoredFromFactsItShowsTheSame) {
  join("w", 2);
  run(1, 3);
  done("w", 1, 1, 0);
  submit(2, true);
  submit(3);
  happen(events::CancelRequested{JobId{3}});
  scheduler_ = Scheduler::restore({"build", WorkerId{100}}, facts_, now_);
  EXPECT_THAT(happen(events::Tick{}),
              ElementsAre("commit outputs of task 1/0 attempt 1", "drop input of task 1/0", "clean job 3"));
  EXPECT_EQ(status(1).tasks_done, 1U);
  EXPECT_EQ(status(2).state, JobState::kUploading);
  EXPECT_EQ(status(3).state, JobState::kCancelled);
  // One attempt comes back with its worker, the other is given up for lost when nobody has come back with it for long enough.
  EXPECT_THAT(happen(events::WorkerSaidHello{"w", {wire::kProtocolVersion, "build", "host/w", 2, {{{JobId{1}, 1}, 1, 40}}}}),
              ElementsAre("task 1/1 attempt 1 adopted by worker 100", "welcome w as worker 100"));
  EXPECT_THAT(done("w", 100, 1, 1), Contains("task 1/1 attempt 1 committed"));
  now_ = now_ + kAdoptionMax;
  happen(events::WorkerHeard{"w", {WorkerId{100}, {}}});
  EXPECT_THAT(
      happen(events::Tick{}),
      ElementsAre("task 1/2 attempt 1 lost, recovered (machine: its worker did not come back after the coordinator was "
                  "restarted)",
                  "discard outputs of task 1/2 attempt 1", "start split of job 1 inputs [2]", "allow inputs of job 1 below 3"));
}

}  // namespace
}  // namespace gopmill
