#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/time.h"

// Sockets that carry whole messages between machines: ZeroMQ, which only channel.cpp includes. ZeroMQ drops what it holds
// for a peer that goes away and tells nobody; whoever needs an answer asks again. docs/protocol.md has the two sockets.
// Why: docs/decisions/13-two-sockets.md.
//
// Threads: a Context may be shared by threads. A Listener, Connector or Poller belongs to the thread that made it; nothing
// here locks. Processes: every descriptor is close-on-exec; a process forked without exec must not touch these objects.
//
// Proof of who a peer is, and secrecy, are the Identity's; the only one there is today gives neither, so callers refuse
// endpoints that are not is_loopback().

namespace gopmill {

// What the socket carries decides its queues and its patience.
enum class Plane : std::uint8_t {
  kControl,  // small messages, soon noticing a dead peer
  kData,     // chunks, on links that may be slow
};

// One process's ZeroMQ: made in `main` before any socket, destroyed after all of them. The destructor waits for what
// Connector::finish allowed, else for nothing.
class Context {
 public:
  Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context();

 private:
  friend class Listener;
  friend class Connector;
  void* context_;
};

// Who this end is to the other ends, and by that whom it believes: handed to every bind and connect, decided once per process.
// There is one today, which proves nothing and hides nothing (ZMTP's NULL); a CURVE key pair and the keys it believes belong
// here (docs/decisions/20-loopback-only.md).
class Identity {
 public:
  static Identity none() { return {}; }
  // Whether what goes over the socket is secret and both ends are proven.
  [[nodiscard]] bool secures() const { return false; }

 private:
  Identity() = default;
};

// Who a message came from, and whom an answer goes to: the routing id its connector chose. Opaque, up to 255 bytes of
// anything. It is a claim, not a proof: unguessable ids keep strangers from claiming another's, no more.
class Peer {
 public:
  explicit Peer(std::string id) : id_(std::move(id)) {}
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] std::string printable() const;  // for logs: text as it is, other bytes in hexadecimal
  friend auto operator<=>(const Peer&, const Peer&) = default;

 private:
  std::string id_;
};

// 128 random bits as text. A process makes one at its start and uses it for all its connectors, so that the listener of
// either plane knows it under the same name.
std::string random_routing_id();

enum class SendOutcome : std::uint8_t {
  kSent,  // handed to ZeroMQ: it arrives unless the connection breaks
  kFull,  // the peer does not keep up, or a connector has no connection now: try again later
  kGone,  // no such peer is connected; of a Listener only
};

struct Incoming {
  Peer peer;
  std::string bytes;  // one message; empty for anything that is not one frame, which no codec accepts
};

namespace detail {
struct SocketClose {
  void operator()(void* socket) const;  // does not block
};
// Closes a socket and, after it stopped telling, the one its monitor tells of ended connections: ZeroMQ's thread waits
// without end to tell what nobody is left to read, and all other sockets of the context with it.
struct MonitoredSocketClose {
  void* monitor = nullptr;  // null: none yet
  void operator()(void* socket) const;
};
}  // namespace detail

// The end that others connect to; speaks to each by its Peer.
class Listener {
 public:
  // `endpoint`: "tcp://HOST:PORT" with HOST an address, an interface or "*", PORT "*" for any free one; or "ipc://PATH".
  // kCannotCreate naming the endpoint where it is taken or not ours, kUsage where it is not an endpoint.
  static Result<Listener> bind(Context& context, const Identity& identity, Plane plane, const std::string& endpoint);

  // The endpoint as it became: with the port it got.
  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }
  // The next message, if there is one. Never blocks.
  std::optional<Incoming> receive();
  // Never blocks. `bytes` are taken only when sent; after any other outcome they are still the caller's.
  SendOutcome send(const Peer& peer, std::string&& bytes);
  // Whether a connection has ended since the last call, as far as receive() has heard; whose, send() tells (kGone), if
  // not at once then a moment later. Wakes a Poller that watches this listener.
  bool lost_a_connection();

 private:
  friend class Poller;
  Listener() = default;
  [[nodiscard]] void* monitor() const { return socket_.get_deleter().monitor; }

  std::unique_ptr<void, detail::MonitoredSocketClose> socket_;
  std::string endpoint_;
  bool lost_a_connection_ = false;
};

// The end that connects to one listener, again and again until destroyed.
class Connector {
 public:
  // Returns at once; the connection comes to be in the background. kUsage where `endpoint` is not one or `routing_id` is not
  // 1..255 bytes that begin with something else than zero (ZeroMQ's own ids do).
  static Result<Connector> connect(Context& context, const Identity& identity, Plane plane, const std::string& endpoint,
                                   const std::string& routing_id);

  // The next message, if there is one. Never blocks. After a reconnection messages may be missing, never half.
  std::optional<std::string> receive();
  // Never blocks. kSent or kFull; poll for writing to learn when it is worth another try. `bytes` are taken only when sent.
  SendOutcome send(std::string&& bytes);
  // Closes; what was sent may go on leaving for up to `linger` while the Context lives. Without it, it is dropped.
  void finish(Duration linger) &&;

 private:
  friend class Poller;
  Connector() = default;
  std::unique_ptr<void, detail::SocketClose> socket_;
};

// Waits for any of several sockets and descriptors. Built up once or before each wait; what it watches must outlive it or
// the next clear().
class Poller {
 public:
  enum class Interest : std::uint8_t { kRead, kWrite, kBoth };

  Poller();
  Poller(Poller&&) noexcept;
  Poller& operator=(Poller&&) noexcept;
  ~Poller();

  void clear();
  void watch(const Listener& listener);  // for reading: a full peer is found by trying again
  void watch(const Connector& connector, Interest interest = Interest::kRead);
  void watch(int fd, Interest interest = Interest::kRead);

  // True when anything is ready; false after `timeout` (negative: for ever) or when a signal came. Sockets stay ready until
  // received from until empty (level-triggered).
  bool wait(Duration timeout);

  // As the last wait() found. A descriptor is also readable at its end or when broken: reading tells which.
  [[nodiscard]] bool readable(const Listener& listener) const;
  [[nodiscard]] bool readable(const Connector& connector) const;
  [[nodiscard]] bool readable(int fd) const;
  [[nodiscard]] bool writable(const Connector& connector) const;
  [[nodiscard]] bool writable(int fd) const;

 private:
  struct Items;
  std::unique_ptr<Items> items_;
};

// ---- Endpoints: plain text work, no sockets ----

inline constexpr std::string_view kDefaultEndpoint = "tcp://127.0.0.1:7400";  // of control; data is on the next port

// Where the data socket goes beside this control endpoint: the next port ("*" stays "*"), or ".data" appended to an ipc
// path. kUsage where there is none.
Result<std::string> data_endpoint_for(std::string_view control);
// What to tell peers about a bound endpoint: host "*" where it listens on every address, since they know one that works.
std::string announced_endpoint(std::string_view bound);
// `announced` as seen by someone who reached the control socket at `control`: host "*" replaced by that one's host.
std::string endpoint_seen_from(std::string_view control, std::string_view announced);
// Only this machine can reach it: ipc, 127.0.0.0/8, ::1, localhost. Not sure counts as no.
bool is_loopback(std::string_view endpoint);

}  // namespace gopmill

template <>
struct std::hash<gopmill::Peer> {
  std::size_t operator()(const gopmill::Peer& peer) const noexcept { return std::hash<std::string>{}(peer.id()); }
};
