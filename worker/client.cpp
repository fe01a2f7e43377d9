#include "worker/client.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>

#include "base/footprint.h"
#include "media/abilities.h"
#include "media/build.h"
#include "proto/channel.h"
#include "proto/codec.h"
#include "worker/runner.h"
#include "worker/session.h"

namespace gopmill {

namespace {

// Chunks sent in a row before the loop looks at the control socket again: heartbeats never wait behind data.
constexpr int kChunksPerTurn = 4;
constexpr Duration kGoodbyeLinger{2000};
// An oversleeping kernel must not make us look silent.
constexpr Duration kTurnMax = kSessionTickEvery;

std::string worker_name() {
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  return std::string(host) + "/" + std::to_string(::getpid());
}

wire::Abilities offered(const std::vector<std::string>& without) {
  wire::Abilities abilities{present_encoders(), present_decoders()};
  std::erase_if(abilities.encoders,
                [&](const std::string& name) { return std::find(without.begin(), without.end(), name) != without.end(); });
  return abilities;
}

class Client {
 public:
  static Result<Client> connect(Context& context, const WorkerOptions& options, Log& log) {
    const std::string id = random_routing_id();
    Connector control = TRY(Connector::connect(context, options.identity, Plane::kControl, options.connect, id));
    Client client(context, options, log, id, std::move(control));
    // Before anything is joined, so that a wrong one is said at once.
    if (!options.data.empty()) TRY(client.connect_data(options.data));
    return client;
  }

  Result<> run(int stop_fd) {
    while (!left_) {
      wait(stop_fd);
      const Instant now = monotonic_now();
      if (poller_.readable(stop_fd)) drain(stop_fd, now);
      receive_control(now);
      receive_data(now);
      for (Seen& seen : poll_attempts(now)) handle(seen, now);
      handle(seen::Tick{}, now);
      send_data();
    }
    // Goodbye, if it was said, is on its way for a moment longer.
    std::move(control_).finish(kGoodbyeLinger);
    return fault_ ? Result<>(std::unexpected(*fault_)) : Result<>();
  }

 private:
  using Key = std::pair<TaskId, Attempt>;

  Client(Context& context, const WorkerOptions& options, Log& log, std::string id, Connector control)
      : context_(context),
        options_(options),
        log_(log),
        routing_id_(std::move(id)),
        session_({build_identity(), worker_name(), options.slots, offered(options.without)}, monotonic_now()),
        control_(std::move(control)) {}

  Result<> connect_data(const std::string& endpoint) {
    if (data_ && endpoint == data_endpoint_) return {};
    data_.emplace(TRY(Connector::connect(context_, options_.identity, Plane::kData, endpoint, routing_id_)));
    data_endpoint_ = endpoint;
    return {};
  }

  void wait(int stop_fd) {
    poller_.clear();
    poller_.watch(control_);
    poller_.watch(stop_fd);
    bool sending = false;
    for (const auto& [key, run] : attempts_) {
      if (const auto fd = run.child_fd()) poller_.watch(*fd);
      sending = sending || run.wants_to_send();
    }
    if (data_) poller_.watch(*data_, sending ? Poller::Interest::kBoth : Poller::Interest::kRead);
    poller_.wait(kTurnMax);
  }

  void drain(int stop_fd, Instant now) {
    char byte = 0;
    while (::read(stop_fd, &byte, 1) < 0 && errno == EINTR) {}
    log_.info(session_.leaving() ? "leaving now" : "draining: finishing what is held, taking nothing new");
    handle(seen::Drain{}, now);
  }

  void receive_control(Instant now) {
    while (!left_) {
      auto bytes = control_.receive();
      if (!bytes) return;
      auto message = wire::decode_control(*bytes);
      if (message) {
        handle(seen::Received{std::move(*message)}, now);
      } else {
        log_.warn("a message from the coordinator makes no sense: " + message.error().text);
      }
    }
  }

  void receive_data(Instant now) {
    while (data_) {
      auto bytes = data_->receive();
      if (!bytes) return;
      auto message = wire::decode_data(*bytes);
      if (!message) {
        log_.warn("data from the coordinator makes no sense: " + message.error().text);
        continue;
      }
      const wire::Artifact artifact = std::visit([](const auto& m) { return m.artifact; }, *message);
      for (auto& [key, run] : attempts_) {
        if (!run.owns(artifact)) continue;
        run.receive(std::move(*message), now);
        break;
      }
    }
  }

  std::vector<Seen> poll_attempts(Instant now) {
    std::vector<Seen> all;
    for (auto& [key, run] : attempts_) {
      for (Seen& seen : run.poll(now)) all.push_back(std::move(seen));
    }
    return all;
  }

  void send_data() {
    for (auto& [key, run] : attempts_) {
      for (wire::Data& message : run.take_messages()) {
        // A small message that does not fit now is repeated by its transfer's own clock.
        if (data_) (void)data_->send(wire::encode(std::move(message)));
      }
    }
    for (int sent = 0; data_ && sent < kChunksPerTurn; ++sent) {
      if (!send_one_chunk()) return;
    }
  }

  bool send_one_chunk() {
    for (auto& [key, run] : attempts_) {
      if (!run.wants_to_send()) continue;
      auto chunk = run.next_chunk();
      if (!chunk) {
        handle(seen::TransferFailed{key.first, key.second, chunk.error()}, monotonic_now());
        return false;
      }
      if (data_->send(wire::encode(wire::Data(std::move(**chunk)))) != SendOutcome::kSent) return false;
      run.sent();
      return true;
    }
    return false;
  }

  void handle(const Seen& seen, Instant now) {
    for (Order& order : session_.handle(seen, now)) {
      std::visit([&](auto& o) { carry_out(o, now); }, order);
    }
  }

  void carry_out(orders::Send& order, Instant) { (void)control_.send(wire::encode(order.message)); }

  void carry_out(orders::Join& order, Instant) {
    const bool told = options_.data.empty();
    if (auto connected = connect_data(told ? endpoint_seen_from(options_.connect, order.data_endpoint) : options_.data);
        !connected) {
      log_.error("cannot use the coordinator's data endpoint: " + connected.error().text);
      return;
    }
    log_.info("joined " + options_.connect);
  }

  void carry_out(orders::FetchInput& order, Instant now) {
    auto run = AttemptRun::fetch(order, options_.temporary, now);
    if (run) {
      attempts_.emplace(Key{order.task, order.attempt}, std::move(*run));
    } else {
      handle(seen::TransferFailed{order.task, order.attempt, run.error()}, now);
    }
  }

  void carry_out(orders::StartChild& order, Instant now) {
    const auto run = attempts_.find({order.task, order.attempt});
    if (run == attempts_.end()) return;
    log_.debug("starting " + name_of(run->first));
    if (auto started = run->second.start_child(order, now); !started)
      handle(seen::ChildFailed{order.task, order.attempt, started.error()}, now);
  }

  void carry_out(orders::StoreOutputs& order, Instant now) {
    const auto run = attempts_.find({order.task, order.attempt});
    if (run != attempts_.end()) run->second.store(order, now);
  }

  void carry_out(orders::Release& order, Instant) { attempts_.erase({order.task, order.attempt}); }

  void carry_out(orders::Leave& order, Instant) {
    left_ = true;
    fault_ = order.fault;
    attempts_.clear();
  }

  static std::string name_of(const Key& key) { return attempt_text(key.first, key.second); }

  Context& context_;
  const WorkerOptions options_;
  Log& log_;
  const std::string routing_id_;
  Session session_;
  Connector control_;
  std::optional<Connector> data_;
  std::string data_endpoint_;
  Poller poller_;
  std::map<Key, AttemptRun> attempts_;
  bool left_ = false;
  std::optional<Fault> fault_;
};

}  // namespace

Result<> run_worker(const WorkerOptions& options, Log& log, int stop_fd) {
  Context context;
  Client client = TRY(Client::connect(context, options, log));
  release_library_pages();
  return client.run(stop_fd);
}

}  // namespace gopmill
