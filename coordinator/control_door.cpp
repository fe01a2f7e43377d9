#include "coordinator/control_door.h"

#include <utility>
#include <variant>

#include "proto/codec.h"

namespace gopmill {

namespace {

constexpr int kMessagesPerTurn = 256;

}  // namespace

ControlDoor::ControlDoor(Listener listener, std::string data_endpoint, std::string build, Service& service,
                         std::function<void(Event)> hear, Log& log)
    : listener_(std::move(listener)),
      data_endpoint_(std::move(data_endpoint)),
      build_(std::move(build)),
      service_(service),
      hear_(std::move(hear)),
      log_(log) {}

void ControlDoor::receive(Instant now) {
  for (int i = 0; i < kMessagesPerTurn; ++i) {
    auto incoming = listener_.receive();
    if (!incoming) break;
    auto message = wire::decode_control(incoming->bytes);
    if (!message) {
      log_.warn("peer " + incoming->peer.printable() + " sent nonsense: " + message.error().text);
      continue;
    }
    std::visit([&](auto& m) { on(incoming->peer, m, now); }, *message);
  }
  if (listener_.lost_a_connection()) watch_end_ = now + kReconnectMax;
}

void ControlDoor::refuse_waiting(const Fault& why) {
  for (int i = 0; i < kMessagesPerTurn; ++i) {
    const auto incoming = listener_.receive();
    if (!incoming) return;
    const auto message = wire::decode_control(incoming->bytes);
    if (!message) continue;
    std::visit(
        [&](const auto& m) {
          if constexpr (requires { m.request; }) refuse(incoming->peer, m.request, why);
        },
        *message);
  }
}

// What a full or gone peer misses it asks for again.
void ControlDoor::send(const Peer& peer, const wire::Control& message) { (void)listener_.send(peer, wire::encode(message)); }

// ---- Requests ----

template <class Answer, class Message>
Reply<Answer> ControlDoor::reply_to(const Peer& peer, std::uint64_t request, Message message) {
  return [this, peer, request, message = std::move(message)](Result<Answer> answer) {
    if (!answer) return refuse(peer, request, std::move(answer.error()));
    if constexpr (std::is_void_v<Answer>) {
      send(peer, message());
    } else {
      send(peer, message(std::move(*answer)));
    }
  };
}

Reply<> ControlDoor::done(const Peer& peer, std::uint64_t request) {
  return reply_to<void>(peer, request, [request] { return wire::Done{request}; });
}

void ControlDoor::on(const Peer& peer, wire::Submit& message, Instant now) {
  const std::uint64_t request = message.request;
  if (message.protocol != wire::kProtocolVersion) {
    return refuse(
        peer, request,
        {FaultKind::kConfig, "the coordinator speaks protocol " + std::to_string(wire::kProtocolVersion) + ", you speak " +
                                 std::to_string(message.protocol) + ": use the same gopmill on both ends"});
  }
  service_.submit(std::move(message.submission), now,
                  reply_to<Accepted>(peer, request, [this, request](const Accepted& accepted) {
                    return wire::Submitted{request, accepted.job, data_endpoint_, accepted.upload_wanted};
                  }));
}

void ControlDoor::on(const Peer& peer, wire::CancelJob& message, Instant now) {
  service_.cancel(message.job, now, done(peer, message.request));
}

void ControlDoor::on(const Peer& peer, wire::DrainWorker& message, Instant) {
  service_.drain(message.worker, done(peer, message.request));
}

void ControlDoor::on(const Peer& peer, wire::JobDelivered& message, Instant) {
  service_.delivered(message.job, done(peer, message.request));
}

void ControlDoor::on(const Peer& peer, wire::JobQuery& message, Instant) {
  const std::uint64_t request = message.request;
  service_.job(message.job, reply_to<wire::JobStatus>(peer, request, [this, request](wire::JobStatus status) {
                 return wire::JobReply{request, std::move(status), data_endpoint_};
               }));
}

void ControlDoor::on(const Peer& peer, wire::JobsQuery& message, Instant now) {
  const std::uint64_t request = message.request;
  using List = std::vector<wire::JobStatus>;
  service_.jobs(now, reply_to<List>(peer, request, [request](List jobs) { return wire::JobsReply{request, std::move(jobs)}; }));
}

void ControlDoor::on(const Peer& peer, wire::WorkersQuery& message, Instant now) {
  const std::uint64_t request = message.request;
  using List = std::vector<wire::WorkerStatus>;
  service_.workers(
      now, reply_to<List>(peer, request, [request](List workers) { return wire::WorkersReply{request, std::move(workers)}; }));
}

void ControlDoor::on(const Peer& peer, wire::MakeBackup& message, Instant now) {
  const std::uint64_t request = message.request;
  service_.back_up(message.name, now, reply_to<BackupProgress>(peer, request, [request](BackupProgress progress) {
                     return wire::BackupReply{request, std::move(progress.path), progress.made};
                   }));
}

// ---- Workers ----

void ControlDoor::act(const actions::WelcomeWorker& action) {
  send(Peer(action.peer), wire::Welcome{action.worker, build_, data_endpoint_, kHeartbeatEvery, kWorkerSilenceMax});
  log_.info("worker " + std::to_string(action.worker.value) + " joined");
}

// To those that are gone nothing can be sent. What is sent to the others says nothing new.
std::vector<Event> ControlDoor::watch_connections(const Scheduler& scheduler, Instant now) {
  std::vector<Event> events;
  if (now < watch_due_ || (!watches(now) && unreachable_.empty())) return events;
  watch_due_ = now + kWatchEvery;
  std::set<std::string> gone;
  for (const std::string& peer : scheduler.peers()) {
    const auto outcome = listener_.send(Peer(peer), wire::encode(wire::Control(wire::HeartbeatAck{})));
    if (outcome == SendOutcome::kGone) gone.insert(peer);
  }
  for (const std::string& peer : gone) {
    if (!unreachable_.contains(peer)) events.emplace_back(events::WorkerDisconnected{peer});
  }
  for (const std::string& peer : unreachable_) {
    if (!gone.contains(peer)) events.emplace_back(events::WorkerReconnected{peer});
  }
  unreachable_ = std::move(gone);
  return events;
}

}  // namespace gopmill
