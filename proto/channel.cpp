// Long because: everything that must know ZeroMQ is here, behind one door.

#include "proto/channel.h"

#include <arpa/inet.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <zmq.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "base/file.h"
#include "proto/messages.h"

namespace gopmill {

namespace {

// ---- Endpoints ----

struct TcpEndpoint {
  std::string_view host;  // IPv6 with its brackets
  std::string_view port;
};

std::optional<TcpEndpoint> split_tcp(std::string_view endpoint) {
  constexpr std::string_view kPrefix = "tcp://";
  if (!endpoint.starts_with(kPrefix)) return std::nullopt;
  endpoint.remove_prefix(kPrefix.size());
  const std::size_t colon = endpoint.rfind(':');
  if (colon == endpoint.npos || colon == 0 || colon + 1 == endpoint.size()) return std::nullopt;
  return TcpEndpoint{endpoint.substr(0, colon), endpoint.substr(colon + 1)};
}

std::string join_tcp(std::string_view host, std::string_view port) {
  return std::string("tcp://").append(host).append(":").append(port);
}

// 0: not a port.
std::uint16_t port_number(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() ? port : std::uint16_t{0};
}

// Ports are checked here because libzmq takes them modulo 65536.
bool is_endpoint(std::string_view endpoint) {
  constexpr std::string_view kIpc = "ipc://";
  if (endpoint.starts_with(kIpc)) return endpoint.size() > kIpc.size();
  const auto tcp = split_tcp(endpoint);
  return tcp && (tcp->port == "*" || port_number(tcp->port) != 0);
}

Result<> refuse_endpoint(const std::string& endpoint) {
  return fail(FaultKind::kUsage, "not an endpoint like tcp://HOST:PORT or ipc://PATH: " + endpoint);
}

// ---- Options ----

// Queues are bounded in messages, on each side of each connection. A worker says a few hundred bytes a second; a peer with
// this many unread control messages is stuck.
constexpr int kControlQueue = 256;
// At 512 KiB a chunk: at most 8 MiB in each queue, twice the credit of one transfer.
constexpr int kDataQueue = 16;
// On the control plane ZMTP's own heartbeats end connections whose other end froze or vanished without a goodbye; three are
// allowed to be lost.
constexpr int kControlPingMs = 500;
constexpr int kControlSilenceMsMax = 1500;
// On the data plane the kernel's keepalive does: a ping of ZMTP's would wait behind every chunk in the socket buffers, and libzmq
// 4.3.4 aborts the process that pings a peer which filled its queue and then reset the connection ("!_io_error").
constexpr int kDataProbeS = 5;
constexpr int kDataProbes = 3;
constexpr int kDataSilenceMsMax = kDataProbeS * (1 + kDataProbes) * 1000;
constexpr int kHandshakeMsMax = 5000;  // a stranger who connects and says nothing is dropped; ZeroMQ's own is 30 s
constexpr int kBacklog = 256;          // a farm that reconnects at once after a coordinator's restart
constexpr int kReconnectMs = 100;
constexpr int kReconnectMsMax = 2000;          // doubles up to here: a restarted coordinator has its workers back within 2 s
constexpr int kConnectMsMax = 5000;            // the kernel alone tries for two minutes before it believes an address is dead
constexpr std::size_t kCopiedBytesMax = 4096;  // below this, copying into the message is cheaper than handing a string over
constexpr std::size_t kRoutingIdBytesMax = 255;

void set(void* socket, int option, int value) { GOPMILL_CHECK(zmq_setsockopt(socket, option, &value, sizeof value) == 0); }

// A socket never proves less than its identity says.
void check_mechanism(void* socket, const Identity& identity) {
  int mechanism = 0;
  std::size_t size = sizeof mechanism;
  GOPMILL_CHECK(zmq_getsockopt(socket, ZMQ_MECHANISM, &mechanism, &size) == 0);
  GOPMILL_CHECK(identity.secures() == (mechanism == ZMQ_CURVE));
}

void set_common_options(void* socket, const Identity& identity, Plane plane, std::string_view endpoint) {
  check_mechanism(socket, identity);
  const bool control = plane == Plane::kControl;
  set(socket, ZMQ_SNDHWM, control ? kControlQueue : kDataQueue);
  set(socket, ZMQ_RCVHWM, control ? kControlQueue : kDataQueue);
  if (control) {
    set(socket, ZMQ_HEARTBEAT_IVL, kControlPingMs);
    set(socket, ZMQ_HEARTBEAT_TIMEOUT, kControlSilenceMsMax);
  } else {
    set(socket, ZMQ_TCP_KEEPALIVE, 1);
    set(socket, ZMQ_TCP_KEEPALIVE_IDLE, kDataProbeS);
    set(socket, ZMQ_TCP_KEEPALIVE_INTVL, kDataProbeS);
    set(socket, ZMQ_TCP_KEEPALIVE_CNT, kDataProbes);
    set(socket, ZMQ_TCP_MAXRT, kDataSilenceMsMax);  // of what is sent and never acknowledged
  }
  set(socket, ZMQ_HANDSHAKE_IVL, kHandshakeMsMax);
  // Closing drops what is unsent: it would hold up the end of the process, and nobody may rely on it anyway.
  set(socket, ZMQ_LINGER, 0);
  // With IPv6 on, a name may become an IPv6 address alone, "localhost" ::1, where a listener on 127.0.0.1 is never found;
  // so it is on only for endpoints that say so.
  set(socket, ZMQ_IPV6, endpoint.find('[') != endpoint.npos ? 1 : 0);
  const std::int64_t bytes_max = wire::kMessageBytesMax;
  GOPMILL_CHECK(zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &bytes_max, sizeof bytes_max) == 0);
}

std::string why(int error) { return zmq_strerror(error); }

// libzmq removes whatever is at an ipc path before it binds there, a living listener's socket too; so ask first whether
// somebody answers.
bool is_answered(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::copy(path.begin(), path.end(), address.sun_path);
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
  return errno == EAGAIN;  // its backlog is full
}

// ---- Messages ----

// A zmq_msg_t that is closed whatever happens.
class Message {
 public:
  Message() { zmq_msg_init(&message_); }
  // Takes `bytes`; take_back() undoes that as long as the message is unsent.
  explicit Message(std::string& bytes) {
    if (bytes.size() <= kCopiedBytesMax) {
      GOPMILL_CHECK(zmq_msg_init_size(&message_, bytes.size()) == 0);
      std::copy(bytes.begin(), bytes.end(), static_cast<char*>(zmq_msg_data(&message_)));
      return;
    }
    auto held = std::make_unique<std::string>(std::move(bytes));
    // The I/O thread runs the lambda when the bytes have left.
    GOPMILL_CHECK(zmq_msg_init_data(
                      &message_, held->data(), held->size(), [](void*, void* hint) { delete static_cast<std::string*>(hint); },
                      held.get()) == 0);
    held_ = held.release();
  }
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;
  ~Message() { zmq_msg_close(&message_); }

  void take_back(std::string& bytes) {
    if (held_ != nullptr) bytes = std::move(*held_);
  }
  [[nodiscard]] zmq_msg_t* get() { return &message_; }
  [[nodiscard]] bool has_more() const { return zmq_msg_more(&message_) != 0; }
  [[nodiscard]] std::string bytes() { return {static_cast<const char*>(zmq_msg_data(&message_)), zmq_msg_size(&message_)}; }

 private:
  zmq_msg_t message_{};
  std::string* held_ = nullptr;  // owned by message_
};

// False: nothing there.
bool receive_frame(void* socket, Message& frame) {
  while (zmq_msg_recv(frame.get(), socket, ZMQ_DONTWAIT) < 0) {
    if (errno == EAGAIN) return false;
    GOPMILL_CHECK(errno == EINTR);
  }
  return true;
}

// The message that `frame` begins, empty if it has more frames than this one; those are read and dropped, since they are
// there already: ZeroMQ delivers all frames of a message or none.
std::string whole_message(void* socket, Message& frame) {
  if (!frame.has_more()) return frame.bytes();
  for (Message rest; receive_frame(socket, rest) && rest.has_more();) {}
  return {};
}

// Whether there was any. ZeroMQ's thread blocks once they fill a queue, so they are always read.
bool read_events(void* monitor) {
  bool any = false;
  for (Message event; receive_frame(monitor, event); any = true) (void)whole_message(monitor, event);
  return any;
}

// 0 or the error; EINTR is retried.
int send_frame(void* socket, Message& frame, int flags) {
  while (zmq_msg_send(frame.get(), socket, ZMQ_DONTWAIT | flags) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

}  // namespace

// ---- Context, Peer ----

Context::Context() : context_(zmq_ctx_new()) { GOPMILL_CHECK(context_ != nullptr); }

Context::~Context() {
  while (zmq_ctx_term(context_) != 0 && errno == EINTR) {}
}

void detail::SocketClose::operator()(void* socket) const { zmq_close(socket); }

void detail::MonitoredSocketClose::operator()(void* socket) const {
  if (monitor != nullptr) {
    read_events(monitor);  // stopping waits for the thread, the thread for room
    zmq_socket_monitor(socket, nullptr, 0);
    zmq_close(monitor);
  }
  zmq_close(socket);
}

std::string Peer::printable() const {
  const auto is_plain = [](char c) { return c > ' ' && c < 0x7F; };
  if (!id_.empty() && std::all_of(id_.begin(), id_.end(), is_plain)) return id_;
  return "0x" + hex(id_);
}

std::string random_routing_id() {
  std::array<char, 16> bits{};
  GOPMILL_CHECK(::getrandom(bits.data(), bits.size(), 0) == static_cast<ssize_t>(bits.size()));
  std::string id;
  for (const char byte : bits) {
    id += static_cast<char>('a' + (static_cast<unsigned char>(byte) >> 4));
    id += static_cast<char>('a' + (static_cast<unsigned char>(byte) & 15));
  }
  return id;
}

// ---- Listener ----

Result<Listener> Listener::bind(Context& context, const Identity& identity, Plane plane, const std::string& endpoint) {
  if (!is_endpoint(endpoint)) TRY(refuse_endpoint(endpoint));
  Listener listener;
  listener.socket_.reset(zmq_socket(context.context_, ZMQ_ROUTER));
  void* socket = listener.socket_.get();
  if (socket == nullptr) return fail(FaultKind::kMachine, "no socket for " + endpoint + ": " + why(errno));
  set_common_options(socket, identity, plane, endpoint);
  set(socket, ZMQ_BACKLOG, kBacklog);
  // Without this, messages to unknown or full peers are dropped without a word.
  set(socket, ZMQ_ROUTER_MANDATORY, 1);
  // A peer that reconnects before its old connection is known to be dead takes its name over; without this, all it says on
  // the new one is lost, and nobody told (seen with libzmq 4.3.4). Ids are random, so nobody else's is taken by chance.
  set(socket, ZMQ_ROUTER_HANDOVER, 1);
  constexpr std::string_view kIpc = "ipc://";
  const bool taken = endpoint.starts_with(kIpc) && is_answered(endpoint.substr(kIpc.size()));
  if (taken || zmq_bind(socket, endpoint.c_str()) != 0) {
    const int error = taken ? EADDRINUSE : errno;
    if (error == EINVAL || error == EPROTONOSUPPORT) TRY(refuse_endpoint(endpoint));
    return fail(FaultKind::kCannotCreate, "cannot listen on " + endpoint + ": " + why(error));
  }
  // A name in the context's own space; the address is as good as a counter.
  const std::string events = "inproc://ends-of-" + std::to_string(reinterpret_cast<std::uintptr_t>(socket));
  void* monitor = zmq_socket(context.context_, ZMQ_PAIR);
  if (monitor == nullptr) return fail(FaultKind::kMachine, "no socket for " + endpoint + ": " + why(errno));
  listener.socket_.get_deleter().monitor = monitor;
  set(monitor, ZMQ_LINGER, 0);
  GOPMILL_CHECK(zmq_socket_monitor(socket, events.c_str(), ZMQ_EVENT_DISCONNECTED) == 0);
  GOPMILL_CHECK(zmq_connect(monitor, events.c_str()) == 0);
  std::array<char, 1024> bound{};
  std::size_t size = bound.size();
  GOPMILL_CHECK(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, bound.data(), &size) == 0);
  listener.endpoint_ = bound.data();
  return listener;
}

std::optional<Incoming> Listener::receive() {
  Message id;
  if (!receive_frame(socket_.get(), id)) {
    lost_a_connection_ |= read_events(monitor());
    return std::nullopt;
  }
  GOPMILL_CHECK(id.has_more());  // a ROUTER puts the id in front of everything
  Message body;
  GOPMILL_CHECK(receive_frame(socket_.get(), body));
  return Incoming{Peer(id.bytes()), whole_message(socket_.get(), body)};
}

SendOutcome Listener::send(const Peer& peer, std::string&& bytes) {
  std::string id = peer.id();
  Message head(id);
  if (const int error = send_frame(socket_.get(), head, ZMQ_SNDMORE); error != 0) {
    if (error == EAGAIN) return SendOutcome::kFull;
    GOPMILL_CHECK(error == EHOSTUNREACH);
    return SendOutcome::kGone;
  }
  // Once the id is accepted, so is the rest: the limit counts messages, not frames.
  Message body(bytes);
  GOPMILL_CHECK(send_frame(socket_.get(), body, 0) == 0);
  return SendOutcome::kSent;
}

bool Listener::lost_a_connection() { return std::exchange(lost_a_connection_, false); }

// ---- Connector ----

Result<Connector> Connector::connect(Context& context, const Identity& identity, Plane plane, const std::string& endpoint,
                                     const std::string& routing_id) {
  if (!is_endpoint(endpoint)) TRY(refuse_endpoint(endpoint));
  if (routing_id.empty() || routing_id.size() > kRoutingIdBytesMax || routing_id.front() == '\0') {
    return fail(FaultKind::kUsage, "a routing id is 1 to 255 bytes and does not begin with a zero");
  }
  Connector connector;
  connector.socket_.reset(zmq_socket(context.context_, ZMQ_DEALER));
  void* socket = connector.socket_.get();
  if (socket == nullptr) return fail(FaultKind::kMachine, "no socket for " + endpoint + ": " + why(errno));
  set_common_options(socket, identity, plane, endpoint);
  GOPMILL_CHECK(zmq_setsockopt(socket, ZMQ_ROUTING_ID, routing_id.data(), routing_id.size()) == 0);
  set(socket, ZMQ_IMMEDIATE, 1);  // nothing queues for a coordinator that is not there: it would be stale when it comes
  set(socket, ZMQ_RECONNECT_IVL, kReconnectMs);
  set(socket, ZMQ_RECONNECT_IVL_MAX, kReconnectMsMax);
  set(socket, ZMQ_CONNECT_TIMEOUT, kConnectMsMax);
  if (zmq_connect(socket, endpoint.c_str()) != 0) TRY(refuse_endpoint(endpoint));
  return connector;
}

std::optional<std::string> Connector::receive() {
  Message message;
  if (!receive_frame(socket_.get(), message)) return std::nullopt;
  return whole_message(socket_.get(), message);
}

SendOutcome Connector::send(std::string&& bytes) {
  Message message(bytes);
  const int error = send_frame(socket_.get(), message, 0);
  if (error == 0) return SendOutcome::kSent;
  GOPMILL_CHECK(error == EAGAIN);
  message.take_back(bytes);
  return SendOutcome::kFull;
}

void Connector::finish(Duration linger) && {
  set(socket_.get(), ZMQ_LINGER, static_cast<int>(linger.count()));
  socket_.reset();
}

// ---- Poller ----

struct Poller::Items {
  std::vector<zmq_pollitem_t> list;

  static short events(Interest interest) {
    switch (interest) {
      case Interest::kRead: return ZMQ_POLLIN;
      case Interest::kWrite: return ZMQ_POLLOUT;
      case Interest::kBoth: return ZMQ_POLLIN | ZMQ_POLLOUT;
    }
    return 0;
  }
  // Linear: a loop watches two sockets and some dozens of children.
  [[nodiscard]] bool ready(void* socket, int fd, int wanted) const {
    return std::any_of(list.begin(), list.end(), [&](const zmq_pollitem_t& item) {
      return item.socket == socket && (socket != nullptr || item.fd == fd) && (item.revents & wanted) != 0;
    });
  }
};

Poller::Poller() : items_(std::make_unique<Items>()) {}
Poller::Poller(Poller&&) noexcept = default;
Poller& Poller::operator=(Poller&&) noexcept = default;
Poller::~Poller() = default;

void Poller::clear() { items_->list.clear(); }
void Poller::watch(const Listener& listener) {
  items_->list.push_back({listener.socket_.get(), 0, ZMQ_POLLIN, 0});
  items_->list.push_back({listener.monitor(), 0, ZMQ_POLLIN, 0});
}
void Poller::watch(const Connector& connector, Interest interest) {
  items_->list.push_back({connector.socket_.get(), 0, Items::events(interest), 0});
}
void Poller::watch(int fd, Interest interest) { items_->list.push_back({nullptr, fd, Items::events(interest), 0}); }

bool Poller::wait(Duration timeout) {
  auto& list = items_->list;
  const int ready =
      zmq_poll(list.data(), static_cast<int>(list.size()), timeout < Duration{0} ? -1 : static_cast<long>(timeout.count()));
  if (ready >= 0) return ready > 0;
  GOPMILL_CHECK(errno == EINTR);
  for (zmq_pollitem_t& item : list) item.revents = 0;
  return false;
}

bool Poller::readable(const Listener& listener) const { return items_->ready(listener.socket_.get(), 0, ZMQ_POLLIN); }
bool Poller::readable(const Connector& connector) const { return items_->ready(connector.socket_.get(), 0, ZMQ_POLLIN); }
bool Poller::readable(int fd) const { return items_->ready(nullptr, fd, ZMQ_POLLIN | ZMQ_POLLERR); }
bool Poller::writable(const Connector& connector) const { return items_->ready(connector.socket_.get(), 0, ZMQ_POLLOUT); }
bool Poller::writable(int fd) const { return items_->ready(nullptr, fd, ZMQ_POLLOUT | ZMQ_POLLERR); }

// ---- Endpoints ----

Result<std::string> data_endpoint_for(std::string_view control) {
  if (control.starts_with("ipc://")) return std::string(control) + ".data";
  const auto tcp = split_tcp(control);
  if (tcp && tcp->port == "*") return std::string(control);
  const std::uint16_t port = tcp ? port_number(tcp->port) : std::uint16_t{0};
  if (port == 0 || port == 65535) {
    return fail(FaultKind::kUsage, std::string(control).append(" leaves no next port for the data socket"));
  }
  return join_tcp(tcp->host, std::to_string(port + 1));
}

std::string announced_endpoint(std::string_view bound) {
  const auto tcp = split_tcp(bound);
  const bool everywhere = tcp && (tcp->host == "0.0.0.0" || tcp->host == "[::]");
  return everywhere ? join_tcp("*", tcp->port) : std::string(bound);
}

std::string endpoint_seen_from(std::string_view control, std::string_view announced) {
  const auto data = split_tcp(announced);
  const auto known = split_tcp(control);
  return data && known && data->host == "*" ? join_tcp(known->host, data->port) : std::string(announced);
}

bool is_loopback(std::string_view endpoint) {
  if (endpoint.starts_with("ipc://")) return true;
  const auto tcp = split_tcp(endpoint);
  if (!tcp) return false;
  if (tcp->host == "localhost" || tcp->host == "[::1]" || tcp->host == "::1") return true;
  in_addr address{};
  if (::inet_pton(AF_INET, std::string(tcp->host).c_str(), &address) != 1) return false;
  return (ntohl(address.s_addr) >> 24) == 127;
}

}  // namespace gopmill
