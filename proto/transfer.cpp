#include "proto/transfer.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/check.h"

namespace gopmill {

wire::Chunk make_chunk(const wire::Artifact& artifact, std::uint64_t offset, std::string bytes) {
  GOPMILL_CHECK(!bytes.empty() && bytes.size() <= wire::kChunkBytes);
  const std::uint64_t hash = chunk_hash(std::as_bytes(std::span(bytes)));
  return {artifact, offset, hash, std::move(bytes)};
}

std::string describe(const wire::Artifact& artifact) {
  const std::string job = std::to_string(artifact.job.value);
  const TaskId task{artifact.job, artifact.index};
  switch (artifact.kind) {
    case wire::ArtifactKind::kSource: return "source of job " + job;
    case wire::ArtifactKind::kTaskInput: return "input of " + task_text(task);
    case wire::ArtifactKind::kTaskOutput:
      return "output " + std::to_string(artifact.part) + " of " + attempt_text(task, artifact.attempt);
    case wire::ArtifactKind::kResult: return "file " + std::to_string(artifact.index) + " of job " + job;
  }
  return "unknown artifact";
}

// ---- Sending ----

void SendingTransfer::open(Window window) {
  if (window.offset > bytes_) return;
  if (window.offset != end_) next_ = end_ = window.offset;
  // A peer that opens more than it may is given what it may.
  const std::uint64_t room = wire::kCreditBytes - (end_ - next_);
  end_ += std::min({window.credit, bytes_ - window.offset, room});
}

std::optional<Piece> SendingTransfer::next() const {
  if (next_ == end_) return std::nullopt;
  return Piece{next_, static_cast<std::size_t>(std::min<std::uint64_t>(wire::kChunkBytes, end_ - next_))};
}

void SendingTransfer::advance() {
  const auto piece = next();
  GOPMILL_CHECK(piece.has_value());
  next_ += piece->bytes;
}

// ---- Receiving ----

ReceivingTransfer::ReceivingTransfer(wire::Artifact artifact, wire::ArtifactFacts facts)
    : ReceivingTransfer(artifact, facts, 0, ArtifactHash()) {}

ReceivingTransfer::ReceivingTransfer(wire::Artifact artifact, wire::ArtifactFacts facts, std::uint64_t offset,
                                     ArtifactHash so_far)
    : artifact_(artifact), facts_(facts), hash_(std::move(so_far)), offset_(offset), opened_(offset), told_(offset) {
  GOPMILL_CHECK(offset <= facts.bytes);
}

ReceivingTransfer::Taken ReceivingTransfer::take(wire::Chunk chunk) {
  GOPMILL_CHECK(chunk.artifact == artifact_);
  Taken taken;
  const std::uint64_t size = chunk.bytes.size();
  if (chunk.offset < offset_) {
    taken.doubled = true;
    return taken;
  }
  if (size == 0 || chunk.offset > opened_ || size > opened_ - chunk.offset) return taken;  // never asked for
  const std::span bytes = std::as_bytes(std::span(chunk.bytes));
  if (chunk.offset > offset_ || chunk_hash(bytes) != chunk.hash) {
    if (asked_for_lost_) return taken;
    taken.open = open_again();
    asked_for_lost_ = true;
    return taken;
  }
  hash_.update(bytes);
  taken.write_offset = offset_;
  taken.write = std::move(chunk.bytes);
  offset_ += size;
  asked_for_lost_ = false;
  if (offset_ - told_ >= kAskBytes && !whole()) {
    const std::uint64_t end = std::min(offset_ + wire::kCreditBytes, facts_.bytes);
    taken.open = Window{opened_, end - opened_};
    opened_ = end;
    told_ = offset_;
  }
  return taken;
}

std::optional<Window> ReceivingTransfer::open_again() {
  asked_for_lost_ = false;
  if (whole()) return std::nullopt;
  opened_ = std::min(offset_ + wire::kCreditBytes, facts_.bytes);
  told_ = offset_;
  return Window{offset_, opened_ - offset_};
}

wire::Data ReceivingTransfer::answer_store(bool synced) {
  if (synced) {
    GOPMILL_CHECK(whole());
    return wire::Stored{artifact_};
  }
  return grant(open_again().value_or(Window{offset_, 0}));
}

Result<> ReceivingTransfer::verdict() const {
  GOPMILL_CHECK(whole());
  if (hash_.digest() == facts_.hash) return {};
  std::string text = describe(artifact_).append(" arrived whole but is not what was promised: its hash differs");
  if (artifact_.kind == wire::ArtifactKind::kResult)
    text += ", for the coordinator's disk has damaged it since it was checked; submit the source again";
  return fail(FaultKind::kMachine, std::move(text));
}

// ---- The timed ends ----

void TransferClock::ask_again(Instant now) {
  asked_ = now;
  repeated_ = true;
}

void TransferClock::learn(bool too_early) {
  if (!repeated_) return;
  repeated_ = false;
  if (too_early) patience_ = std::min(2 * patience_, kPatienceMax);
}

Instant TransferClock::due() const { return std::min(asked_ + patience_, progressed_ + kNoProgressMax); }

namespace {

Fault no_progress(const wire::Artifact& artifact, std::uint64_t offset, std::uint64_t bytes) {
  std::string text = describe(artifact);
  text.append(": the coordinator has not answered for ").append(std::to_string(kNoProgressMax.count() / 1000));
  text.append(" s, at byte ").append(std::to_string(offset)).append(" of ").append(std::to_string(bytes));
  return {FaultKind::kUnavailable, std::move(text)};
}

}  // namespace

Download::Download(wire::Artifact artifact, wire::ArtifactFacts facts, Instant now) : transfer_(artifact, facts), clock_(now) {
  check_when_whole();  // an empty artifact needs no message
}

std::optional<wire::Data> Download::fetch(std::optional<Window> window) const {
  if (!window || window->credit == 0) return std::nullopt;
  return wire::Fetch{transfer_.artifact(), window->offset, window->credit};
}

void Download::check_when_whole() {
  if (!transfer_.whole()) return;
  if (auto verdict = transfer_.verdict(); !verdict) fault_ = std::move(verdict.error());
}

Download::Step Download::start() {
  if (ended()) return {};
  return {{}, 0, fetch(transfer_.open_again())};
}

Download::Step Download::handle(wire::Data message, Instant now) {
  if (ended()) return {};
  if (auto* denied = std::get_if<wire::Denied>(&message); denied != nullptr && denied->artifact == transfer_.artifact()) {
    fault_ = std::move(denied->fault);
    return {};
  }
  auto* chunk = std::get_if<wire::Chunk>(&message);
  if (chunk == nullptr || chunk->artifact != transfer_.artifact()) return {};
  ReceivingTransfer::Taken taken = transfer_.take(std::move(*chunk));
  if (taken.doubled) clock_.learn(true);
  if (!taken.write.empty()) clock_.progress(now);
  check_when_whole();
  return {std::move(taken.write), taken.write_offset, fetch(taken.open)};
}

Download::Step Download::tick(Instant now) {
  if (ended() || now < due()) return {};
  if (clock_.gives_up(now)) {
    fault_ = no_progress(transfer_.artifact(), transfer_.offset(), transfer_.facts().bytes);
    return {};
  }
  clock_.ask_again(now);
  return {{}, 0, fetch(transfer_.open_again())};
}

Upload::Upload(wire::Artifact artifact, wire::ArtifactFacts facts, Instant now)
    : artifact_(artifact), facts_(facts), sending_(facts.bytes), clock_(now) {}

void Upload::handle(const wire::Data& message, Instant now) {
  if (ended()) return;
  if (const auto* grant = std::get_if<wire::Grant>(&message); grant != nullptr && grant->artifact == artifact_) {
    sending_.open({grant->offset, grant->credit});
    // At the end the coordinator may sync for longer than our patience; that it answers is all the progress there is.
    const bool all_there = grant->received >= facts_.bytes;
    const bool moved = grant->received > received_;
    clock_.learn(moved && !all_there);
    // No credit in answer to a Store: the coordinator has no room at the moment, and has said so.
    const bool held_back = grant->credit == 0;
    if (!heard_ || moved || all_there || held_back) clock_.progress(now);
    heard_ = true;
    received_ = std::max(received_, std::min(grant->received, facts_.bytes));
  } else if (const auto* denied = std::get_if<wire::Denied>(&message); denied != nullptr && denied->artifact == artifact_) {
    fault_ = denied->fault;
  } else if (const auto* stored = std::get_if<wire::Stored>(&message); stored != nullptr && stored->artifact == artifact_) {
    done_ = true;
    received_ = facts_.bytes;
  }
}

std::optional<wire::Data> Upload::tick(Instant now) {
  if (ended() || now < due()) return std::nullopt;
  if (clock_.gives_up(now)) {
    fault_ = no_progress(artifact_, received_, facts_.bytes);
    return std::nullopt;
  }
  clock_.ask_again(now);
  return start();
}

}  // namespace gopmill
