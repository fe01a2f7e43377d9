#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/scheduler.h"

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
  bool closed = false;  // it is leaving: finishes what it holds, is given nothing
  std::uint64_t tasks_done = 0, tasks_failed = 0;
  std::map<AttemptKey, Holding> held;

  [[nodiscard]] std::uint32_t free_slots() const {
    return closed || held.size() >= slots ? 0 : slots - static_cast<std::uint32_t>(held.size());
  }
};

class WorkerBook {
 public:
  explicit WorkerBook(WorkerId first) : next_(first) {}

  Worker& admit(const std::string& peer, const wire::WorkerHello& hello, Instant now);
  Worker dismiss(WorkerId id);  // hands it over, with what it held
  [[nodiscard]] Worker* find(const std::string& peer);
  [[nodiscard]] const Worker* find(const std::string& peer) const;
  [[nodiscard]] Worker* find(WorkerId id);

  // The worker to lease a task to: the least busy by share of its slots, then the oldest, among those the task has not
  // failed on. While there is such a worker, even one with no free slot, no other is considered, so that a machine that
  // fails everything it touches fails each task once and not its whole budget. None: no slot to be had now.
  [[nodiscard]] Worker* choose(const std::vector<WorkerId>& failed_on);

  [[nodiscard]] std::size_t size() const { return workers_.size(); }
  [[nodiscard]] std::uint64_t slots_total() const;  // of workers that take tasks
  [[nodiscard]] std::uint64_t free_slots() const;
  [[nodiscard]] const std::map<WorkerId, Worker>& all() const { return workers_; }

 private:
  std::map<WorkerId, Worker> workers_;
  std::map<std::string, WorkerId> by_peer_;
  WorkerId next_;
};

}  // namespace gopmill
