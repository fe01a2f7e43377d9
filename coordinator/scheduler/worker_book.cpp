#include "coordinator/scheduler/worker_book.h"

#include <algorithm>

#include "base/check.h"

namespace gopmill {

namespace {

constexpr std::size_t kNameMax = 100;  // a worker's own words, repeated in faults and listings

// busy/slots of a below that of b, without division.
bool less_busy(const Worker& a, const Worker& b) { return a.held.size() * b.slots < b.held.size() * a.slots; }

bool contains(const std::vector<WorkerId>& list, WorkerId id) { return std::find(list.begin(), list.end(), id) != list.end(); }

// Known before unknown, then less time for the same work.
bool faster(const Worker& a, const Worker& b) {
  const auto a_ms = a.pace.expected_ms(1'000'000), b_ms = b.pace.expected_ms(1'000'000);
  if (a_ms.has_value() != b_ms.has_value()) return a_ms.has_value();
  return a_ms && *a_ms < *b_ms;
}

bool all_in(const std::vector<std::string>& wanted, const std::vector<std::string>& sorted) {
  return std::all_of(wanted.begin(), wanted.end(),
                     [&](const std::string& name) { return std::binary_search(sorted.begin(), sorted.end(), name); });
}

// Whether workers can do what is needed; each list of abilities is looked at once.
class Able {
 public:
  explicit Able(const wire::Abilities& needs) : needs_(needs) {}
  bool operator()(const Worker& worker) {
    const auto [at, fresh] = known_.try_emplace(worker.abilities.get());
    if (fresh) at->second = all_in(needs_.encoders, at->first->encoders) && all_in(needs_.decoders, at->first->decoders);
    return at->second;
  }

 private:
  const wire::Abilities& needs_;
  std::map<const wire::Abilities*, bool> known_;
};

std::shared_ptr<const wire::Abilities> shared_abilities(wire::Abilities said, const std::map<WorkerId, Worker>& workers) {
  std::sort(said.encoders.begin(), said.encoders.end());
  std::sort(said.decoders.begin(), said.decoders.end());
  const auto same = std::find_if(workers.begin(), workers.end(), [&](const auto& w) { return *w.second.abilities == said; });
  return same != workers.end() ? same->second.abilities : std::make_shared<const wire::Abilities>(std::move(said));
}

}  // namespace

// ---- Worker ----

std::uint32_t Worker::free_slots() const {
  const std::size_t usable = aside_till ? 1 : slots;  // on probation: one task at a time
  return held.size() >= usable ? 0 : static_cast<std::uint32_t>(usable - held.size());
}

bool Worker::takes_tasks(Instant now) const { return !closed && !disconnected && (!aside_till || *aside_till <= now); }

wire::WorkerState Worker::state(Instant now) const {
  if (disconnected) return wire::WorkerState::kUnreachable;
  if (closed) return wire::WorkerState::kDraining;
  if (!aside_till) return wire::WorkerState::kWorking;
  return *aside_till > now ? wire::WorkerState::kSetAside : wire::WorkerState::kProbation;
}

// ---- WorkerBook ----

Worker& WorkerBook::admit(const std::string& peer, const wire::WorkerHello& hello, Instant now) {
  Worker worker;
  worker.id = next_;
  worker.peer = peer;
  worker.name = hello.name.substr(0, kNameMax);
  worker.build = hello.build;
  worker.slots = hello.slots;
  worker.heard = now;
  worker.abilities = shared_abilities(hello.abilities, workers_);
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

void WorkerBook::praise(Worker& worker, std::uint64_t cost, Duration spent) {
  ++tasks_done_;
  ++worker.tasks_done;
  worker.pace.count(cost, spent);
  worker.strikes = 0;
  worker.aside_till.reset();
  worker.aside_for = {};
}

void WorkerBook::strike(Worker& worker, const wire::Abilities& needs, Instant now) {
  Able can(needs);
  ++worker.tasks_failed;
  const bool on_probation = worker.aside_till.has_value();
  if (worker.strikes++ == 0 && !on_probation) worker.done_by_others = tasks_done_;
  // Since the first strike this worker has completed nothing, so whatever was completed, others completed.
  const bool others_succeed = tasks_done_ > worker.done_by_others;
  const auto takes_over = [&](const auto& other) {
    return other.first != worker.id && other.second.takes_tasks(now) && can(other.second);
  };
  if (!on_probation && (worker.strikes < kStrikesMax || !others_succeed)) return;
  if (std::none_of(workers_.begin(), workers_.end(), takes_over)) return;
  worker.aside_for = std::clamp(2 * worker.aside_for, kAsideMin, kAsideMax);
  worker.aside_till = now + worker.aside_for;
}

Worker* WorkerBook::choose(const wire::Abilities& needs, const std::vector<WorkerId>& failed_on, Instant again_at, Instant now) {
  Able can(needs);
  Worker* fresh = nullptr;
  Worker* any = nullptr;
  bool fresh_exists = false;
  for (auto& [id, worker] : workers_) {
    if (!worker.takes_tasks(now) || !can(worker)) continue;
    const bool failed = contains(failed_on, id);
    fresh_exists = fresh_exists || !failed;
    if (worker.free_slots() == 0) continue;
    if (!failed && (fresh == nullptr || less_busy(worker, *fresh))) fresh = &worker;
    if (any == nullptr || less_busy(worker, *any)) any = &worker;
  }
  return fresh_exists || now < again_at ? fresh : any;
}

Worker* WorkerBook::choose_fastest(const wire::Abilities& needs, const std::vector<WorkerId>& other_than, Instant now) {
  Able can(needs);
  Worker* best = nullptr;
  for (auto& [id, worker] : workers_) {
    if (!worker.takes_tasks(now) || worker.free_slots() == 0 || contains(other_than, id) || !can(worker)) continue;
    if (best == nullptr || faster(worker, *best)) best = &worker;
  }
  return best;
}

bool WorkerBook::has_free_slot(const wire::Abilities& needs, Instant now) const {
  Able can(needs);
  return std::any_of(workers_.begin(), workers_.end(), [&](const auto& known) {
    return known.second.takes_tasks(now) && known.second.free_slots() > 0 && can(known.second);
  });
}

// One that is leaving will do nothing more.
bool WorkerBook::anyone_can(const wire::Abilities& needs) const {
  Able can(needs);
  return std::any_of(workers_.begin(), workers_.end(),
                     [&](const auto& known) { return !known.second.closed && can(known.second); });
}

std::vector<const wire::Abilities*> WorkerBook::unmet_needs(const Job& job) const {
  std::set<const wire::Abilities*> asked;
  std::vector<const wire::Abilities*> unmet;
  for (const auto& [kind, index] : job.ready()) {
    const wire::Abilities* needs = &job.needs_of(*job.task(index));
    if (asked.insert(needs).second && !anyone_can(*needs)) unmet.push_back(needs);
  }
  return unmet;
}

bool WorkerBook::waits_for_ability(const Job& job) const {
  if (workers_.empty() || job.ready().empty() || job.tasks_leased > 0) return false;
  const auto unmet = unmet_needs(job);
  return std::all_of(job.ready().begin(), job.ready().end(), [&](const Job::ReadyKey& key) {
    return std::find(unmet.begin(), unmet.end(), &job.needs_of(*job.task(key.second))) != unmet.end();
  });
}

std::uint64_t WorkerBook::slots_total(Instant now) const {
  std::uint64_t total = 0;
  for (const auto& [id, worker] : workers_) total += worker.takes_tasks(now) ? worker.slots : 0;
  return total;
}

std::uint64_t WorkerBook::free_slots(Instant now) const {
  std::uint64_t total = 0;
  for (const auto& [id, worker] : workers_) total += worker.takes_tasks(now) ? worker.free_slots() : 0;
  return total;
}

}  // namespace gopmill
