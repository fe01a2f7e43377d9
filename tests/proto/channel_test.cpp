// Long because: one fixture serves every case.
#include "proto/channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/file.h"
#include "proto/messages.h"

// Real sockets on loopback and in a folder of their own. Nothing sleeps: every wait is for readiness, and ends with the
// test failing after kPatience.

namespace gopmill {
namespace {

constexpr Duration kPatience{20'000};

class Channel : public testing::Test {
 protected:
  Listener listen(const std::string& endpoint = "tcp://127.0.0.1:*", Plane plane = Plane::kControl) {
    auto listener = Listener::bind(context_, Identity::none(), plane, endpoint);
    if (!listener) ADD_FAILURE() << listener.error().text;
    return std::move(*listener);
  }
  Connector connect(const Listener& to, const std::string& id = random_routing_id(), Plane plane = Plane::kControl) {
    auto connector = Connector::connect(context_, Identity::none(), plane, to.endpoint(), id);
    if (!connector) ADD_FAILURE() << connector.error().text;
    return std::move(*connector);
  }
  static Incoming receive(Listener& listener) {
    for (;;) {
      if (auto incoming = listener.receive()) return std::move(*incoming);
      Poller poller;
      poller.watch(listener);
      if (!poller.wait(kPatience)) {
        ADD_FAILURE() << "nothing arrives";
        return {Peer(""), ""};
      }
    }
  }
  static std::string receive(Connector& connector) {
    for (;;) {
      if (auto bytes = connector.receive()) return std::move(*bytes);
      Poller poller;
      poller.watch(connector);
      if (!poller.wait(kPatience)) {
        ADD_FAILURE() << "nothing arrives";
        return "";
      }
    }
  }
  // Waits for the connection.
  static void say(Connector& connector, std::string bytes) {
    while (connector.send(std::move(bytes)) != SendOutcome::kSent) {
      Poller poller;
      poller.watch(connector, Poller::Interest::kWrite);
      ASSERT_TRUE(poller.wait(kPatience)) << "never connected";
    }
  }
  // A folder for ipc sockets, whose paths are at most 107 bytes long.
  std::string ipc(const std::string& name) {
    if (folder_.empty()) {
      std::string pattern = (std::filesystem::temp_directory_path() / "gopmill-channel-XXXXXX").string();
      folder_ = ::mkdtemp(pattern.data());
    }
    return "ipc://" + (folder_ / name).string();
  }
  ~Channel() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  std::filesystem::path folder_;
  Context context_;
};

TEST_F(Channel, CarriesMessagesBothWays) {
  for (const std::string& endpoint : {std::string("tcp://127.0.0.1:*"), ipc("both")}) {
    Listener listener = listen(endpoint);
    Connector connector = connect(listener, "worker-a");
    say(connector, "hello");
    const Incoming incoming = receive(listener);
    EXPECT_EQ(incoming.bytes, "hello");
    EXPECT_EQ(incoming.peer, Peer("worker-a"));
    EXPECT_EQ(listener.send(incoming.peer, "welcome"), SendOutcome::kSent);
    EXPECT_EQ(receive(connector), "welcome");
    EXPECT_FALSE(listener.receive());
    EXPECT_FALSE(connector.receive());
  }
}

TEST_F(Channel, ReportsThePortItGot) {
  const std::string endpoint = listen().endpoint();
  EXPECT_TRUE(endpoint.starts_with("tcp://127.0.0.1:")) << endpoint;
  EXPECT_FALSE(endpoint.ends_with("*")) << endpoint;
}

TEST_F(Channel, RefusesATakenEndpoint) {
  for (const std::string& endpoint : {std::string("tcp://127.0.0.1:*"), ipc("taken")}) {
    Listener first = listen(endpoint);
    const auto second = Listener::bind(context_, Identity::none(), Plane::kControl, first.endpoint());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error(),
              (Fault{FaultKind::kCannotCreate, "cannot listen on " + first.endpoint() + ": Address already in use"}));
    Connector connector = connect(first);
    say(connector, "still there");
    EXPECT_EQ(receive(first).bytes, "still there");
  }
}

TEST_F(Channel, TakesOverASocketFileLeftBehind) {
  const std::string endpoint = ipc("left");
  {
    const Fd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    endpoint.copy(address.sun_path, sizeof address.sun_path - 1, sizeof "ipc://" - 1);
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  Listener listener = listen(endpoint);
  Connector connector = connect(listener);
  say(connector, "hello");
  EXPECT_EQ(receive(listener).bytes, "hello");
}

TEST_F(Channel, RefusesWhatIsNoEndpoint) {
  for (const std::string endpoint :
       {"", "tcp://", "tcp://127.0.0.1", "tcp://127.0.0.1:99999", "inproc://here", "udp://127.0.0.1:1", "127.0.0.1:7400"}) {
    const auto listener = Listener::bind(context_, Identity::none(), Plane::kControl, endpoint);
    ASSERT_FALSE(listener) << endpoint;
    EXPECT_EQ(listener.error().kind, FaultKind::kUsage) << endpoint;
    const auto connector = Connector::connect(context_, Identity::none(), Plane::kControl, endpoint, "x");
    ASSERT_FALSE(connector) << endpoint;
    EXPECT_EQ(connector.error().kind, FaultKind::kUsage) << endpoint;
  }
  for (const std::string& id : {std::string(), std::string("\0a", 2), std::string(256, 'a')}) {
    EXPECT_FALSE(Connector::connect(context_, Identity::none(), Plane::kControl, "tcp://127.0.0.1:1", id));
  }
}

TEST_F(Channel, SaysThatAPeerIsGone) {
  Listener listener = listen();
  EXPECT_EQ(listener.send(Peer("never-was"), "hello"), SendOutcome::kGone);
  {
    Connector connector = connect(listener, "leaves");
    say(connector, "hello");
    receive(listener);
    EXPECT_EQ(listener.send(Peer("leaves"), "stay"), SendOutcome::kSent);
  }
  Poller poller;
  poller.watch(listener);
  std::string bytes = "stay";
  int tries = 0;
  while (listener.send(Peer("leaves"), std::move(bytes)) != SendOutcome::kGone && ++tries < 1000) {
    EXPECT_FALSE(listener.receive());  // which also takes the news of connections, or they would end every wait
    poller.wait(Duration{20});
    bytes = "stay";
  }
  EXPECT_LT(tries, 1000);
  EXPECT_EQ(bytes, "stay") << "what was not sent is still ours";
}

TEST_F(Channel, SaysThatAPeerIsFullAndLosesNothing) {
  Listener listener = listen("tcp://127.0.0.1:*", Plane::kData);
  Connector connector = connect(listener, "slow", Plane::kData);
  say(connector, "hello");
  const Peer peer = receive(listener).peer;
  const std::string chunk(wire::kChunkBytes, 'x');
  std::string bytes = chunk;
  int sent = 0;
  // Queues of both ends and what the kernel holds: tens of MiB at the most.
  for (; sent < 1000 && listener.send(peer, std::move(bytes)) == SendOutcome::kSent; ++sent) bytes = chunk;
  EXPECT_GT(sent, 8) << "a whole credit fits";
  EXPECT_LT(sent, 200);
  EXPECT_EQ(bytes, chunk) << "what was not sent is still ours";
  for (int i = 0; i < sent; ++i) ASSERT_EQ(receive(connector), chunk);
  EXPECT_FALSE(connector.receive());
}

TEST_F(Channel, QueuesNothingForACoordinatorThatIsNotThere) {
  // Nor was there ever: a listener that closes is found for a moment longer.
  auto connector = Connector::connect(context_, Identity::none(), Plane::kControl, ipc("nobody"), "x");
  ASSERT_TRUE(connector);
  std::string bytes(10'000, 'x');
  EXPECT_EQ(connector->send(std::move(bytes)), SendOutcome::kFull);
  EXPECT_EQ(bytes.size(), 10'000u);
}

TEST_F(Channel, FindsACoordinatorThatComesBack) {
  std::optional<Listener> listener = listen();
  const std::string endpoint = listener->endpoint();
  Connector connector = connect(*listener, "faithful");
  say(connector, "one");
  EXPECT_EQ(receive(*listener).bytes, "one");
  listener.reset();
  // ZeroMQ frees the port in the background.
  Poller nothing;
  for (int tries = 0; !listener && tries < 1000; ++tries) {
    if (auto again = Listener::bind(context_, Identity::none(), Plane::kControl, endpoint)) listener = std::move(*again);
    nothing.wait(Duration{5});
  }
  ASSERT_TRUE(listener);
  Poller poller;
  poller.watch(*listener);
  std::optional<Incoming> incoming;
  for (int tries = 0; tries < 200 && !incoming; ++tries) {  // what is said before the loss is noticed is lost
    say(connector, "two");
    poller.wait(Duration{100});
    incoming = listener->receive();
  }
  ASSERT_TRUE(incoming);
  EXPECT_EQ(incoming->bytes, "two");
  EXPECT_EQ(incoming->peer, Peer("faithful"));
}

TEST_F(Channel, KnowsAPeerThatReconnectsBeforeItsOldConnectionIsDead) {
  Listener listener = listen();
  Connector old_connection = connect(listener, "same");
  say(old_connection, "one");
  EXPECT_EQ(receive(listener).bytes, "one");
  Connector new_connection = connect(listener, "same");
  say(new_connection, "two");
  const Incoming incoming = receive(listener);
  EXPECT_EQ(incoming.bytes, "two");
  EXPECT_EQ(incoming.peer, Peer("same"));
  EXPECT_EQ(listener.send(incoming.peer, "answer"), SendOutcome::kSent);
  EXPECT_EQ(receive(new_connection), "answer");
}

TEST_F(Channel, CarriesTheLargestMessageAndNoLarger) {
  Listener listener = listen();
  Connector connector = connect(listener, "big");
  const std::string largest(wire::kMessageBytesMax, 'x');
  say(connector, largest);
  EXPECT_TRUE(receive(listener).bytes == largest);
  say(connector, largest + 'x');  // costs the connection
  Poller poller;
  poller.watch(listener);
  std::optional<Incoming> next;
  for (int tries = 0; tries < 200 && !next; ++tries) {
    say(connector, "small");
    poller.wait(Duration{100});
    next = listener.receive();
  }
  ASSERT_TRUE(next);
  EXPECT_EQ(next->bytes, "small");
  for (int tries = 0; !listener.lost_a_connection(); ++tries) {  // the message may be there before the news
    ASSERT_LT(tries, 200);
    poller.wait(Duration{100});
    (void)listener.receive();
  }
  EXPECT_FALSE(listener.lost_a_connection()) << "told once";
}

TEST_F(Channel, TellsThatAConnectionEndedAndSendingTellsWhose) {
  Listener listener = listen();
  Connector stays = connect(listener, "stays");
  {
    Connector leaves = connect(listener, "leaves");
    say(stays, "here");
    say(leaves, "here");
    receive(listener);
    receive(listener);
    EXPECT_FALSE(listener.lost_a_connection());
  }
  Poller poller;
  poller.watch(listener);
  bool lost = false;
  for (int tries = 0; tries < 200 && !lost; ++tries) {
    poller.wait(Duration{100});
    EXPECT_FALSE(listener.receive());
    lost = listener.lost_a_connection();
  }
  EXPECT_TRUE(lost);
  // The news may be ahead of the socket by a moment.
  SendOutcome outcome = SendOutcome::kSent;
  for (int tries = 0; tries < 200 && outcome != SendOutcome::kGone; ++tries) {
    outcome = listener.send(Peer("leaves"), "word");
    EXPECT_FALSE(listener.receive());
    poller.wait(Duration{100});
  }
  EXPECT_EQ(outcome, SendOutcome::kGone);
  EXPECT_EQ(listener.send(Peer("stays"), "word"), SendOutcome::kSent);
}

// What is told of ended connections when the listener is no more must not hold up the sockets beside it.
TEST_F(Channel, ClosesWhileItsPeersLeave) {
  for (int round = 0; round < 200; ++round) {
    Listener listener = listen();
    std::vector<Connector> leaving;
    for (int peer = 0; peer < 4; ++peer) say(leaving.emplace_back(connect(listener)), "hello");
    for (int peer = 0; peer < 4; ++peer) receive(listener);
    leaving.clear();
  }
  Listener next = listen();
  Connector connector = connect(next);
  say(connector, "still there");
  EXPECT_EQ(receive(next).bytes, "still there");
}

TEST_F(Channel, SendsTheGoodbyeBeforeItCloses) {
  Listener listener = listen();
  {
    Context worker;
    auto connector = Connector::connect(worker, Identity::none(), Plane::kControl, listener.endpoint(), "leaver");
    ASSERT_TRUE(connector);
    say(*connector, "hello");
    say(*connector, "goodbye");
    std::move(*connector).finish(kPatience);
  }
  EXPECT_EQ(receive(listener).bytes, "hello");
  EXPECT_EQ(receive(listener).bytes, "goodbye");
}

// ---- Strangers, byte by byte ----

std::string greeting() {
  std::string bytes = std::string("\xFF\0\0\0\0\0\0\0\0\x7F\x03\0NULL", 16);
  bytes.resize(64, '\0');
  return bytes;
}
std::string ready() {
  const std::string socket_type = std::string(
      "\x0BSocket-Type\0\0\0\x06"
      "DEALER",
      22);
  const std::string identity = std::string("\x08Identity\0\0\0\x03raw", 16);
  const std::string body = "\x05READY" + socket_type + identity;
  return std::string("\x04") + static_cast<char>(body.size()) + body;
}

class Stranger {
 public:
  explicit Stranger(const std::string& endpoint) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
    EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  void write(const std::string& bytes) {
    EXPECT_EQ(::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  void read(std::size_t size) {
    std::string bytes(size, '\0');
    EXPECT_EQ(::recv(socket_.get(), bytes.data(), size, MSG_WAITALL), static_cast<ssize_t>(size));
  }
  void shake_hands() {
    write(greeting());
    read(64);
    write(ready());
    read(2);  // the head of the other's READY; what follows may stay where it is
  }
  // Without a goodbye: what is on its way is lost.
  void reset() {
    const linger at_once{1, 0};
    EXPECT_EQ(::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    socket_.reset();
  }

 private:
  Fd socket_;
};

TEST_F(Channel, DeliversAMessageOfSeveralFramesAsEmpty) {
  Listener listener = listen();
  Stranger stranger(listener.endpoint());
  stranger.shake_hands();
  stranger.write(std::string("\x01\x03one\x01\x03two\0\x05three", 17));
  stranger.write(std::string("\0\x04next", 6));
  const Incoming several = receive(listener);
  EXPECT_EQ(several.peer, Peer("raw"));
  EXPECT_EQ(several.bytes, "");
  EXPECT_EQ(receive(listener).bytes, "next") << "and the next begins where it should";
}

TEST_F(Channel, SurvivesNoise) {
  Listener listener = listen();
  const std::array noises = {std::string(1000, '\xFF'), std::string("GET / HTTP/1.1\r\n\r\n"),
                             greeting() + std::string(300, '\x7F'),
                             greeting() + ready() + std::string("\x02\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 9), std::string(1, '\0')};
  for (const std::string& noise : noises) Stranger(listener.endpoint()).write(noise);
  Connector connector = connect(listener);
  say(connector, "still there?");
  EXPECT_EQ(receive(listener).bytes, "still there?");
}

// libzmq 4.3.4 aborts where it pings such a peer; pings of 2 s are what the data plane once had.
TEST_F(Channel, OutlivesPeersThatFillTheirQueueAndReset) {
  Listener listener = listen("tcp://127.0.0.1:*", Plane::kData);
  for (int i = 0; i < 20; ++i) {
    Stranger stranger(listener.endpoint());
    stranger.shake_hands();
    std::string flood;
    for (int n = 0; n < 200; ++n) flood += std::string("\0\x04more", 6);
    stranger.write(flood);
    stranger.reset();
  }
  Poller nothing;
  nothing.wait(Duration{2'500});
  Connector connector = connect(listener, "other", Plane::kData);
  say(connector, "still there?");
  Incoming incoming = receive(listener);
  while (incoming.bytes == "more") incoming = receive(listener);
  EXPECT_EQ(incoming.bytes, "still there?");
}

TEST_F(Channel, LeavesNoDescriptorToChildren) {
  Listener listener = listen();
  Connector connector = connect(listener);
  say(connector, "hello");
  receive(listener);
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int fd = std::stoi(entry.path().filename());
    std::error_code gone;
    const std::string what = std::filesystem::read_symlink(entry.path(), gone);
    if (!what.starts_with("socket:") && !what.starts_with("anon_inode:")) continue;
    if (fd <= STDERR_FILENO) continue;
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0) << what;
  }
}

// ---- Poller ----

TEST_F(Channel, WatchesDescriptorsAndSockets) {
  Listener listener = listen();
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const Fd reading(ends[0]);
  Fd writing(ends[1]);
  Poller poller;
  poller.watch(listener);
  poller.watch(reading.get());
  EXPECT_FALSE(poller.wait(Duration{0}));
  EXPECT_FALSE(poller.readable(reading.get()));

  ASSERT_EQ(::write(writing.get(), "x", 1), 1);
  EXPECT_TRUE(poller.wait(kPatience));
  EXPECT_TRUE(poller.readable(reading.get()));
  EXPECT_FALSE(poller.readable(listener));

  char byte = 0;
  ASSERT_EQ(::read(reading.get(), &byte, 1), 1);
  Connector connector = connect(listener);
  say(connector, "hello");
  EXPECT_TRUE(poller.wait(kPatience));
  EXPECT_FALSE(poller.readable(reading.get()));
  EXPECT_TRUE(poller.readable(listener));
  EXPECT_TRUE(poller.wait(Duration{0})) << "still there: nobody received";
  receive(listener);
  EXPECT_FALSE(poller.wait(Duration{0}));

  writing.reset();
  EXPECT_TRUE(poller.wait(kPatience)) << "the end is something to read";
  EXPECT_TRUE(poller.readable(reading.get()));

  poller.clear();
  EXPECT_FALSE(poller.wait(Duration{0}));
}

TEST(Poller, TellsWhenADescriptorTakesMore) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
  const Fd reading(ends[0]);
  const Fd writing(ends[1]);
  Poller poller;
  poller.watch(writing.get(), Poller::Interest::kBoth);
  EXPECT_TRUE(poller.wait(kPatience));
  EXPECT_TRUE(poller.writable(writing.get()));
  const std::string page(4096, 'x');
  while (::write(writing.get(), page.data(), page.size()) > 0) {}
  EXPECT_FALSE(poller.wait(Duration{0}));
  EXPECT_FALSE(poller.writable(writing.get()));
}

// ---- Names ----

TEST(Endpoints, OfDataFollowThoseOfControl) {
  EXPECT_EQ(data_endpoint_for(kDefaultEndpoint), "tcp://127.0.0.1:7401");
  EXPECT_EQ(data_endpoint_for("tcp://[::1]:9"), "tcp://[::1]:10");
  EXPECT_EQ(data_endpoint_for("tcp://127.0.0.1:*"), "tcp://127.0.0.1:*");
  EXPECT_EQ(data_endpoint_for("ipc:///run/gopmill"), "ipc:///run/gopmill.data");
  for (const auto* endpoint :
       {"tcp://127.0.0.1:65535", "tcp://127.0.0.1:0", "tcp://127.0.0.1", "tcp://127.0.0.1:74x", "tcp://:74", "", "inproc://x"}) {
    const auto none = data_endpoint_for(endpoint);
    ASSERT_FALSE(none) << endpoint;
    EXPECT_EQ(none.error().kind, FaultKind::kUsage) << endpoint;
  }
}

TEST(Endpoints, AreAnnouncedAsPeersCanReachThem) {
  EXPECT_EQ(announced_endpoint("tcp://0.0.0.0:7401"), "tcp://*:7401");
  EXPECT_EQ(announced_endpoint("tcp://[::]:7401"), "tcp://*:7401");
  EXPECT_EQ(announced_endpoint("tcp://10.0.0.1:7401"), "tcp://10.0.0.1:7401");
  EXPECT_EQ(announced_endpoint("ipc:///run/x"), "ipc:///run/x");
  EXPECT_EQ(endpoint_seen_from("tcp://farm:7400", "tcp://*:7401"), "tcp://farm:7401");
  EXPECT_EQ(endpoint_seen_from("tcp://farm:7400", "tcp://10.0.0.1:7401"), "tcp://10.0.0.1:7401");
  EXPECT_EQ(endpoint_seen_from("ipc:///run/x", "ipc:///run/x.data"), "ipc:///run/x.data");
}

TEST(Endpoints, OfThisMachineAloneAreKnown) {
  for (const auto* endpoint :
       {"ipc:///run/x", "tcp://127.0.0.1:7400", "tcp://127.9.8.7:*", "tcp://[::1]:1", "tcp://localhost:1"}) {
    EXPECT_TRUE(is_loopback(endpoint)) << endpoint;
  }
  for (const auto* endpoint : {"tcp://*:7400", "tcp://0.0.0.0:1", "tcp://[::]:1", "tcp://10.0.0.1:1",
                               "tcp://localhost.evil.org:1", "tcp://127.0.0.1.evil.org:1", "tcp://127.0.0.1:0;10.0.0.1:7400",
                               "tcp://eth0:1", "tcp://127.0.0.1", "", "127.0.0.1:1", "udp://127.0.0.1:1"}) {
    EXPECT_FALSE(is_loopback(endpoint)) << endpoint;
  }
}

TEST(Peers, HaveNamesForPeople) {
  EXPECT_EQ(Peer("abc-1").printable(), "abc-1");
  EXPECT_EQ(Peer(std::string("\0\x1F~", 3)).printable(), "0x001f7e");
  EXPECT_EQ(Peer("").printable(), "0x");
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) ids.insert(random_routing_id());
  EXPECT_EQ(ids.size(), 100u);
  EXPECT_EQ(ids.begin()->size(), 32u);
}

}  // namespace
}  // namespace gopmill
