#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "proto/messages.h"

// The worker's side of the conversation with its coordinator: which attempts it holds, how far each has come, what to say
// and when to say it again. Pure: something seen and the time go in, orders come out; sockets, children and files are the
// client's (worker/client.h) and the runner's (worker/runner.h).
//
//   joining ──Welcome──▶ member ──coordinator silent──▶ joining (attempts kept: it may be restarting)
//      ▲                    │
//      └───UnknownWorker────┘  (attempts kept, and listed in the hello)        any ──Drain──▶ leaving ──nothing held, or Drain again──▶ gone
//
// An attempt:  fetching ──▶ running ──▶ storing ──▶ reporting ──TaskSettled──▶ forgotten
//                  └───────────┴───────────┴──fault──▲

namespace gopmill {

// ---- What the session is told ----

namespace seen {

// From the coordinator; kinds not meant for a worker are ignored.
struct Received {
  wire::Control message;
};
struct InputFetched {
  TaskId task;
  Attempt attempt = 0;
};
// So far; RunningTask::done.
struct ChildProgressed {
  TaskId task;
  Attempt attempt = 0;
  std::uint64_t done = 0;
};
struct ChildDone {
  TaskId task;
  Attempt attempt = 0;
  std::string result;                        // opaque: media/task/task.h TaskResult
  std::vector<wire::ArtifactFacts> outputs;  // by part
};
// Of kind kPoison where a signal killed it.
struct ChildFailed {
  TaskId task;
  Attempt attempt = 0;
  Fault fault;
};
// The coordinator has every part.
struct OutputsStored {
  TaskId task;
  Attempt attempt = 0;
};
struct TransferFailed {
  TaskId task;
  Attempt attempt = 0;
  Fault fault;
};  // fetching or storing cannot go on.
struct Drain {};  // first: finish, take nothing new, leave; second: leave now.
struct Tick {};   // at least every kSessionTickEvery

}  // namespace seen

using Seen = std::variant<seen::Received, seen::InputFetched, seen::ChildProgressed, seen::ChildDone, seen::ChildFailed,
                          seen::OutputsStored, seen::TransferFailed, seen::Drain, seen::Tick>;

// ---- What the session orders, in order ----

namespace orders {

// To the coordinator, on the control socket; may be lost.
struct Send {
  wire::Control message;
};
// A Welcome: connect the data socket there, if it is not.
struct Join {
  std::string data_endpoint;
};
struct FetchInput {
  TaskId task;
  Attempt attempt = 0;
  wire::ArtifactFacts facts;
};
// Its input has been fetched.
struct StartChild {
  TaskId task;
  Attempt attempt = 0;
  std::uint32_t outputs = 0;
  Duration time_max{0};
};
struct StoreOutputs {
  TaskId task;
  Attempt attempt = 0;
  std::vector<wire::ArtifactFacts> outputs;
};
// The session has forgotten this attempt: kill its child, stop its transfers, delete its files; whatever is still told
// about it is ignored. The one end of every attempt, however it went.
struct Release {
  TaskId task;
  Attempt attempt = 0;
};
// Exit. A fault: the coordinator will not have this worker, and trying again does not help.
struct Leave {
  std::optional<Fault> fault;
};

}  // namespace orders

using Order = std::variant<orders::Send, orders::Join, orders::FetchInput, orders::StartChild, orders::StoreOutputs,
                           orders::Release, orders::Leave>;

// ---- Limits ----

inline constexpr Duration kSessionTickEvery{250};
inline constexpr Duration kHelloMin{500};  // between hellos: doubling from this ...
// ... to this, each ±20 % by the worker's name, against a herd of workers: a thousand of them say 500 hellos a second. A
// restarted coordinator waits for them three times as long (kAdoptionMax).
inline constexpr Duration kHelloMax{2000};
// A worker that is leaving waits this long for a coordinator that is away, to report what it holds; then what it holds is lost.
inline constexpr Duration kLeaveAloneMax{30'000};
inline constexpr Duration kReportEvery{1000};     // TaskDone and TaskFailed, until settled
inline constexpr std::size_t kSettledKept = 256;  // attempts ended here, remembered so that a late Assign cannot revive one

// One worker process's session, owned by the client's loop.
class Session {
 public:
  struct Config {
    std::string build;
    std::string name;  // "host/pid", for people
    std::uint32_t slots = 1;
    wire::Abilities abilities;  // what it offers
  };
  enum class State : std::uint8_t { kJoining, kMember, kGone };

  // Says hello with the first Tick.
  Session(Config config, Instant now);

  // The one door. Anything may be seen at any time, late or doubled; `now` never goes back. After Leave nothing is
  // ordered any more.
  [[nodiscard]] std::vector<Order> handle(const Seen& seen, Instant now);

  // ---- Views ----
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool leaving() const { return leaving_; }
  [[nodiscard]] WorkerId worker() const { return worker_; }
  [[nodiscard]] std::size_t held() const { return attempts_.size(); }  // never more than the slots
  [[nodiscard]] std::vector<wire::RunningTask> running() const;        // as the next heartbeat would say

 private:
  enum class Stage : std::uint8_t { kFetching, kRunning, kStoring, kReporting };
  struct Held {
    Stage stage = Stage::kFetching;
    Duration time_max{0};
    std::uint32_t outputs = 0;
    std::uint64_t done = 0;
    std::string result;
    std::vector<wire::ArtifactFacts> stored;
    std::optional<Fault> fault;
    Instant report_due;
  };
  using Key = std::pair<TaskId, Attempt>;
  using Orders = std::vector<Order>;

  void receive(const wire::Control& message, Orders& out);
  void welcome(const wire::Welcome& message, Orders& out);
  void refuse(const wire::Refused& message, Orders& out);
  void take(const wire::Assign& message, Orders& out);
  void hand_back(const wire::Assign& message, Orders& out);
  void finish_child(const seen::ChildDone& seen, Orders& out);
  void fail_attempt(Key key, const Fault& fault, Orders& out);
  void report(Key key, Held& held, Orders& out);
  void release(Key key, Orders& out);
  void release_all(Orders& out);
  void drain(Orders& out);
  void leave(std::optional<Fault> fault, Orders& out);
  void tick(Orders& out);
  void say_hello(Orders& out);
  void beat(Orders& out);
  void rejoin(Orders& out);
  Held* find(TaskId task, Attempt attempt, Stage stage);

  const Config config_;
  State state_ = State::kJoining;
  bool leaving_ = false;
  WorkerId worker_;
  Duration heartbeat_every_{1000};
  Duration silence_max_{3000};
  Instant now_;
  Instant heard_;  // the coordinator, last
  Instant hello_due_;
  Duration hello_wait_ = kHelloMin;
  std::uint32_t hellos_ = 0;
  Instant heartbeat_due_;
  std::map<Key, Held> attempts_;
  std::deque<Key> settled_;
};

}  // namespace gopmill
