#include "coordinator/recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/spool/finished.h"
#include "tests/coordinator/service/service_house.h"

namespace gopmill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using wire::JobState;

// A coordinator that ended, and comes back on what its store and its spool hold.
class RecoveryTest : public testing::Test, protected test::ServiceHouse {
 protected:
  JobId submitted(const std::string& key) {
    JobId job;
    service->submit(test::submission(key), now, [&](Result<Accepted> accepted) { job = accepted->job; });
    settle();
    return job;
  }
  void record(const std::vector<Fact>& facts) { GOPMILL_CHECK(store->record(facts)); }
  void keep_source(JobId job) { GOPMILL_CHECK(spool->create(source_artifact(job)) && spool->finish(source_artifact(job), true)); }
  std::vector<Event> recovered() {
    open({});
    Transfers transfers(*Listener::bind(context_, Identity::none(), Plane::kData, "ipc://" + (folder / "data").string()), *spool,
                        {});
    auto events_first = recover(*store->living_facts(), {*store, *spool, *scheduler, *jobs, transfers}, now, log);
    GOPMILL_CHECK(events_first);
    return *events_first;
  }
  static std::string text(const std::vector<Event>& events) {
    std::string text;
    for (const Event& event : events) text += describe(event) + "\n";
    return text;
  }

  Context context_;
};

TEST_F(RecoveryTest, JobsThatWaitForTheirSourceGoOnWaiting) {
  const JobId job = submitted("a");
  EXPECT_THAT(recovered(), IsEmpty());
  ASSERT_NE(jobs->find(job), nullptr);
  EXPECT_EQ(jobs->find(job)->submission(), test::submission("a"));
  EXPECT_FALSE(jobs->plans_wait());
}

TEST_F(RecoveryTest, AJobWhoseSourceIsGoneIsLostInWords) {
  const JobId job = submitted("a");
  record({facts::JobEntered{job, JobState::kQueued}});
  const auto events_first = recovered();
  ASSERT_EQ(events_first.size(), 1U);
  EXPECT_THAT(text(events_first), HasSubstr("its source is not in the spool any more: submit it again"));
}

TEST_F(RecoveryTest, AJobThatHasAllItsTasksNeedsItsSourceNoMore) {
  const JobId job = submitted("a");
  record({facts::JobEntered{job, JobState::kQueued}, facts::JobEntered{job, JobState::kAnalysing},
          facts::JobPlanned{job, {TaskShape{}}, {}}, facts::JobEntered{job, JobState::kRunning},
          facts::JobEntered{job, JobState::kStitching}});
  EXPECT_THAT(recovered(), IsEmpty());
  EXPECT_TRUE(jobs->plans_wait()) << "it is planned again from the facts that the spool keeps";
  EXPECT_THAT(text(jobs->plan_one_again(now)), HasSubstr("it cannot go on after a restart"))
      << "which are not there in this test";
}

TEST_F(RecoveryTest, APlannedJobIsPlannedAgain) {
  const JobId job = submitted("a");
  keep_source(job);
  record({facts::JobEntered{job, JobState::kQueued}, facts::JobEntered{job, JobState::kAnalysing},
          facts::JobPlanned{job, {TaskShape{}}, {}}, facts::JobEntered{job, JobState::kRunning}});
  EXPECT_THAT(recovered(), IsEmpty());
  EXPECT_TRUE(jobs->plans_wait());
}

TEST_F(RecoveryTest, ADoneJobKeepsItsFilesAndNoWork) {
  const JobId job = submitted("a");
  record({facts::JobEnded{job, JobState::kDone, {}}});
  Finished finished;
  finished.files = {{OutputKind::kRendition, "a_360p.mp4", std::string(64, '0'), {10, 1}}};
  ASSERT_TRUE(spool->save_finished(job, encode_finished(finished)));
  EXPECT_THAT(recovered(), IsEmpty());
  EXPECT_EQ(jobs->find(job), nullptr);
  wire::JobStatus status{.job = job, .state = JobState::kDone};
  jobs->cards().fill(status, 0);
  ASSERT_EQ(status.files.size(), 1U);
  EXPECT_EQ(status.files[0].name, "a_360p.mp4");
}

TEST_F(RecoveryTest, WhatTheStoreDoesNotKnowLeavesTheSpool) {
  const JobId over = submitted("a"), living = submitted("b");
  record({facts::JobEnded{over, JobState::kFailed, Fault{FaultKind::kInput, "damaged"}}});
  ASSERT_TRUE(spool->make_job(JobId{77}));
  recovered();
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "spool")) left.push_back(entry.path().filename());
  EXPECT_THAT(left, ElementsAre(std::to_string(living.value)));
}

}  // namespace
}  // namespace gopmill
