#include "coordinator/worker_book.h"

#include <algorithm>

#include "base/check.h"

namespace gopmill {

namespace {

constexpr std::size_t kNameMax = 100;  // a worker's own words, repeated in faults and listings

// busy/slots of a below that of b, without division.
bool less_busy(const Worker& a, const Worker& b) { return a.held.size() * b.slots < b.held.size() * a.slots; }

}  // namespace

Worker& WorkerBook::admit(const std::string& peer, const wire::WorkerHello& hello, Instant now) {
  Worker worker;
  worker.id = next_;
  worker.peer = peer;
  worker.name = hello.name.substr(0, kNameMax);
  worker.build = hello.build;
  worker.slots = hello.slots;
  worker.heard = now;
  ++next_.value;
  by_peer_[peer] = worker.id;
  return workers_.emplace(worker.id, std::move(worker)).first->second;
}

Worker WorkerBook::dismiss(WorkerId id) {
  auto node = workers_.extract(id);
  GOPMILL_CHECK(!node.empty());
  by_peer_.erase(node.mapped().peer);
  return std::move(node.mapped());
}

Worker* WorkerBook::find(const std::string& peer) {
  const auto at = by_peer_.find(peer);
  return at == by_peer_.end() ? nullptr : find(at->second);
}

const Worker* WorkerBook::find(const std::string& peer) const {
  const auto at = by_peer_.find(peer);
  return at == by_peer_.end() ? nullptr : &workers_.at(at->second);
}

Worker* WorkerBook::find(WorkerId id) {
  const auto at = workers_.find(id);
  return at == workers_.end() ? nullptr : &at->second;
}

Worker* WorkerBook::choose(const std::vector<WorkerId>& failed_on) {
  Worker* fresh = nullptr;
  Worker* any = nullptr;
  bool fresh_exists = false;
  for (auto& [id, worker] : workers_) {
    if (worker.closed) continue;
    const bool failed = std::find(failed_on.begin(), failed_on.end(), id) != failed_on.end();
    fresh_exists = fresh_exists || !failed;
    if (worker.free_slots() == 0) continue;
    if (!failed && (fresh == nullptr || less_busy(worker, *fresh))) fresh = &worker;
    if (any == nullptr || less_busy(worker, *any)) any = &worker;
  }
  return fresh_exists ? fresh : any;
}

std::uint64_t WorkerBook::slots_total() const {
  std::uint64_t total = 0;
  for (const auto& [id, worker] : workers_) total += worker.closed ? 0 : worker.slots;
  return total;
}

std::uint64_t WorkerBook::free_slots() const {
  std::uint64_t total = 0;
  for (const auto& [id, worker] : workers_) total += worker.free_slots();
  return total;
}

}  // namespace gopmill
