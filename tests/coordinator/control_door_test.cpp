#include "coordinator/control_door.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/codec.h"
#include "tests/coordinator/service/service_house.h"

namespace gopmill {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Duration kPatience{20'000};

class Lines final : public Log {
 public:
  void write(LogLevel, std::string_view text) override { lines.emplace_back(text); }
  std::vector<std::string> lines;
};

// The door with a service behind it and one peer before it, over a socket in the house's folder.
class ControlDoorTest : public testing::Test, protected test::ServiceHouse {
 protected:
  ControlDoorTest()
      : peer_(*Connector::connect(context_, Identity::none(), Plane::kControl, endpoint(), "peer")),
        door_(
            *Listener::bind(context_, Identity::none(), Plane::kControl, endpoint()), "tcp://*:7401", "build", *service,
            [this](Event event) { events.push_back(std::move(event)); }, said_) {}
  std::string endpoint() { return "ipc://" + (folder / "door").string(); }

  // Until it is at the door; then a turn.
  void say(const std::string& bytes) {
    while (peer_.send(std::string(bytes)) != SendOutcome::kSent) wait_for_room();
    Poller poller;
    poller.watch(door_.listener());
    ASSERT_TRUE(poller.wait(kPatience)) << "nothing arrives";
  }
  void say(const wire::Control& message) { say(wire::encode(message)); }
  void turn() {
    door_.receive(now);
    settle();
  }
  wire::Control heard() {
    for (;;) {
      if (auto bytes = peer_.receive()) return *wire::decode_control(*bytes);
      Poller poller;
      poller.watch(peer_);
      if (!poller.wait(kPatience)) {
        ADD_FAILURE() << "no answer";
        return wire::Goodbye{};
      }
    }
  }
  template <class Answer>
  Answer answer_to(const wire::Control& request) {
    say(request);
    turn();
    const wire::Control answer = heard();
    if (const auto* wanted = std::get_if<Answer>(&answer)) return *wanted;
    ADD_FAILURE() << "another answer: " << answer.index();
    return {};
  }

 private:
  void wait_for_room() {
    Poller poller;
    poller.watch(peer_, Poller::Interest::kWrite);
    ASSERT_TRUE(poller.wait(kPatience)) << "no connection";
  }

 protected:
  Context context_;
  Lines said_;
  Connector peer_;
  ControlDoor door_;
};

wire::Submit submit(const std::string& key) { return {.request = 7, .build = "other", .submission = test::submission(key)}; }

TEST_F(ControlDoorTest, AnswersUnderTheNumberOfTheRequest) {
  const auto submitted = answer_to<wire::Submitted>(submit("a"));
  EXPECT_EQ(submitted, (wire::Submitted{7, JobId{1}, "tcp://*:7401", true}));
  const auto job = answer_to<wire::JobReply>(wire::JobQuery{8, JobId{1}});
  EXPECT_EQ(job.request, 8U);
  EXPECT_EQ(job.job.source_name, "a.mov");
  EXPECT_EQ(job.data_endpoint, "tcp://*:7401");
  const auto jobs_listed = answer_to<wire::JobsReply>(wire::JobsQuery{9});
  EXPECT_EQ(jobs_listed.request, 9U);
  EXPECT_THAT(jobs_listed.jobs, SizeIs(1));
  EXPECT_EQ(answer_to<wire::WorkersReply>(wire::WorkersQuery{10}), (wire::WorkersReply{10, {}}));
  EXPECT_EQ(answer_to<wire::Done>(wire::CancelJob{11, JobId{1}}), wire::Done{11});
  EXPECT_EQ(answer_to<wire::Done>(wire::JobDelivered{12, JobId{1}}), wire::Done{12});
  EXPECT_EQ(answer_to<wire::BackupReply>(wire::MakeBackup{13, "x"}),
            (wire::BackupReply{13, (folder / "backups" / "x.db").string(), false}));
}

TEST_F(ControlDoorTest, RefusesUnderTheNumberOfTheRequest) {
  EXPECT_EQ(answer_to<wire::Refused>(wire::CancelJob{21, JobId{5}}),
            (wire::Refused{21, {FaultKind::kNoInput, "there is no job 5"}}));
  EXPECT_EQ(answer_to<wire::Refused>(wire::JobQuery{22, JobId{5}}),
            (wire::Refused{22, {FaultKind::kNoInput, "there is no job 5"}}));
  EXPECT_EQ(answer_to<wire::Refused>(wire::DrainWorker{23, WorkerId{5}}).request, 23U);
  wire::Submit strange = submit("a");
  strange.protocol = wire::kProtocolVersion + 1;
  const auto refused = answer_to<wire::Refused>(strange);
  EXPECT_EQ(refused.fault.kind, FaultKind::kConfig);
  EXPECT_THAT(refused.fault.text, HasSubstr("use the same gopmill on both ends"));
}

TEST_F(ControlDoorTest, HandsOnWhatWorkersSayWithTheirConnection) {
  say(wire::WorkerHello{.build = "build", .name = "host/1", .slots = 2});
  door_.receive(now);
  ASSERT_THAT(events, SizeIs(1));
  const auto& hello = std::get<events::WorkerSaidHello>(events.front());
  EXPECT_EQ(hello.peer, "peer");
  EXPECT_EQ(hello.hello.name, "host/1");
  for (const Action& action : settle()) {
    if (const auto* welcome = std::get_if<actions::WelcomeWorker>(&action)) door_.act(*welcome);
  }
  const auto welcome = std::get<wire::Welcome>(heard());
  EXPECT_EQ(welcome.build, "build");
  EXPECT_EQ(welcome.data_endpoint, "tcp://*:7401");
}

TEST_F(ControlDoorTest, ToldOfNonsenseAndOfWhatOnlyACoordinatorSaysDoesNothing) {
  say("nonsense");
  turn();
  say(wire::Welcome{});
  turn();
  ASSERT_THAT(said_.lines, SizeIs(2));
  EXPECT_THAT(said_.lines[0], HasSubstr("peer peer sent nonsense: "));
  EXPECT_EQ(said_.lines[1], "peer peer sent what only a coordinator sends");
  EXPECT_THAT(events, IsEmpty());
  EXPECT_EQ(answer_to<wire::WorkersReply>(wire::WorkersQuery{1}).request, 1U) << "and goes on";
}

TEST_F(ControlDoorTest, RefusesWhatWaitsWhileNothingCanBeRecorded) {
  const Fault why{FaultKind::kUnavailable, "the disk is full"};
  say(submit("a"));
  door_.refuse_waiting(why);
  EXPECT_EQ(std::get<wire::Refused>(heard()), (wire::Refused{7, why}));
  EXPECT_THAT(events, IsEmpty());
  EXPECT_THAT(answer_to<wire::JobsReply>(wire::JobsQuery{9}).jobs, IsEmpty());
}

}  // namespace
}  // namespace gopmill
