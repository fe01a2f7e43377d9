#include "coordinator/jobs/attempts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/archive.h"
#include "tests/coordinator/service/service_house.h"

namespace gopmill {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

// One job of one task, leased to the worker behind "peer"; a real spool for what it brings.
class AttemptsTest : public testing::Test, protected test::ServiceHouse {
 protected:
  AttemptsTest()
      : transfers_(*Listener::bind(context_, Identity::none(), Plane::kData, "ipc://" + (folder / "data").string()), *spool, {}),
        attempts_(*scheduler, *jobs, transfers_, log) {
    service->submit(test::submission("a"), now, [this](Result<Accepted> accepted) { task_.job = accepted->job; });
    settle();
    happen(events::UploadFinished{task_.job});
    happen(events::StepDone{task_.job, StepKind::kAnalyse, {{.time_max = Duration{60'000}}}, {}});
    happen(events::InputReady{task_, {10, 20}});
    for (const Action& action : happen(events::WorkerSaidHello{"peer", {.build = "build", .name = "host/1", .slots = 1}})) {
      if (const auto* assign = std::get_if<actions::Assign>(&action)) lease_ = assign->assign;
    }
    GOPMILL_CHECK(lease_.attempt == 1);
  }
  std::vector<Action> happen(Event event) {
    events.push_back(std::move(event));
    return settle();
  }
  // What `bytes` are, once they are in the spool as the output of that attempt.
  wire::ArtifactFacts bring(Attempt attempt, const std::string& bytes) {
    const wire::Artifact output{wire::ArtifactKind::kTaskOutput, task_.job, task_.index, attempt, 0};
    const auto file = spool->create(output);
    GOPMILL_CHECK(file && write_at(file->get(), 0, std::as_bytes(std::span(bytes))) && spool->finish(output, true));
    return *transfers_.stored(output);
  }
  [[nodiscard]] events::TaskFinished finished(std::vector<wire::ArtifactFacts> outputs, Attempt attempt = 1) const {
    return {"peer", {lease_.worker, task_, attempt, encode(TaskResult{}), std::move(outputs)}};
  }
  Fault refusal(events::TaskFinished said) {
    const Event event = attempts_.checked(std::move(said));
    const auto* failed = std::get_if<events::TaskFailed>(&event);
    return failed ? failed->failed.fault : Fault{FaultKind::kInternal, "believed"};
  }

  Context context_;
  Transfers transfers_;
  Attempts attempts_;
  TaskId task_;
  wire::Assign lease_;
};

TEST_F(AttemptsTest, BelievesAResultWhoseOutputsAreHereAsAnnounced) {
  const Event event = attempts_.checked(finished({bring(1, "packets")}));
  EXPECT_TRUE(std::holds_alternative<events::TaskFinished>(event));
}

TEST_F(AttemptsTest, BlamesTheMachineForOutputsThatAreNotHereAsAnnounced) {
  EXPECT_EQ(refusal(finished({{7, 1}})).kind, FaultKind::kMachine) << "none at all";
  wire::ArtifactFacts facts = bring(1, "packets");
  ++facts.hash;
  EXPECT_THAT(refusal(finished({facts})).text, HasSubstr("did not arrive as it was announced"));
}

TEST_F(AttemptsTest, BlamesTheMachineAndNotTheSourceForNonsense) {
  events::TaskFinished said = finished({bring(1, "packets")});
  said.done.result = "nonsense";
  EXPECT_EQ(refusal(std::move(said)).kind, FaultKind::kMachine);
}

TEST_F(AttemptsTest, LeavesAResultThatComesTooLateToTheScheduler) {
  const Event event = attempts_.checked(finished({{7, 1}}, 9));
  EXPECT_TRUE(std::holds_alternative<events::TaskFinished>(event)) << "its outputs were dropped long ago";
}

TEST_F(AttemptsTest, DropsTheOutputsOfWhatIsDiscarded) {
  const wire::ArtifactFacts output = bring(1, "packets");
  attempts_.begin(lease_, now);
  EXPECT_EQ(transfers_.stored({wire::ArtifactKind::kTaskOutput, task_.job, task_.index, 1, 0}), output);
  attempts_.discard({task_, 1});
  EXPECT_EQ(transfers_.stored({wire::ArtifactKind::kTaskOutput, task_.job, task_.index, 1, 0}), std::nullopt);
}

TEST_F(AttemptsTest, TellsAFailureAtOnceUnlessItBlamesTheSource) {
  const wire::TaskFailed failed{lease_.worker, task_, 1, {FaultKind::kMachine, "no memory"}};
  ASSERT_THAT(attempts_.failed({"peer", failed}, now), SizeIs(1));
  wire::TaskFailed stale = failed;
  stale.attempt = 9;
  stale.fault.kind = FaultKind::kInput;
  ASSERT_THAT(attempts_.failed({"peer", stale}, now), SizeIs(1)) << "whose word counts no more";
}

}  // namespace
}  // namespace gopmill
