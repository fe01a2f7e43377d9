#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/scheduler/job_book.h"
#include "coordinator/scheduler/scheduler.h"

// What the scheduler knows of workers, and the slots it believes taken. Pure, private to the scheduler.

namespace gopmill {

using AttemptKey = std::pair<TaskId, Attempt>;

// One slot of a worker that is taken. An attempt that must be dropped keeps its slot until the worker says that it no
// longer holds it: giving the slot away earlier would run two children in it.
struct Holding {
  bool dropping = false;
  std::uint32_t unseen = 0;  // heartbeats in a row that did not list it
  Instant counted;           // when `unseen` last rose, or the lease began
};

struct Worker {
  WorkerId id;
  std::string peer, name, build;
  std::uint32_t slots = 1;
  Instant heard;
  std::optional<Instant> disconnected;  // since when
  bool closed = false;                  // it is leaving: finishes what it holds, is given nothing
  bool draining = false;                // ... because an operator wants it to
  std::uint64_t tasks_done = 0, tasks_failed = 0;
  WorkPace pace;
  std::map<AttemptKey, Holding> held;
  // Sorted lists. Workers of the same abilities share one: what is asked of a thousand workers is answered a few times.
  std::shared_ptr<const wire::Abilities> abilities;

  // ---- Trust ----
  std::uint32_t strikes = 0;          // attempts failed since it last completed one
  std::uint64_t done_by_others = 0;   // WorkerBook::tasks_done() when the first of them failed
  std::optional<Instant> aside_till;  // set aside; past: on probation
  Duration aside_for{0};              // the last time's length

  [[nodiscard]] std::uint32_t free_slots() const;
  // It may be given a task now.
  [[nodiscard]] bool takes_tasks(Instant now) const;
  [[nodiscard]] wire::WorkerState state(Instant now) const;
};

class WorkerBook {
 public:
  explicit WorkerBook(WorkerId first) : next_(first) {}

  Worker& admit(const std::string& peer, const wire::WorkerHello& hello, Instant now);
  Worker dismiss(WorkerId id);  // hands it over, with what it held
  [[nodiscard]] Worker* find(const std::string& peer);
  [[nodiscard]] const Worker* find(const std::string& peer) const;
  [[nodiscard]] Worker* find(WorkerId id);

  // The worker completed an attempt: whatever was held against it is forgotten.
  void praise(Worker& worker, std::uint64_t cost, Duration spent);
  // It failed one that needs this, and not because of the task's input. Whoever fails what others complete is set aside, as
  // long as somebody is left to do the work.
  void strike(Worker& worker, const wire::Abilities& needs, Instant now);

  // The worker to lease a task to: the least busy by share of its slots, then the oldest, among those that can do it and that
  // it has not failed on. While there is such a worker, even one with no free slot, no other is considered, so that a machine that
  // fails everything it touches fails each task once and not its whole budget; and before `again_at` none that it has failed
  // on. None: no slot to be had now.
  // Why: docs/decisions/37-abilities.md.
  [[nodiscard]] Worker* choose(const wire::Abilities& needs, const std::vector<WorkerId>& failed_on, Instant again_at,
                               Instant now);
  // The fastest of the workers with a free slot that can do it and are not in `other_than`.
  [[nodiscard]] Worker* choose_fastest(const wire::Abilities& needs, const std::vector<WorkerId>& other_than, Instant now);

  // Of what the job's ready tasks need, that which no worker here can do, be it busy, set aside or out of reach for the moment.
  [[nodiscard]] std::vector<const wire::Abilities*> unmet_needs(const Job& job) const;
  // It can do nothing until a worker joins that can do more than those here: it has ready tasks, none of them can be leased to
  // any of these, and none of its tasks is.
  [[nodiscard]] bool waits_for_ability(const Job& job) const;

  [[nodiscard]] std::size_t size() const { return workers_.size(); }
  [[nodiscard]] std::uint64_t slots_total(Instant now) const;  // of workers that take tasks
  [[nodiscard]] std::uint64_t free_slots(Instant now) const;
  [[nodiscard]] bool has_free_slot(const wire::Abilities& needs, Instant now) const;  // of a worker that can do that
  [[nodiscard]] const std::map<WorkerId, Worker>& all() const { return workers_; }

  // ---- After a restart: attempts whose worker has not come back yet ----
  void remember_orphan(TaskId task, Attempt attempt) { orphans_.emplace(task, attempt); }
  // True if it was one.
  bool forget_orphan(TaskId task, Attempt attempt) { return orphans_.erase({task, attempt}) > 0; }
  [[nodiscard]] const std::set<AttemptKey>& orphans() const { return orphans_; }
  void adopt_until(Instant end) { adoption_end_ = end; }
  [[nodiscard]] Instant adoption_end() const { return adoption_end_; }

 private:
  [[nodiscard]] bool anyone_can(const wire::Abilities& needs) const;

  std::map<WorkerId, Worker> workers_;
  std::map<std::string, WorkerId> by_peer_;
  std::set<AttemptKey> orphans_;
  Instant adoption_end_;
  std::uint64_t tasks_done_ = 0;  // by all workers ever
  WorkerId next_;
};

}  // namespace gopmill
