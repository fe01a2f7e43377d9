#include "coordinator/spool/transfers.h"

#include "proto/codec.h"

namespace gopmill {

namespace {

// Per turn of the loop: 16 MiB, some 20 ms of copying, so that heartbeats are answered in between.
constexpr int kChunksSentPerTurn = 32;
constexpr int kMessagesTakenPerTurn = 64;
// Downloads under way; a peer that vanished leaves its own behind until it is pushed out.
constexpr std::size_t kSendingMax = 4096;
constexpr std::size_t kReceivingMax = 4096;

Fault changed(const wire::Artifact& artifact) {
  return {FaultKind::kMachine, describe(artifact) + " has changed on the coordinator's disk"};
}

}  // namespace

void Transfers::answer(const Peer& peer, wire::Data message) {
  // Small messages; what a full or gone peer misses it asks for again.
  (void)listener_.send(peer, wire::encode(std::move(message)));
}

std::vector<Transfers::News> Transfers::receive(const std::function<void(const Peer&, const Fault&)>& malformed) {
  std::vector<News> news = std::exchange(damaged_, {});
  for (int i = 0; i < kMessagesTakenPerTurn; ++i) {
    auto incoming = listener_.receive();
    if (!incoming) break;
    auto message = wire::decode_data(incoming->bytes);
    if (!message) {
      malformed(incoming->peer, message.error());
      continue;
    }
    if (auto* fetch = std::get_if<wire::Fetch>(&*message)) {
      on_fetch(incoming->peer, *fetch);
    } else if (auto* store = std::get_if<wire::Store>(&*message)) {
      on_store(incoming->peer, *store, news);
    } else if (auto* chunk = std::get_if<wire::Chunk>(&*message)) {
      on_chunk(incoming->peer, std::move(*chunk), news);
    }
  }
  return news;
}

// ---- Out ----

void Transfers::on_fetch(const Peer& peer, const wire::Fetch& fetch) {
  if (!rights_.known(peer, fetch.artifact)) return;
  if (!rights_.may_fetch(peer, fetch.artifact)) {
    return deny(peer, fetch.artifact, {FaultKind::kMachine, describe(fetch.artifact) + " is not for you, or no longer"});
  }
  const SendKey key{peer, fetch.artifact};
  auto found = sending_.find(key);
  if (found == sending_.end()) {
    auto file = spool_.open_file(fetch.artifact);
    const auto size = file ? file_size(file->get()) : Result<std::uint64_t>(std::unexpected(file.error()));
    if (!size) return cannot_send(peer, fetch.artifact, size.error());
    if (const auto facts = expected(fetch.artifact); facts && facts->bytes != *size)
      return cannot_send(peer, fetch.artifact, changed(fetch.artifact));
    if (sending_.size() >= kSendingMax) sending_.erase(sending_.begin());  // it will ask again
    found = sending_.emplace(key, Sending{std::move(*file), SendingTransfer(*size)}).first;
  }
  found->second.transfer.open({fetch.offset, fetch.credit});
}

Transfers::Outcome Transfers::send_one(const SendKey& key, Sending& sending) {
  const auto piece = sending.transfer.next();
  if (!piece) return Outcome::kNothing;
  std::string bytes(piece->bytes, '\0');
  const auto got = read_at(sending.file.get(), piece->offset, std::as_writable_bytes(std::span(bytes)));
  if (!got || *got != piece->bytes) {
    cannot_send(key.first, key.second, {FaultKind::kMachine, describe(key.second) + " cannot be read"});
    return Outcome::kOver;
  }
  check_read(key, piece->offset, bytes);
  switch (listener_.send(key.first, wire::encode(wire::Data(make_chunk(key.second, piece->offset, std::move(bytes)))))) {
    case SendOutcome::kSent: sending.transfer.advance(); return Outcome::kOne;
    case SendOutcome::kFull: return Outcome::kFull;
    case SendOutcome::kGone: return Outcome::kOver;
  }
  return Outcome::kOver;
}

void Transfers::check_read(const SendKey& key, std::uint64_t offset, const std::string& bytes) {
  const auto facts = expected(key.second);
  if (!facts) return;
  Read& read = read_[key];
  if (offset == 0) read = {};
  if (read.offset != offset) return;  // read again from somewhere: the receiver's own check must do
  read.hash.update(std::as_bytes(std::span(bytes)));
  read.offset += bytes.size();
  if (read.offset < facts->bytes) return;
  if (read.hash.digest() != facts->hash) damaged_.emplace_back(Damaged{key.second, changed(key.second)});
  read_.erase(key);
}

// An input is made again, and its attempts are called off; who wants anything else is told.
void Transfers::cannot_send(const Peer& peer, const wire::Artifact& artifact, Fault fault) {
  if (artifact.kind != wire::ArtifactKind::kTaskInput) return deny(peer, artifact, std::move(fault));
  damaged_.emplace_back(Damaged{artifact, std::move(fault)});
}

std::optional<wire::ArtifactFacts> Transfers::expected(const wire::Artifact& artifact) const {
  if (artifact.kind != wire::ArtifactKind::kTaskInput) return std::nullopt;
  return rights_.facts_of_input({artifact.job, artifact.index});
}

bool Transfers::send() {
  int budget = kChunksSentPerTurn;
  bool waiting = false;
  for (bool any = true; any && budget > 0;) {
    any = false;
    for (auto it = sending_.begin(); it != sending_.end() && budget > 0;) {
      const Outcome sent = send_one(it->first, it->second);
      any = any || sent == Outcome::kOne;
      waiting = waiting || sent == Outcome::kFull;
      budget -= sent == Outcome::kOne ? 1 : 0;
      // Without an open window the next Fetch makes it anew.
      it = sent == Outcome::kOver || sent == Outcome::kNothing ? sending_.erase(it) : std::next(it);
    }
  }
  return waiting || !sending_.empty();
}

// ---- In ----

void Transfers::on_store(const Peer& peer, const wire::Store& store, std::vector<News>& news) {
  if (!rights_.known(peer, store.artifact)) return;
  if (sources_held_ && store.artifact.kind == wire::ArtifactKind::kSource) return hold_back(peer, store.artifact);
  if (stored(store.artifact) == store.facts) {
    senders_.insert_or_assign(store.artifact, peer);
    news.emplace_back(Arrived{store.artifact});  // said again: the confirmation may have been lost
    return;
  }
  if (auto allowed = rights_.may_store(peer, store); !allowed) return deny(peer, store.artifact, allowed.error());
  auto found = receiving_.find(store.artifact);
  if (found != receiving_.end() && found->second.transfer.facts() != store.facts) {
    receiving_.erase(found);
    found = receiving_.end();
  }
  if (found == receiving_.end()) {
    if (receiving_.size() >= kReceivingMax) return deny(peer, store.artifact, {FaultKind::kMachine, "too many uploads at once"});
    auto file = spool_.create(store.artifact);
    if (!file && rights_.blocked()) return hold_back(peer, store.artifact);
    if (!file) return deny(peer, store.artifact, file.error());
    found = receiving_.emplace(store.artifact, Receiving{peer, std::move(*file), ReceivingTransfer(store.artifact, store.facts)})
                .first;
  }
  found->second.peer = peer;  // an upload goes on where it was, also from a submitter that was restarted
  if (found->second.transfer.whole()) return finish(found, news);
  answer(peer, found->second.transfer.answer_store(false));
}

void Transfers::on_chunk(const Peer& peer, wire::Chunk chunk, std::vector<News>& news) {
  const auto found = receiving_.find(chunk.artifact);
  if (found == receiving_.end() || found->second.peer != peer) return;
  Receiving& receiving = found->second;
  ReceivingTransfer::Taken taken = receiving.transfer.take(std::move(chunk));
  if (!taken.write.empty()) {
    if (auto written = write_at(receiving.file.get(), taken.write_offset, std::as_bytes(std::span(taken.write))); !written) {
      const wire::Artifact artifact = found->first;
      receiving_.erase(found);
      spool_.remove_part(artifact);
      fail_receiving(peer, artifact, written.error(), news);
      return;
    }
    news.emplace_back(Progressed{found->first});
  }
  if (taken.open) answer(peer, receiving.transfer.grant(*taken.open));
  if (receiving.transfer.whole()) finish(found, news);
}

// A disk without room gives back what little the beginning took; the sender waits and begins again.
void Transfers::fail_receiving(const Peer& peer, const wire::Artifact& artifact, const Fault& fault, std::vector<News>& news) {
  if (rights_.blocked()) return hold_back(peer, artifact);
  deny(peer, artifact, fault);
  news.emplace_back(Broken{artifact, fault});
}

void Transfers::finish(std::map<wire::Artifact, Receiving>::iterator receiving, std::vector<News>& news) {
  const wire::Artifact artifact = receiving->first;
  const Peer peer = receiving->second.peer;
  const wire::ArtifactFacts facts = receiving->second.transfer.facts();
  auto outcome = receiving->second.transfer.verdict();
  receiving_.erase(receiving);
  // Synced: once a commit names it, it must outlive a crash.
  if (outcome) outcome = spool_.finish(artifact, true);
  if (!outcome) {
    spool_.remove_part(artifact);
    fail_receiving(peer, artifact, outcome.error(), news);
    return;
  }
  stored_[artifact] = facts;
  senders_.insert_or_assign(artifact, peer);
  news.emplace_back(Arrived{artifact});
}

void Transfers::confirm(const wire::Artifact& artifact) {
  const auto sender = senders_.find(artifact);
  if (sender == senders_.end()) return;
  answer(sender->second, wire::Stored{artifact});
  senders_.erase(sender);
}

std::optional<wire::ArtifactFacts> Transfers::stored(const wire::Artifact& artifact) {
  const auto found = stored_.find(artifact);
  if (found != stored_.end()) return found->second;
  if (artifact.kind != wire::ArtifactKind::kTaskOutput) return std::nullopt;
  const auto file = spool_.open_file(artifact);
  if (!file) return std::nullopt;
  const auto bytes = file_size(file->get());
  const auto hash = file_hash(file->get());
  if (!bytes || !hash) return std::nullopt;
  return stored_[artifact] = {*bytes, *hash};
}

void Transfers::discard_outputs(JobId job, std::uint32_t task, Attempt attempt) {
  const wire::Artifact first{wire::ArtifactKind::kTaskOutput, job, task, attempt, 0};
  const auto same = [&](const wire::Artifact& a) {
    return a.kind == first.kind && a.job == job && a.index == task && a.attempt == attempt;
  };
  for (auto it = stored_.lower_bound(first); it != stored_.end() && same(it->first); it = stored_.erase(it)) {
    senders_.erase(it->first);
  }
  for (auto it = receiving_.lower_bound(first); it != receiving_.end() && same(it->first);) it = receiving_.erase(it);
  // By name, since what came before a restart is in no list.
  for (wire::Artifact part = first; part.part < wire::kOutputsMax; ++part.part) spool_.remove(part);
}

void Transfers::forget_job(JobId job) {
  std::erase_if(stored_, [&](const auto& entry) { return entry.first.job == job; });
  std::erase_if(senders_, [&](const auto& entry) { return entry.first.job == job; });
  std::erase_if(receiving_, [&](const auto& entry) { return entry.first.job == job; });
  std::erase_if(sending_, [&](const auto& entry) { return entry.first.second.job == job; });
  std::erase_if(read_, [&](const auto& entry) { return entry.first.second.job == job; });
}

}  // namespace gopmill
