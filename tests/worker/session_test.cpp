#include "worker/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace gopmill {
namespace {

using namespace std::chrono_literals;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string name(TaskId task, Attempt attempt) {
  return std::to_string(task.job.value) + "/" + std::to_string(task.index) + "#" + std::to_string(attempt);
}

struct MessageText {
  std::string operator()(const wire::WorkerHello& m) const {
    std::string text = "hello " + std::to_string(m.slots) + " slots";
    for (const auto& r : m.running) text.append(&r == m.running.data() ? " [" : ", ").append(name(r.task, r.attempt));
    return m.running.empty() ? text : text + "]";
  }
  std::string operator()(const wire::Heartbeat& m) const {
    std::string text = "beat " + std::to_string(m.worker.value) + " [";
    for (const auto& r : m.running) {
      if (text.back() != '[') text += ' ';
      text += name(r.task, r.attempt);
      if (r.done > 0) text.append(":").append(std::to_string(r.done));
    }
    return text + (m.leaving ? "] leaving" : "]");
  }
  std::string operator()(const wire::TaskDone& m) const { return "done " + name(m.task, m.attempt) + " " + m.result; }
  std::string operator()(const wire::TaskFailed& m) const {
    return "failed " + name(m.task, m.attempt) + " " + std::string(fault_word(m.fault.kind));
  }
  std::string operator()(const wire::Goodbye& m) const { return "goodbye " + std::to_string(m.worker.value); }
  template <class M>
  std::string operator()(const M& /*m*/) const {
    return "a message no worker sends";
  }
};

struct OrderText {
  std::string operator()(const orders::Send& o) const { return std::visit(MessageText{}, o.message); }
  std::string operator()(const orders::Join& o) const { return "join " + o.data_endpoint; }
  std::string operator()(const orders::FetchInput& o) const { return "fetch " + name(o.task, o.attempt); }
  std::string operator()(const orders::StartChild& o) const { return "start " + name(o.task, o.attempt); }
  std::string operator()(const orders::StoreOutputs& o) const {
    return "store " + name(o.task, o.attempt) + " " + std::to_string(o.outputs.size());
  }
  std::string operator()(const orders::Release& o) const { return "release " + name(o.task, o.attempt); }
  std::string operator()(const orders::Leave& o) const { return "leave" + (o.fault ? " " + o.fault->text : ""); }
};

class SessionTest : public ::testing::Test {
 protected:
  using Lines = std::vector<std::string>;

  Lines see(const Seen& seen) {
    Lines lines;
    for (const Order& order : session_.handle(seen, now_)) lines.push_back(std::visit(OrderText{}, order));
    EXPECT_LE(session_.held(), 2U);
    return lines;
  }
  Lines hear(const wire::Control& message) { return see(seen::Received{message}); }
  // Ticks as the client's loop does; every order on the way.
  Lines advance(Duration by) {
    Lines lines;
    for (const Instant end = now_ + by; now_ < end;) {
      now_ = now_ + kSessionTickEvery;
      for (std::string& line : see(seen::Tick{})) lines.push_back(std::move(line));
    }
    return lines;
  }
  // The coordinator answers every heartbeat.
  void advance_in_company(Duration by) {
    for (const Instant end = now_ + by; now_ < end;) {
      now_ = now_ + kSessionTickEvery;
      see(seen::Tick{});
      ack();
    }
  }
  Lines welcome(std::uint64_t worker = 1) { return hear(wire::Welcome{WorkerId{worker}, "build", "tcp://data", 1s, 3s}); }
  Lines assign(std::uint32_t index, Attempt attempt = 1) {
    return hear(wire::Assign{WorkerId{1}, task(index), attempt, {100, 5}, 1, 60s});
  }
  Lines ack(std::vector<wire::RunningTask> drop = {}) { return hear(wire::HeartbeatAck{WorkerId{1}, std::move(drop)}); }
  Lines settle(std::uint32_t index, Attempt attempt = 1) { return hear(wire::TaskSettled{WorkerId{1}, task(index), attempt}); }
  Lines fetched(std::uint32_t index) { return see(seen::InputFetched{task(index), 1}); }
  Lines child_done(std::uint32_t index) { return see(seen::ChildDone{task(index), 1, "good", {{7, 7}}}); }
  Lines stored(std::uint32_t index) { return see(seen::OutputsStored{task(index), 1}); }
  void join() {
    see(seen::Tick{});
    welcome();
  }
  void hold_running(std::uint32_t index) {
    assign(index);
    fetched(index);
  }
  static TaskId task(std::uint32_t index) { return {JobId{4}, index}; }

  Instant now_;
  Session session_{{"build", "host/1", 2}, now_};
};

TEST_F(SessionTest, SaysHelloWithGrowingPausesUntilItIsWelcome) {
  EXPECT_THAT(see(seen::Tick{}), ElementsAre("hello 2 slots"));
  const auto hellos = advance(60s);
  EXPECT_THAT(hellos, Each("hello 2 slots"));
  EXPECT_GE(hellos.size(), 25U);
  EXPECT_LE(hellos.size(), 38U);
  EXPECT_THAT(welcome(), ElementsAre("join tcp://data", "beat 1 []"));
  EXPECT_THAT(welcome(9), IsEmpty()) << "a late second welcome changes nothing";
  EXPECT_EQ(session_.worker(), WorkerId{1});
}

TEST_F(SessionTest, WorkersWithOtherNamesDoNotCallTogether) {
  std::set<Instant> third;
  for (int worker = 0; worker < 20; ++worker) {
    Session session({"build", "host/" + std::to_string(worker), 1}, Instant{});
    int hellos = 0;
    for (Instant at; hellos < 4; at = at + 10ms) {
      if (!session.handle(seen::Tick{}, at).empty() && ++hellos == 4) third.insert(at);
    }
  }
  EXPECT_GT(third.size(), 10U);
}

TEST_F(SessionTest, CarriesATaskFromItsAssignmentToItsSettlement) {
  join();
  EXPECT_THAT(assign(0), ElementsAre("fetch 4/0#1"));
  EXPECT_THAT(fetched(0), ElementsAre("start 4/0#1"));
  EXPECT_THAT(see(seen::ChildProgressed{task(0), 1, 120}), IsEmpty());
  EXPECT_THAT(advance(1s), ElementsAre("beat 1 [4/0#1:120]"));
  EXPECT_THAT(child_done(0), ElementsAre("store 4/0#1 1"));
  EXPECT_THAT(stored(0), ElementsAre("done 4/0#1 good"));
  EXPECT_THAT(settle(0), ElementsAre("release 4/0#1"));
  EXPECT_THAT(settle(0), IsEmpty());
  EXPECT_EQ(session_.held(), 0U);
}

TEST_F(SessionTest, ReportsAgainUntilItIsSettled) {
  join();
  hold_running(0);
  child_done(0);
  stored(0);
  EXPECT_THAT(advance(2s), ElementsAre("beat 1 [4/0#1]", "done 4/0#1 good", "beat 1 [4/0#1]", "done 4/0#1 good"));
  settle(0);
  EXPECT_THAT(advance(1s), ElementsAre("beat 1 []"));
}

TEST_F(SessionTest, ReportsEveryKindOfFailure) {
  join();
  assign(0);
  EXPECT_THAT(see(seen::TransferFailed{task(0), 1, {FaultKind::kMachine, "denied"}}), ElementsAre("failed 4/0#1 machine"));
  settle(0);
  hold_running(1);
  EXPECT_THAT(see(seen::ChildFailed{task(1), 1, {FaultKind::kPoison, "signal 11"}}), ElementsAre("failed 4/1#1 poison"));
  EXPECT_THAT(see(seen::ChildFailed{task(1), 1, {FaultKind::kInput, "again"}}), IsEmpty()) << "an attempt fails once";
  settle(1);
  hold_running(2);
  EXPECT_THAT(see(seen::ChildDone{task(2), 1, "good", {}}), ElementsAre("failed 4/2#1 internal"));
  settle(2);
  hold_running(3);
  child_done(3);
  EXPECT_THAT(see(seen::TransferFailed{task(3), 1, {FaultKind::kMachine, "reset"}}), ElementsAre("failed 4/3#1 machine"));
}

TEST_F(SessionTest, NeverTakesMoreThanItsSlots) {
  join();
  assign(0);
  assign(1);
  EXPECT_THAT(assign(2), IsEmpty());
  EXPECT_EQ(session_.held(), 2U);
  see(seen::TransferFailed{task(0), 1, {FaultKind::kMachine, "denied"}});
  EXPECT_THAT(assign(2), IsEmpty()) << "what is not settled keeps its slot";
  settle(0);
  EXPECT_THAT(assign(2), ElementsAre("fetch 4/2#1"));
}

TEST_F(SessionTest, AnAssignmentSaidAgainIsNotTakenAgain) {
  join();
  assign(0);
  EXPECT_THAT(assign(0), IsEmpty());
  fetched(0);
  child_done(0);
  stored(0);
  settle(0);
  EXPECT_THAT(assign(0), IsEmpty()) << "nor after its end";
}

TEST_F(SessionTest, ANewerAttemptReplacesAnOlderOneAndNeverTheOtherWayRound) {
  join();
  assign(0, 3);
  EXPECT_THAT(assign(0, 2), IsEmpty());
  EXPECT_THAT(assign(0, 4), ElementsAre("release 4/0#3", "fetch 4/0#4"));
  EXPECT_THAT(see(seen::InputFetched{task(0), 3}), IsEmpty());
}

TEST_F(SessionTest, DropsWhatTheCoordinatorListsAndSaysSoAtOnce) {
  join();
  hold_running(0);
  assign(1);
  EXPECT_THAT(ack({{task(0), 1, 0}, {task(9), 1, 0}}), ElementsAre("release 4/0#1", "beat 1 [4/1#1]"));
  EXPECT_THAT(child_done(0), IsEmpty()) << "whatever is still told about it is ignored";
}

TEST_F(SessionTest, ASilentCoordinatorIsCalledAgainAndTheWorkIsKept) {
  join();
  hold_running(0);
  const auto lines = advance(4s);
  EXPECT_THAT(
      lines, ElementsAre("beat 1 [4/0#1]", "beat 1 [4/0#1]", "beat 1 [4/0#1]", "hello 2 slots [4/0#1]", "hello 2 slots [4/0#1]"));
  EXPECT_EQ(session_.state(), Session::State::kJoining);
  child_done(0);
  EXPECT_THAT(stored(0), IsEmpty()) << "nobody is there to be told";
  EXPECT_THAT(welcome(5), ElementsAre("join tcp://data", "beat 5 [4/0#1]"));
  EXPECT_THAT(advance(250ms), ElementsAre("done 4/0#1 good"));
}

TEST_F(SessionTest, AnExpiredIdJoinsAgainWithAllItHolds) {
  join();
  hold_running(0);
  assign(1);
  EXPECT_THAT(hear(wire::UnknownWorker{WorkerId{8}}), IsEmpty()) << "meant for an earlier id";
  EXPECT_THAT(hear(wire::UnknownWorker{WorkerId{1}}), ElementsAre("hello 2 slots [4/0#1, 4/1#1]"));
  EXPECT_THAT(hear(wire::UnknownWorker{WorkerId{1}}), IsEmpty());
  EXPECT_THAT(assign(2), IsEmpty()) << "the id is no longer its own";
  EXPECT_THAT(welcome(5), ElementsAre("join tcp://data", "beat 5 [4/0#1 4/1#1]"));
  EXPECT_THAT(hear(wire::HeartbeatAck{WorkerId{5}, {{task(1), 1, 0}}}), ElementsAre("release 4/1#1", "beat 5 [4/0#1]"));
}

TEST_F(SessionTest, ARefusalForGoodEndsTheProcessAndOneForNowDoesNot) {
  see(seen::Tick{});
  EXPECT_THAT(hear(wire::Refused{0, {FaultKind::kUnavailable, "full"}}), IsEmpty());
  EXPECT_THAT(advance(1s), ElementsAre("hello 2 slots"));
  EXPECT_THAT(hear(wire::Refused{3, {FaultKind::kConfig, "of a request"}}), IsEmpty());
  EXPECT_THAT(hear(wire::Refused{0, {FaultKind::kConfig, "another build"}}), ElementsAre("leave another build"));
  EXPECT_EQ(session_.state(), Session::State::kGone);
  EXPECT_THAT(advance(60s), IsEmpty());
}

TEST_F(SessionTest, DrainingFinishesWhatItHasAndHandsBackTheRest) {
  join();
  hold_running(0);
  EXPECT_THAT(see(seen::Drain{}), ElementsAre("beat 1 [4/0#1] leaving"));
  EXPECT_THAT(assign(1), ElementsAre("failed 4/1#1 cancelled"));
  EXPECT_THAT(assign(1), ElementsAre("failed 4/1#1 cancelled")) << "as often as it is asked";
  advance_in_company(10s);
  child_done(0);
  stored(0);
  EXPECT_THAT(settle(0), ElementsAre("release 4/0#1", "goodbye 1", "leave"));
}

TEST_F(SessionTest, TheSecondDrainLeavesAtOnce) {
  join();
  hold_running(0);
  see(seen::Drain{});
  EXPECT_THAT(see(seen::Drain{}), ElementsAre("release 4/0#1", "goodbye 1", "leave"));
  EXPECT_THAT(see(seen::Drain{}), IsEmpty());
}

TEST_F(SessionTest, DrainingWithEmptyHandsLeavesAtOnce) {
  see(seen::Tick{});
  EXPECT_THAT(see(seen::Drain{}), ElementsAre("leave")) << "never welcomed: nobody to say goodbye to";
}

TEST_F(SessionTest, DrainingWithoutACoordinatorWaitsForItOnlySoLong) {
  join();
  hold_running(0);
  see(seen::Drain{});
  advance(kLeaveAloneMax);
  EXPECT_EQ(session_.held(), 1U);
  const auto lines = advance(1s);
  EXPECT_EQ(session_.state(), Session::State::kGone);
  EXPECT_THAT(lines, testing::Contains("release 4/0#1"));
}

TEST_F(SessionTest, AnOperatorsDrainIsNeverTheSecondOne) {
  join();
  hold_running(0);
  EXPECT_THAT(hear(wire::Drain{WorkerId{8}}), IsEmpty()) << "meant for an earlier id";
  EXPECT_FALSE(session_.leaving());
  EXPECT_THAT(hear(wire::Drain{WorkerId{1}}), IsEmpty());
  EXPECT_THAT(hear(wire::Drain{WorkerId{1}}), IsEmpty());
  EXPECT_TRUE(session_.leaving());
  child_done(0);
  stored(0);
  EXPECT_THAT(settle(0), ElementsAre("release 4/0#1", "goodbye 1", "leave"));
}

TEST_F(SessionTest, DrainingUnderAnExpiredIdFinishesWhatIsStillWanted) {
  join();
  hold_running(0);
  see(seen::Drain{});
  EXPECT_THAT(hear(wire::UnknownWorker{WorkerId{1}}), ElementsAre("hello 2 slots [4/0#1]"));
  EXPECT_THAT(welcome(5), ElementsAre("join tcp://data", "beat 5 [4/0#1] leaving"));
  EXPECT_THAT(hear(wire::HeartbeatAck{WorkerId{5}, {{task(0), 1, 0}}}),
              ElementsAre("release 4/0#1", "beat 5 [] leaving", "goodbye 5", "leave"));
}

TEST_F(SessionTest, ACoordinatorThatAsksForNoPauseIsNotObeyedInThat) {
  see(seen::Tick{});
  hear(wire::Welcome{WorkerId{1}, "build", "tcp://data", Duration{0}, Duration{-5}});
  EXPECT_EQ(advance(500ms).size(), 2U);
  EXPECT_EQ(session_.state(), Session::State::kMember);
}

TEST_F(SessionTest, IgnoresWhatIsNotMeantForAWorker) {
  join();
  EXPECT_THAT(hear(wire::Submit{}), IsEmpty());
  EXPECT_THAT(hear(wire::WorkerHello{}), IsEmpty());
  EXPECT_THAT(hear(wire::Assign{WorkerId{2}, task(0), 1, {}, 1, 1s}), IsEmpty());
}

}  // namespace
}  // namespace gopmill
