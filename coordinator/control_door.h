#pragma once

#include <functional>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "coordinator/scheduler/scheduler.h"
#include "coordinator/service/service.h"
#include "proto/channel.h"
#include "proto/messages.h"

namespace gopmill {

template <class T, class... Ts>
inline constexpr bool is_one_of = (std::is_same_v<T, Ts> || ...);

// What no peer may send. A message that is neither here nor heard by the door does not compile.
template <class Message>
concept SentByCoordinator = is_one_of<Message, wire::Welcome, wire::Refused, wire::HeartbeatAck, wire::UnknownWorker, wire::Drain,
                                      wire::Assign, wire::TaskSettled, wire::Submitted, wire::JobReply, wire::JobsReply,
                                      wire::WorkersReply, wire::Done, wire::BackupReply>;

// The control socket: ZeroMQ's door to the service, and the line to the workers (docs/protocol.md). Bytes and request numbers end
// here; a peer goes on as the id of its connection, which the scheduler knows workers by.
// Owned by the coordinator's loop; what the constructor names outlives it, and the service must not be used after it.
class ControlDoor {
 public:
  // `data_endpoint`: of the data socket, as peers are told; `build`: of this process; `hear`: takes what workers say.
  ControlDoor(Listener listener, std::string data_endpoint, std::string build, Service& service, std::function<void(Event)> hear,
              Log& log);

  [[nodiscard]] const Listener& listener() const { return listener_; }

  // ---- what comes in ----

  // Hands on what waits, a bounded number of messages.
  void receive(Instant now);
  // While nothing can be recorded: who asks for something is told so, and what workers say is dropped, for they say it again.
  void refuse_waiting(const Fault& why);
  // Notices workers whose connection ended or is back, and tells what changed. Looks for kReconnectMax after a connection ended, and
  // as long as a worker is gone.
  std::vector<Event> watch_connections(const Scheduler& scheduler, Instant now);
  // The loop should be back in kWatchEvery.
  [[nodiscard]] bool watches(Instant now) const { return now < watch_end_; }
  static constexpr Duration kWatchEvery{100};  // the socket learns a moment later than its monitor whose connection it was

  // ---- what goes out to workers, as the scheduler's actions ask ----
  void act(const actions::WelcomeWorker& action);
  void act(const actions::RefuseWorker& action) { send(Peer(action.peer), wire::Refused{0, action.fault}); }
  void act(const actions::ForgetWorker& action) { send(Peer(action.peer), wire::UnknownWorker{action.worker}); }
  void act(const actions::Assign& action) { send(Peer(action.peer), action.assign); }
  void act(const actions::SettleAttempt& action) { send(Peer(action.peer), action.settled); }
  void act(const actions::AckHeartbeat& action) { send(Peer(action.peer), action.ack); }
  void act(const actions::DrainWorker& action) { send(Peer(action.peer), wire::Drain{action.worker}); }

 private:
  void on(const Peer& peer, wire::Submit& message, Instant now);
  void on(const Peer& peer, wire::CancelJob& message, Instant now);
  void on(const Peer& peer, wire::DrainWorker& message, Instant now);
  void on(const Peer& peer, wire::JobDelivered& message, Instant now);
  void on(const Peer& peer, wire::JobQuery& message, Instant now);
  void on(const Peer& peer, wire::JobsQuery& message, Instant now);
  void on(const Peer& peer, wire::WorkersQuery& message, Instant now);
  void on(const Peer& peer, wire::MakeBackup& message, Instant now);
  void on(const Peer& peer, wire::WorkerHello& message, Instant) {
    hear_(events::WorkerSaidHello{peer.id(), std::move(message)});
  }
  void on(const Peer& peer, wire::Heartbeat& message, Instant) { hear_(events::WorkerHeard{peer.id(), std::move(message)}); }
  void on(const Peer& peer, wire::TaskDone& message, Instant) { hear_(events::TaskFinished{peer.id(), std::move(message)}); }
  void on(const Peer& peer, wire::TaskFailed& message, Instant) { hear_(events::TaskFailed{peer.id(), std::move(message)}); }
  void on(const Peer& peer, wire::Goodbye&, Instant) { hear_(events::WorkerLeft{peer.id()}); }
  template <SentByCoordinator Message>
  void on(const Peer& peer, Message&, Instant) {
    log_.warn("peer " + peer.printable() + " sent what only a coordinator sends");
  }

  void send(const Peer& peer, const wire::Control& message);
  void refuse(const Peer& peer, std::uint64_t request, Fault fault) { send(peer, wire::Refused{request, std::move(fault)}); }
  // A reply that sends what `message` makes of the answer, or the refusal.
  template <class Answer, class Message>
  Reply<Answer> reply_to(const Peer& peer, std::uint64_t request, Message message);
  Reply<> done(const Peer& peer, std::uint64_t request);

  Listener listener_;
  const std::string data_endpoint_;
  const std::string build_;
  Service& service_;
  const std::function<void(Event)> hear_;
  Log& log_;
  std::set<std::string> unreachable_;  // workers whose connection is gone, until they are lost or back
  Instant watch_due_{}, watch_end_{};  // after the end of a connection
};

}  // namespace gopmill
