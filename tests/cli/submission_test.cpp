#include "cli/client/submission.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <thread>
#include <variant>

#include "base/check.h"
#include "proto/codec.h"

namespace gopmill {
namespace {

constexpr JobId kJob{7};

// A coordinator that wants an upload, denies it, and then says what has become of the job. Its own thread answers.
class Double {
 public:
  explicit Double(wire::JobState then) : then_(then) {
    std::string pattern = (std::filesystem::temp_directory_path() / "gopmill-test-XXXXXX").string();
    GOPMILL_CHECK(::mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    int ends[2];
    GOPMILL_CHECK(::pipe(ends) == 0);
    stop_ = Fd(ends[0]);
    stopper_ = Fd(ends[1]);
    thread_ = std::thread([this] { answer(); });
  }
  Double(const Double&) = delete;
  Double& operator=(const Double&) = delete;
  ~Double() {
    end();
    std::filesystem::remove_all(folder_);
  }
  // After this, what it was asked to do may be looked at.
  void end() {
    stopper_.reset();
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] std::string endpoint() const { return "ipc://" + (folder_ / "control").string(); }
  [[nodiscard]] bool was_told_to_cancel() const { return cancelled_; }

 private:
  void answer() {
    Context context;
    Listener control = *Listener::bind(context, Identity::none(), Plane::kControl, endpoint());
    Listener data = *Listener::bind(context, Identity::none(), Plane::kData, endpoint() + ".data");
    Poller poller;
    poller.watch(control);
    poller.watch(data);
    poller.watch(stop_.get());
    for (;;) {
      poller.wait(Duration{-1});
      if (poller.readable(stop_.get())) return;
      while (const auto incoming = control.receive()) {
        if (const auto message = wire::decode_control(incoming->bytes))
          (void)control.send(incoming->peer, wire::encode(answer_to(*message)));
      }
      while (const auto incoming = data.receive()) {
        const auto message = wire::decode_data(incoming->bytes);
        const auto* store = message ? std::get_if<wire::Store>(&*message) : nullptr;
        const Fault why{FaultKind::kInput, "it has changed"};
        if (store != nullptr) (void)data.send(incoming->peer, wire::encode(wire::Data(wire::Denied{store->artifact, why})));
      }
    }
  }
  wire::Control answer_to(const wire::Control& message) {
    if (const auto* submit = std::get_if<wire::Submit>(&message))
      return wire::Submitted{submit->request, kJob, endpoint() + ".data", true};
    if (const auto* query = std::get_if<wire::JobQuery>(&message)) {
      wire::JobReply reply{query->request, {}, endpoint() + ".data"};
      reply.job.job = kJob;
      reply.job.state = then_;
      return reply;
    }
    if (const auto* cancel = std::get_if<wire::CancelJob>(&message)) {
      cancelled_ = true;
      return wire::Done{cancel->request};
    }
    const auto* jobs = std::get_if<wire::JobsQuery>(&message);
    return wire::Refused{jobs != nullptr ? jobs->request : 0, {FaultKind::kUnavailable, "not now"}};
  }

  const wire::JobState then_;
  std::filesystem::path folder_;
  Fd stop_, stopper_;
  bool cancelled_ = false;
  std::thread thread_;
};

Result<JobId> handed_in(const Double& coordinator) {
  FarmClient client = *FarmClient::connect(Identity::none(), coordinator.endpoint(), -1);
  PreparedSource prepared;
  prepared.submission.key = "key";
  prepared.submission.source_name = "a.mov";
  prepared.submission.profile_name = "one";
  prepared.submission.output_base = "a";
  prepared.submission.output_folder = "/srv/out";
  prepared.submission.source_bytes = 5;
  prepared.submission.source_hash = 1;
  prepared.source = *memory_file(std::as_bytes(std::span("bytes", 5)));
  Display display(Display::Style::kQuiet);
  Interrupts interrupts;
  return hand_in(client, prepared, display, interrupts);
}

TEST(HandIn, IsDoneWhereSomebodyElseSentTheSource) {
  for (const wire::JobState then : {wire::JobState::kQueued, wire::JobState::kRunning, wire::JobState::kDone}) {
    Double coordinator(then);
    const auto job = handed_in(coordinator);
    ASSERT_TRUE(job) << job.error().text;
    EXPECT_EQ(*job, kJob);
    coordinator.end();
    EXPECT_FALSE(coordinator.was_told_to_cancel()) << "it is everybody's job";
  }
}

TEST(HandIn, CancelsAJobThatCanNeverRunAndSaysWhy) {
  Double coordinator(wire::JobState::kUploading);
  const auto job = handed_in(coordinator);
  ASSERT_FALSE(job);
  EXPECT_EQ(job.error(), (Fault{FaultKind::kInput, "job 7 was cancelled, its source was not sent whole: it has changed"}));
  coordinator.end();
  EXPECT_TRUE(coordinator.was_told_to_cancel());
}

TEST(HandIn, FailsWithAJobThatHasFailed) {
  for (const wire::JobState then : {wire::JobState::kFailed, wire::JobState::kCancelled}) {
    Double coordinator(then);
    const auto job = handed_in(coordinator);
    ASSERT_FALSE(job);
    EXPECT_EQ(job.error().kind, FaultKind::kInput);
  }
}

TEST(FarmClientTest, TellsACoordinatorThatRefusesFromOneThatIsAway) {
  Double coordinator(wire::JobState::kDone);
  FarmClient client = *FarmClient::connect(Identity::none(), coordinator.endpoint(), -1);
  const auto refused = client.jobs();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), (Fault{FaultKind::kUnavailable, "not now"}));
  EXPECT_TRUE(client.answered());
  FarmClient nobody = *FarmClient::connect(Identity::none(), coordinator.endpoint() + ".nobody", -1);
  const auto unanswered = nobody.jobs();
  ASSERT_FALSE(unanswered);
  EXPECT_EQ(unanswered.error().kind, FaultKind::kUnavailable);
  EXPECT_FALSE(nobody.answered());
}

}  // namespace
}  // namespace gopmill
