#include "coordinator/transfers.h"

#include "proto/codec.h"

namespace gopmill {

namespace {

// Per turn of the loop: 16 MiB, some 20 ms of copying, so that heartbeats are answered in between.
constexpr int kChunksSentPerTurn = 32;
constexpr int kMessagesTakenPerTurn = 64;
// Downloads under way; a peer that vanished leaves its own behind until it is pushed out.
constexpr std::size_t kSendingMax = 4096;
constexpr std::size_t kReceivingMax = 4096;

}  // namespace

void Transfers::answer(const Peer& peer, wire::Data message) {
  // Small messages; what a full or gone peer misses it asks for again.
  (void)listener_.send(peer, wire::encode(std::move(message)));
}

std::vector<Transfers::News> Transfers::receive(const std::function<void(const Peer&, const Fault&)>& malformed) {
  std::vector<News> news;
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
  if (!rights_.may_fetch(peer, fetch.artifact)) {
    return deny(peer, fetch.artifact, {FaultKind::kMachine, describe(fetch.artifact) + " is not for you, or no longer"});
  }
  const SendKey key{peer, fetch.artifact};
  auto found = sending_.find(key);
  if (found == sending_.end()) {
    auto file = spool_.open_file(fetch.artifact);
    const auto size = file ? file_size(file->get()) : Result<std::uint64_t>(std::unexpected(file.error()));
    if (!size) return deny(peer, fetch.artifact, size.error());
    if (sending_.size() >= kSendingMax) sending_.erase(sending_.begin());  // it will ask again
    found = sending_.emplace(key, Sending{std::move(*file), SendingTransfer(*size)}).first;
  }
  found->second.transfer.open({fetch.offset, fetch.credit});
}

Transfers::Sent Transfers::send_one(const SendKey& key, Sending& sending) {
  const auto piece = sending.transfer.next();
  if (!piece) return Sent::kNothing;
  std::string bytes(piece->bytes, '\0');
  const auto got = read_at(sending.file.get(), piece->offset, std::as_writable_bytes(std::span(bytes)));
  if (!got || *got != piece->bytes) {
    deny(key.first, key.second, {FaultKind::kMachine, describe(key.second) + " cannot be read"});
    return Sent::kOver;
  }
  switch (listener_.send(key.first, wire::encode(wire::Data(make_chunk(key.second, piece->offset, std::move(bytes)))))) {
    case SendOutcome::kSent: sending.transfer.advance(); return Sent::kOne;
    case SendOutcome::kFull: return Sent::kFull;
    case SendOutcome::kGone: return Sent::kOver;
  }
  return Sent::kOver;
}

bool Transfers::send() {
  int budget = kChunksSentPerTurn;
  bool waiting = false;
  for (bool any = true; any && budget > 0;) {
    any = false;
    for (auto it = sending_.begin(); it != sending_.end() && budget > 0;) {
      const Sent sent = send_one(it->first, it->second);
      any = any || sent == Sent::kOne;
      waiting = waiting || sent == Sent::kFull;
      budget -= sent == Sent::kOne ? 1 : 0;
      // Without an open window the next Fetch makes it anew.
      it = sent == Sent::kOver || sent == Sent::kNothing ? sending_.erase(it) : std::next(it);
    }
  }
  return waiting || !sending_.empty();
}

// ---- In ----

void Transfers::on_store(const Peer& peer, const wire::Store& store, std::vector<News>& news) {
  if (const auto known = stored_.find(store.artifact); known != stored_.end() && known->second == store.facts) {
    senders_.insert_or_assign(store.artifact, peer);
    news.emplace_back(Arrived{store.artifact, store.facts});  // said again: the confirmation may have been lost
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
      deny(peer, artifact, written.error());
      news.emplace_back(Broken{artifact, written.error()});
      spool_.remove_part(artifact);
      receiving_.erase(found);
      return;
    }
    news.emplace_back(Progressed{found->first});
  }
  if (taken.open) answer(peer, receiving.transfer.grant(*taken.open));
  if (receiving.transfer.whole()) finish(found, news);
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
    deny(peer, artifact, outcome.error());
    news.emplace_back(Broken{artifact, outcome.error()});
    return;
  }
  stored_[artifact] = facts;
  senders_.insert_or_assign(artifact, peer);
  news.emplace_back(Arrived{artifact, facts});
}

void Transfers::confirm(const wire::Artifact& artifact) {
  const auto sender = senders_.find(artifact);
  if (sender == senders_.end()) return;
  answer(sender->second, wire::Stored{artifact});
  senders_.erase(sender);
}

std::optional<wire::ArtifactFacts> Transfers::stored(const wire::Artifact& artifact) const {
  const auto found = stored_.find(artifact);
  return found == stored_.end() ? std::nullopt : std::optional(found->second);
}

void Transfers::discard_outputs(JobId job, std::uint32_t task, Attempt attempt) {
  const wire::Artifact first{wire::ArtifactKind::kTaskOutput, job, task, attempt, 0};
  const auto same = [&](const wire::Artifact& a) {
    return a.kind == first.kind && a.job == job && a.index == task && a.attempt == attempt;
  };
  for (auto it = stored_.lower_bound(first); it != stored_.end() && same(it->first); it = stored_.erase(it)) {
    spool_.remove(it->first);
    senders_.erase(it->first);
  }
  for (auto it = receiving_.lower_bound(first); it != receiving_.end() && same(it->first); it = receiving_.erase(it)) {
    spool_.remove_part(it->first);
  }
}

void Transfers::forget_job(JobId job) {
  std::erase_if(stored_, [&](const auto& entry) { return entry.first.job == job; });
  std::erase_if(senders_, [&](const auto& entry) { return entry.first.job == job; });
  std::erase_if(receiving_, [&](const auto& entry) { return entry.first.job == job; });
  std::erase_if(sending_, [&](const auto& entry) { return entry.first.second.job == job; });
}

}  // namespace gopmill
