// Long because: one fixture serves every case.
#include "proto/transfer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <span>
#include <tuple>
#include <variant>
#include <vector>

// Real senders and receivers, with a wire between them that does what the test says.

namespace gopmill {
namespace {

using wire::Artifact;
using wire::ArtifactFacts;
using wire::Data;
using wire::kChunkBytes;
using wire::kCreditBytes;

constexpr Artifact kOutput{wire::ArtifactKind::kTaskOutput, JobId{7}, 3, 2, 1};

std::string content(std::size_t bytes, std::uint32_t seed = 1) {
  std::string text(bytes, '\0');
  std::minstd_rand random(seed);
  for (char& c : text) c = static_cast<char>(random() >> 8);
  return text;
}

ArtifactFacts facts_of(const std::string& bytes) { return {bytes.size(), chunk_hash(std::as_bytes(std::span(bytes)))}; }

wire::Chunk chunk_of(const std::string& bytes, std::uint64_t offset, std::size_t size) {
  return make_chunk(kOutput, offset, bytes.substr(offset, size));
}

// ---- The wire ----

// What happens to messages, decided by one seed.
struct Weather {
  double lose = 0, twice = 0, late = 0, flip = 0;
};

// Two directions, each a list of messages on their way.
class Wire {
 public:
  Wire(std::uint32_t seed, Weather weather) : random_(seed), weather_(weather) {}

  void send(std::vector<Data>& way, Data message) {
    ++sent_;
    if (must_lose_ && must_lose_(sent_)) return;
    if (chance(weather_.lose)) return;
    if (chance(weather_.flip)) {
      if (auto* chunk = std::get_if<wire::Chunk>(&message)) chunk->bytes[random_() % chunk->bytes.size()] ^= 1;
    }
    if (chance(weather_.twice)) way.insert(place(way), message);
    way.insert(place(way), std::move(message));
  }
  void lose_message(std::size_t number) {
    must_lose_ = [number](std::size_t sent) { return sent == number; };
  }
  [[nodiscard]] std::size_t sent() const { return sent_; }

  std::vector<Data> up, down;  // to the coordinator; from it

  static std::optional<Data> arrive(std::vector<Data>& way) {
    if (way.empty()) return std::nullopt;
    Data message = std::move(way.front());
    way.erase(way.begin());
    return message;
  }

 private:
  bool chance(double p) { return p > 0 && std::uniform_real_distribution<>(0, 1)(random_) < p; }
  std::vector<Data>::iterator place(std::vector<Data>& way) {
    return chance(weather_.late) ? way.begin() + static_cast<long>(random_() % (way.size() + 1)) : way.end();
  }

  std::mt19937 random_;
  Weather weather_;
  std::size_t sent_ = 0;
  std::function<bool(std::size_t)> must_lose_;
};

// ---- Both directions, run to their end in simulated time ----

struct Outcome {
  std::string received;
  std::optional<Fault> fault;
  std::uint64_t chunk_bytes = 0;  // sent, doubled ones included
  std::uint64_t ahead_max = 0;    // the most bytes sent beyond what the receiver had
  Instant ended;
};

void append(std::string& file, std::uint64_t offset, const std::string& bytes) {
  ASSERT_EQ(offset, file.size()) << "bytes are handed out in order, once";
  file += bytes;
}

// Sends all that may be sent now, and notes how far that went beyond what the receiver had. False: nothing.
template <class Sender>
bool send_pieces(Sender& sender, const std::string& file, Wire& wire, std::vector<Data>& way, Outcome& outcome) {
  bool sent = false;
  while (const auto piece = sender.next()) {
    const std::uint64_t end = piece->offset + piece->bytes;
    outcome.ahead_max = std::max(outcome.ahead_max, end - std::min(end, outcome.received.size()));
    outcome.chunk_bytes += piece->bytes;
    wire.send(way, chunk_of(file, piece->offset, piece->bytes));
    sender.advance();
    sent = true;
  }
  return sent;
}

constexpr int kTurnsMax = 100'000;

Outcome upload(const std::string& file, Wire& wire, ArtifactFacts facts) {
  Outcome outcome;
  Instant now;
  Upload upload(kOutput, facts, now);
  std::optional<ReceivingTransfer> receiving;  // the coordinator learns of it from Store
  wire.send(wire.up, upload.start());
  for (int turn = 0; turn < kTurnsMax && !upload.ended(); ++turn) {
    bool busy = false;
    if (auto message = Wire::arrive(wire.up)) {
      busy = true;
      if (std::holds_alternative<wire::Store>(*message)) {
        if (!receiving) receiving.emplace(kOutput, facts);
      } else if (receiving) {
        auto taken = receiving->take(std::get<wire::Chunk>(std::move(*message)));
        if (!taken.write.empty()) append(outcome.received, taken.write_offset, taken.write);
        if (taken.open) wire.send(wire.down, receiving->grant(*taken.open));
        if (!receiving->whole()) continue;
      }
      if (receiving && receiving->whole() && !receiving->verdict()) {
        wire.send(wire.down, wire::Denied{kOutput, receiving->verdict().error()});
      } else if (receiving && (receiving->whole() || std::holds_alternative<wire::Store>(*message))) {
        wire.send(wire.down, receiving->answer_store(receiving->whole()));
      }
    }
    if (auto message = Wire::arrive(wire.down)) {
      busy = true;
      upload.handle(*message, now);
    }
    busy |= send_pieces(upload, file, wire, wire.up, outcome);
    if (busy) continue;
    now = upload.due();
    if (auto message = upload.tick(now)) wire.send(wire.up, std::move(*message));
  }
  outcome.fault = upload.fault();
  outcome.ended = now;
  EXPECT_TRUE(upload.ended());
  return outcome;
}

Outcome download(const std::string& file, Wire& wire, ArtifactFacts facts) {
  Outcome outcome;
  Instant now;
  Download download(kOutput, facts, now);
  std::optional<SendingTransfer> sending;  // forgotten by the coordinator whenever it has nothing to do
  const auto carry_out = [&](Download::Step step) {
    if (!step.write.empty()) append(outcome.received, step.write_offset, step.write);
    if (step.send) wire.send(wire.up, std::move(*step.send));
  };
  carry_out(download.start());
  for (int turn = 0; turn < kTurnsMax && !download.ended(); ++turn) {
    bool busy = false;
    if (auto message = Wire::arrive(wire.up)) {
      busy = true;
      const auto& fetch = std::get<wire::Fetch>(*message);
      if (!sending) sending.emplace(file.size());
      sending->open({fetch.offset, fetch.credit});
    }
    if (sending && !send_pieces(*sending, file, wire, wire.down, outcome)) sending.reset();
    busy |= sending.has_value();
    if (auto message = Wire::arrive(wire.down)) {
      busy = true;
      carry_out(download.handle(std::move(*message), now));
    }
    if (busy) continue;
    now = download.due();
    carry_out(download.tick(now));
  }
  outcome.fault = download.fault();
  outcome.ended = now;
  EXPECT_TRUE(download.ended());
  return outcome;
}

using Run = Outcome (*)(const std::string&, Wire&, ArtifactFacts);

class BothWays : public testing::TestWithParam<Run> {
 protected:
  static Outcome run(const std::string& file, Wire& wire) { return GetParam()(file, wire, facts_of(file)); }
};
INSTANTIATE_TEST_SUITE_P(Transfer, BothWays, testing::Values(&upload, &download),
                         [](const auto& run) { return run.param == &upload ? "upload" : "download"; });

// ---- Whole transfers ----

TEST_P(BothWays, CarryEverySize) {
  for (const std::size_t bytes :
       {std::size_t{0}, std::size_t{1}, kChunkBytes - 1, kChunkBytes, kChunkBytes + 1, std::size_t{kCreditBytes},
        std::size_t{kCreditBytes + 1}, std::size_t{3 * kCreditBytes + kChunkBytes / 3}}) {
    const std::string file = content(bytes);
    Wire wire(1, {});
    const Outcome outcome = run(file, wire);
    EXPECT_FALSE(outcome.fault);
    EXPECT_TRUE(outcome.received == file) << bytes;
    EXPECT_EQ(outcome.chunk_bytes, bytes) << "nothing is sent twice on a perfect wire";
    EXPECT_LE(outcome.ahead_max, kCreditBytes) << "credit";
    EXPECT_EQ(outcome.ended, Instant{}) << "and no timer is needed";
  }
}

TEST_P(BothWays, KeepThePipeFull) {
  const std::string file = content(4 * kCreditBytes);
  Wire wire(1, {});
  EXPECT_EQ(run(file, wire).ahead_max, kCreditBytes);
}

TEST_P(BothWays, SurviveTheLossOfAnyOneMessage) {
  const std::string file = content(2 * kCreditBytes + 12'345);
  Wire clear(1, {});
  run(file, clear);
  for (std::size_t number = 1; number <= clear.sent(); ++number) {
    Wire wire(1, {});
    wire.lose_message(number);
    const Outcome outcome = run(file, wire);
    EXPECT_FALSE(outcome.fault);
    EXPECT_TRUE(outcome.received == file) << "message " << number << " lost";
    EXPECT_LE(outcome.ended.since_zero, 2 * kPatienceMin) << "message " << number << " lost";
    EXPECT_LE(outcome.ahead_max, kCreditBytes);
  }
}

TEST_P(BothWays, SurviveAnyWeather) {
  const std::string file = content(kCreditBytes + 5 * kChunkBytes + 77);
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const Weather weather{
        .lose = 0.02 * (seed % 5), .twice = 0.1 * (seed % 3), .late = 0.15 * (seed % 4), .flip = 0.03 * (seed % 2)};
    Wire wire(seed, weather);
    const Outcome outcome = run(file, wire);
    EXPECT_FALSE(outcome.fault) << outcome.fault->text;
    EXPECT_TRUE(outcome.received == file);
    EXPECT_LE(outcome.ahead_max, kCreditBytes);
  }
}

TEST_P(BothWays, GiveUpOnSilence) {
  const std::string file = content(10);
  Wire wire(1, {.lose = 1.0});
  const Outcome outcome = run(file, wire);
  ASSERT_TRUE(outcome.fault);
  EXPECT_EQ(outcome.fault->kind, FaultKind::kUnavailable);
  EXPECT_EQ(outcome.fault->text, "output 1 of task 7/3 attempt 2: the coordinator has not answered for 60 s, at byte 0 of 10");
  EXPECT_EQ(outcome.ended.since_zero, kNoProgressMax);
}

TEST_P(BothWays, FindThatTheWholeIsNotWhatWasPromised) {
  const std::string file = content(kChunkBytes + 9);
  ArtifactFacts facts = facts_of(file);
  facts.hash ^= 1;
  Wire wire(1, {});
  const Outcome outcome = GetParam()(file, wire, facts);
  ASSERT_TRUE(outcome.fault);
  EXPECT_EQ(*outcome.fault,
            (Fault{FaultKind::kMachine,
                   "output 1 of task 7/3 attempt 2 arrived whole but is not what was promised: its hash differs"}));
}

// ---- The sender alone ----

std::vector<Piece> all_of(SendingTransfer& sending) {
  std::vector<Piece> pieces;
  while (const auto piece = sending.next()) {
    pieces.push_back(*piece);
    sending.advance();
  }
  return pieces;
}

TEST(SendingTransfer, SendsNothingUnasked) {
  SendingTransfer sending(100);
  EXPECT_EQ(sending.next(), std::nullopt);
  sending.open({0, 0});
  EXPECT_EQ(sending.next(), std::nullopt);
}

TEST(SendingTransfer, SendsExactlyTheWindow) {
  SendingTransfer sending(10 * kChunkBytes);
  sending.open({kChunkBytes / 2, 2 * kChunkBytes + 5});
  EXPECT_EQ(all_of(sending),
            (std::vector<Piece>{{kChunkBytes / 2, kChunkBytes}, {kChunkBytes * 3 / 2, kChunkBytes}, {kChunkBytes * 5 / 2, 5}}));
}

TEST(SendingTransfer, JoinsWindowsThatContinueAndGoesBackForOthers) {
  SendingTransfer sending(10 * kChunkBytes);
  sending.open({0, kChunkBytes});
  sending.open({kChunkBytes, kChunkBytes});
  sending.advance();
  EXPECT_EQ(sending.next(), (Piece{kChunkBytes, kChunkBytes}));
  sending.open({0, kChunkBytes});
  EXPECT_EQ(all_of(sending), (std::vector<Piece>{{0, kChunkBytes}}));
}

TEST(SendingTransfer, HoldsGreedyReceiversToTheirCredit) {
  SendingTransfer sending(10 * kCreditBytes);
  for (std::uint64_t i = 0; i < 5; ++i) sending.open({i * kCreditBytes, kCreditBytes});
  std::uint64_t bytes = 0;
  for (const Piece& piece : all_of(sending)) bytes += piece.bytes;
  EXPECT_EQ(bytes, kCreditBytes);
}

TEST(SendingTransfer, StaysInsideTheArtifact) {
  SendingTransfer sending(100);
  sending.open({90, kCreditBytes});
  EXPECT_EQ(all_of(sending), (std::vector<Piece>{{90, 10}}));
  sending.open({101, 1});
  sending.open({wire::kArtifactBytesMax, kCreditBytes});
  EXPECT_EQ(sending.next(), std::nullopt);
}

// ---- The receiver alone ----

TEST(ReceivingTransfer, IgnoresWhatItNeverAskedFor) {
  const std::string file = content(3 * kCreditBytes);
  ReceivingTransfer receiving(kOutput, facts_of(file));
  EXPECT_TRUE(receiving.take(chunk_of(file, 0, 10)).write.empty()) << "before any window";
  ASSERT_EQ(receiving.open_again(), (Window{0, kCreditBytes}));
  const auto beyond = receiving.take(chunk_of(file, kCreditBytes, 10));
  EXPECT_TRUE(beyond.write.empty());
  EXPECT_EQ(beyond.open, std::nullopt) << "nor does it make us ask again";
}

TEST(ReceivingTransfer, AsksOncePerGap) {
  const std::string file = content(kCreditBytes);
  ReceivingTransfer receiving(kOutput, facts_of(file));
  std::ignore = receiving.open_again();
  std::ignore = receiving.take(chunk_of(file, 0, kChunkBytes));
  EXPECT_EQ(receiving.take(chunk_of(file, 2 * kChunkBytes, kChunkBytes)).open, (Window{kChunkBytes, kCreditBytes - kChunkBytes}));
  EXPECT_EQ(receiving.take(chunk_of(file, 3 * kChunkBytes, kChunkBytes)).open, std::nullopt);
  EXPECT_EQ(receiving.take(chunk_of(file, kChunkBytes, kChunkBytes)).write.size(), kChunkBytes);
  EXPECT_TRUE(receiving.take(chunk_of(file, 3 * kChunkBytes, kChunkBytes)).open) << "a new gap";
}

TEST(ReceivingTransfer, TreatsAFlippedBitAsLost) {
  const std::string file = content(100);
  ReceivingTransfer receiving(kOutput, facts_of(file));
  std::ignore = receiving.open_again();
  wire::Chunk chunk = chunk_of(file, 0, 100);
  chunk.bytes[50] ^= 4;
  const auto taken = receiving.take(chunk);
  EXPECT_TRUE(taken.write.empty());
  EXPECT_EQ(taken.open, (Window{0, 100}));
  EXPECT_EQ(receiving.offset(), 0u);
}

TEST(ReceivingTransfer, AnswersStoreByWhereItIs) {
  const std::string file = content(100);
  ReceivingTransfer receiving(kOutput, facts_of(file));
  EXPECT_EQ(receiving.answer_store(false), Data(wire::Grant{kOutput, 0, 100, 0}));
  std::ignore = receiving.take(chunk_of(file, 0, 60));
  EXPECT_EQ(receiving.answer_store(false), Data(wire::Grant{kOutput, 60, 40, 60}));
  std::ignore = receiving.take(chunk_of(file, 60, 40));
  EXPECT_EQ(receiving.answer_store(false), Data(wire::Grant{kOutput, 100, 0, 100})) << "all here, still syncing";
  ASSERT_TRUE(receiving.verdict());
  EXPECT_EQ(receiving.answer_store(true), Data(wire::Stored{kOutput}));
  EXPECT_EQ(receiving.answer_store(true), Data(wire::Stored{kOutput})) << "and again";
}

TEST(ReceivingTransfer, GoesOnWhereAnEarlierTryEnded) {
  const std::string file = content(100);
  ArtifactHash so_far;
  so_far.update(std::as_bytes(std::span(file)).first(70));
  ReceivingTransfer receiving(kOutput, facts_of(file), 70, std::move(so_far));
  EXPECT_EQ(receiving.open_again(), (Window{70, 30}));
  EXPECT_EQ(receiving.take(chunk_of(file, 70, 30)).write_offset, 70u);
  EXPECT_TRUE(receiving.verdict());
}

// ---- The timed ends alone ----

constexpr Instant at(Duration since_start) { return {since_start}; }

TEST(Upload, GrowsPatientWhenItAskedTooEarly) {
  const std::string file = content(2 * kCreditBytes);
  Upload upload(kOutput, facts_of(file), at(Duration{0}));
  upload.handle(wire::Grant{kOutput, 0, kCreditBytes, 0}, at(Duration{10}));
  EXPECT_EQ(upload.due(), at(Duration{10} + kPatienceMin));
  EXPECT_EQ(upload.tick(upload.due()), upload.start());
  // The link was slow: a window that continues the first shows that bytes were arriving all the time.
  const Instant later = at(Duration{4000});
  upload.handle(wire::Grant{kOutput, kCreditBytes, kAskBytes, kAskBytes}, later);
  EXPECT_EQ(upload.due(), later + 2 * kPatienceMin);
}

TEST(Upload, WaitsForALongSync) {
  const std::string file = content(10);
  Upload upload(kOutput, facts_of(file), at(Duration{0}));
  upload.handle(wire::Grant{kOutput, 0, 10, 0}, at(Duration{0}));
  Instant now;
  for (int i = 0; i < 100; ++i) {
    now = upload.due();
    ASSERT_TRUE(upload.tick(now)) << "asks again";
    upload.handle(wire::Grant{kOutput, 10, 0, 10}, now);
  }
  EXPECT_GT(now.since_zero, kNoProgressMax);
  upload.handle(wire::Stored{kOutput}, now);
  EXPECT_TRUE(upload.done());
}

TEST(Upload, EndsWhenDenied) {
  Upload upload(kOutput, {10, 1}, at(Duration{0}));
  const Fault fault{FaultKind::kMachine, "no space left"};
  Artifact other = kOutput;
  other.attempt = 1;
  upload.handle(wire::Denied{other, fault}, at(Duration{0}));
  EXPECT_FALSE(upload.ended()) << "that was another's";
  upload.handle(wire::Denied{kOutput, fault}, at(Duration{0}));
  EXPECT_EQ(upload.fault(), fault);
  upload.handle(wire::Stored{kOutput}, at(Duration{0}));
  EXPECT_FALSE(upload.done()) << "the end is the end";
}

TEST(Download, GrowsPatientWhenItAskedTooEarly) {
  const std::string file = content(kChunkBytes * 2);
  Download download(kOutput, facts_of(file), at(Duration{0}));
  std::ignore = download.start();
  EXPECT_TRUE(download.tick(download.due()).send);
  const Instant later = at(Duration{4000});
  std::ignore = download.handle(chunk_of(file, 0, kChunkBytes), later);
  EXPECT_EQ(download.due(), later + kPatienceMin);
  std::ignore = download.handle(chunk_of(file, 0, kChunkBytes), later);
  EXPECT_EQ(download.due(), later + 2 * kPatienceMin);
}

TEST(Download, EndsWhenDenied) {
  Download download(kOutput, {10, 1}, at(Duration{0}));
  const Fault fault{FaultKind::kUnavailable, "that input is gone"};
  std::ignore = download.handle(wire::Denied{kOutput, fault}, at(Duration{0}));
  EXPECT_EQ(download.fault(), fault);
  EXPECT_FALSE(download.tick(at(kNoProgressMax)).send);
}

TEST(Artifacts, AreNamedForPeople) {
  EXPECT_EQ(describe(Artifact{wire::ArtifactKind::kSource, JobId{4}}), "source of job 4");
  EXPECT_EQ(describe(Artifact{wire::ArtifactKind::kTaskInput, JobId{4}, 2}), "input of task 4/2");
  EXPECT_EQ(describe(kOutput), "output 1 of task 7/3 attempt 2");
  EXPECT_EQ(describe(Artifact{wire::ArtifactKind::kResult, JobId{4}, 2}), "file 2 of job 4");
}

}  // namespace
}  // namespace gopmill
