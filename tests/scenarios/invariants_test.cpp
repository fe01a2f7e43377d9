#include "tests/support/invariants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// The simulator is worth what its invariants catch: each is shown a farm that breaks it.

namespace gopmill::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using wire::JobState;

constexpr JobId kJob{1};
constexpr TaskId kTask{kJob, 0};
constexpr WorkerId kWorker{7};

class InvariantsTest : public ::testing::Test {
 protected:
  // Decides and records at once.
  void fact(const Fact& fact) {
    invariants_.decided({{fact}, {}}, 1);
    invariants_.recorded(fact);
  }
  void only_decided(const Fact& fact) { invariants_.decided({{fact}, {}}, 1); }
  void act(const Action& action) { invariants_.carried_out(action); }
  void accept() { fact(facts::JobAccepted{kJob, 50, false}); }
  void analyse() {
    accept();
    fact(facts::JobEntered{kJob, JobState::kAnalysing});
  }
  void run(std::size_t tasks = 2) {
    analyse();
    fact(facts::JobPlanned{kJob, std::vector<TaskShape>(tasks)});
    fact(facts::JobEntered{kJob, JobState::kRunning});
  }
  void lease(Attempt attempt = 1, WorkerId worker = kWorker) { fact(facts::TaskLeased{kTask, attempt, worker}); }
  void commit(Attempt attempt = 1, std::uint32_t index = 0) { fact(facts::TaskCommitted{{kJob, index}, attempt, "r", {}}); }
  void lose(Attempt attempt = 1, LossKind kind = LossKind::kMachine) {
    fact(facts::AttemptLost{kTask, attempt, kind, {FaultKind::kMachine, "lost"}});
  }
  void end(JobState state, const std::string& why) {
    fact(facts::JobEnded{kJob, state, why.empty() ? std::nullopt : std::optional(Fault{FaultKind::kMachine, why})});
  }
  void finish() {
    run(1);
    lease();
    commit();
    fact(facts::JobEntered{kJob, JobState::kStitching});
    fact(facts::JobEntered{kJob, JobState::kPackaging});
    fact(facts::JobEntered{kJob, JobState::kVerifying});
    end(JobState::kDone, "");
  }
  void expect_unbroken() { EXPECT_THAT(invariants_.broken(), IsEmpty()); }
  void expect_broken(const std::string& what) { EXPECT_THAT(invariants_.broken(), HasSubstr(what)); }

  Invariants invariants_;
};

TEST_F(InvariantsTest, AWholeLifeIsUnbroken) {
  finish();
  act(actions::CommitOutputs{kTask, 1});
  act(actions::DropInput{kTask});
  act(actions::FinishJob{kJob, JobState::kDone, std::nullopt});
  act(actions::CleanJob{kJob, true});
  fact(facts::JobForgotten{kJob, true});
  act(actions::CleanJob{kJob, false});
  expect_unbroken();
}

TEST_F(InvariantsTest, TwoLiveLeases) {
  run();
  lease(1);
  lease(2);
  expect_broken("two live leases");
}

TEST_F(InvariantsTest, AttemptsThatDoNotRise) {
  run();
  lease(1);
  lose(1);
  lease(1);
  expect_broken("attempts do not rise");
}

TEST_F(InvariantsTest, SecondCommit) {
  run();
  lease();
  commit();
  commit();
  expect_broken("committed twice");
}

TEST_F(InvariantsTest, CommitByAnExpiredAttempt) {
  run();
  lease(1);
  lose(1);
  lease(2);
  commit(1);
  expect_broken("holds no lease");
}

TEST_F(InvariantsTest, LeaseAfterCommit) {
  run();
  lease();
  commit();
  lease(2);
  expect_broken("after its commit");
}

TEST_F(InvariantsTest, StitchWithATaskMissing) {
  run(2);
  lease();
  commit();
  fact(facts::JobEntered{kJob, JobState::kStitching});
  expect_broken("uncommitted");
}

TEST_F(InvariantsTest, DoneWithoutVerification) {
  run();
  end(JobState::kDone, "");
  expect_broken("without being verified");
}

TEST_F(InvariantsTest, FailureWithoutAReason) {
  run();
  end(JobState::kFailed, "");
  expect_broken("without a reason");
}

TEST_F(InvariantsTest, AFinalStateThatChanges) {
  accept();
  end(JobState::kCancelled, "asked");
  end(JobState::kFailed, "late");
  expect_broken("ended twice");
}

TEST_F(InvariantsTest, ALeaseOfAnEndedJob) {
  run();
  end(JobState::kFailed, "broken");
  lease();
  expect_broken("outside of a running job");
}

TEST_F(InvariantsTest, AStateSkipped) {
  accept();
  fact(facts::JobEntered{kJob, JobState::kRunning});
  expect_broken("not the next state");
}

TEST_F(InvariantsTest, ABudgetThatIsIgnored) {
  run();
  for (Attempt attempt = 1; attempt <= 3; ++attempt) {
    lease(attempt);
    lose(attempt, LossKind::kPoison);
  }
  expect_broken("budget used up");
}

TEST_F(InvariantsTest, AnActionThatOvertakesItsFact) {
  run();
  only_decided(facts::TaskLeased{kTask, 1, kWorker});
  act(actions::Assign{"peer", {kWorker, kTask, 1, {}, 1, {}}});
  expect_broken("assigned before its lease was recorded");
}

TEST_F(InvariantsTest, AnAcceptanceBeforeTheDisk) {
  only_decided(facts::JobAccepted{kJob, 50, false});
  act(actions::AcceptJob{kJob});
  expect_broken("accepted before it was recorded");
}

TEST_F(InvariantsTest, OutputsCommittedBeforeTheDisk) {
  run();
  lease();
  only_decided(facts::TaskCommitted{kTask, 1, "r", {}});
  act(actions::CommitOutputs{kTask, 1});
  expect_broken("before the commit was recorded");
}

TEST_F(InvariantsTest, ASettlementOfALiveLease) {
  run();
  lease();
  act(actions::SettleAttempt{"peer", {kWorker, kTask, 1}});
  expect_broken("settled before its end");
}

TEST_F(InvariantsTest, ALiveLeaseThatIsDropped) {
  run();
  lease();
  act(actions::AckHeartbeat{"peer", {kWorker, {{kTask, 1, 0}}}});
  expect_broken("dropped a live lease");
}

TEST_F(InvariantsTest, CommittedOutputsThatAreDiscarded) {
  run();
  lease();
  commit();
  act(actions::DiscardOutputs{kTask, 1});
  expect_broken("discarded committed outputs");
}

TEST_F(InvariantsTest, AnInputDroppedTooEarly) {
  run();
  lease();
  act(actions::DropInput{kTask});
  expect_broken("input of an uncommitted task");
}

TEST_F(InvariantsTest, FilesRemovedBeforeTheyAreFetched) {
  finish();
  act(actions::CleanJob{kJob, false});
  expect_broken("files nobody has fetched");
}

TEST_F(InvariantsTest, AWindowThatIsTooWide) {
  run(20);
  invariants_.decided({{}, {actions::AllowInputs{kJob, 6}}}, 2);
  expect_unbroken();
  invariants_.decided({{}, {actions::AllowInputs{kJob, 7}}}, 2);
  expect_broken("window exceeded");
}

TEST_F(InvariantsTest, ALeaseToAWorkerThatCannotDoTheTask) {
  const auto join = [&](const std::string& peer, WorkerId worker, const wire::Abilities& abilities) {
    invariants_.happened(events::WorkerSaidHello{peer, {.abilities = abilities}});
    invariants_.decided({{}, {actions::WelcomeWorker{peer, worker}}}, 1);
  };
  analyse();
  fact(facts::JobPlanned{kJob, std::vector<TaskShape>(2), {{{"libx264"}, {"h264"}}}});
  fact(facts::JobEntered{kJob, JobState::kRunning});
  join("able", kWorker, {{"aac", "libx264"}, {"h264"}});
  lease(1);
  expect_unbroken();
  lose(1);
  join("blind", WorkerId{8}, {{"libx264"}, {"hevc"}});
  lease(2, WorkerId{8});
  expect_broken("cannot do it");
}

TEST_F(InvariantsTest, WhatWasNotRecordedNeverHappened) {
  run();
  only_decided(facts::TaskLeased{kTask, 1, kWorker});
  invariants_.coordinator_died();
  lease(1);
  expect_unbroken();
}

TEST_F(InvariantsTest, ALeaseOfAWorkerTheSchedulerDoesNotList) {
  run();
  lease();
  invariants_.listed(Scheduler({"build", WorkerId{1}}), Instant{});
  expect_broken("is gone and holds a lease");
}

}  // namespace
}  // namespace gopmill::test
