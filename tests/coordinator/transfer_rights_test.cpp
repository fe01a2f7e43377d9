#include "coordinator/transfer_rights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/coordinator/service/service_house.h"

namespace gopmill {
namespace {

using wire::ArtifactKind;

// A job whose only task is leased to the worker behind "worker"; "other" is a worker without a lease.
class TransferRightsTest : public testing::Test, protected test::ServiceHouse {
 protected:
  TransferRightsTest() : rights_(transfer_rights(*scheduler, *jobs, *spool, now, [] { return false; })) {
    service->submit(test::submission("a"), now, [this](Result<Accepted> accepted) { job_ = accepted->job; });
    settle();
  }
  void happen(Event event) {
    events.push_back(std::move(event));
    settle();
  }
  void lease() {
    happen(events::UploadFinished{job_});
    happen(events::StepDone{job_, StepKind::kAnalyse, {{.time_max = Duration{60'000}}}, {}});
    happen(events::InputReady{{job_, 0}, {10, 20}});
    happen(events::WorkerSaidHello{"worker", {.build = "build", .name = "host/1", .slots = 1}});
    happen(events::WorkerSaidHello{"other", {.build = "build", .name = "host/2", .slots = 1}});
  }
  [[nodiscard]] wire::Artifact output(Attempt attempt) const { return {ArtifactKind::kTaskOutput, job_, 0, attempt, 0}; }
  [[nodiscard]] bool may_fetch(const std::string& peer, const wire::Artifact& artifact) const {
    return rights_.may_fetch(Peer(peer), artifact);
  }
  [[nodiscard]] bool may_store(const std::string& peer, const wire::Artifact& artifact,
                               wire::ArtifactFacts facts = {1'000, 7}) const {
    return rights_.may_store(Peer(peer), {artifact, facts}).has_value();
  }

  JobId job_;
  Transfers::Rights rights_;
};

TEST_F(TransferRightsTest, ASourceIsTakenWhileItIsWaitedForAndAsItWasSubmitted) {
  EXPECT_TRUE(may_store("anybody", source_artifact(job_)));
  EXPECT_FALSE(may_store("anybody", source_artifact(job_), {1'000, 8}));
  EXPECT_FALSE(may_store("anybody", source_artifact(JobId{99})));
  happen(events::UploadFinished{job_});
  EXPECT_FALSE(may_store("anybody", source_artifact(job_)));
}

TEST_F(TransferRightsTest, AWorkerFetchesAndStoresWhatItsLeaseIsOf) {
  const wire::Artifact input{ArtifactKind::kTaskInput, job_, 0, 0, 0};
  lease();
  EXPECT_TRUE(may_fetch("worker", input));
  EXPECT_FALSE(may_fetch("other", input));
  EXPECT_FALSE(may_fetch("stranger", input));
  EXPECT_TRUE(may_store("worker", output(1)));
  EXPECT_FALSE(may_store("worker", output(2)));
  EXPECT_FALSE(may_store("other", output(1)));
  EXPECT_FALSE(may_store("worker", input)) << "inputs are the coordinator's own";
  EXPECT_EQ(rights_.facts_of_input({job_, 0}), (wire::ArtifactFacts{10, 20}));
}

TEST_F(TransferRightsTest, AWorkerThatHasNotSaidHelloIsLeftWithoutAnAnswer) {
  EXPECT_FALSE(rights_.known(Peer("worker"), output(1)));
  lease();
  EXPECT_TRUE(rights_.known(Peer("worker"), output(1)));
  EXPECT_TRUE(rights_.known(Peer("stranger"), source_artifact(job_)));
}

TEST_F(TransferRightsTest, FinishedFilesAreForWhoeverAsks) {
  const wire::Artifact result{ArtifactKind::kResult, job_, 0, 0, 0};
  EXPECT_FALSE(may_fetch("anybody", result));
  ASSERT_TRUE(spool->create(result) && spool->finish(result, false));
  EXPECT_TRUE(may_fetch("anybody", result));
  EXPECT_FALSE(may_store("anybody", result));
  EXPECT_FALSE(may_fetch("anybody", source_artifact(job_)));
}

}  // namespace
}  // namespace gopmill
