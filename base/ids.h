#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace gopmill {

// A number that names one thing and nothing else. Value type; 0 means "none".
template <class Tag>
struct Id {
  std::uint64_t value = 0;
  friend auto operator<=>(const Id&, const Id&) = default;
  explicit operator bool() const { return value != 0; }
};

using JobId = Id<struct JobTag>;        // Given by the store, rising, never reused.
using WorkerId = Id<struct WorkerTag>;  // Given at hello, for one connection's life: a worker that comes back gets a new one.

// One task of one job: its place in the plan's task list.
struct TaskId {
  JobId job;
  std::uint32_t index = 0;
  friend auto operator<=>(const TaskId&, const TaskId&) = default;
};

// The fencing token of a task: rises with every lease, from 1. Only the newest attempt may commit.
using Attempt = std::uint32_t;

// For logs and faults: "task 7/0", "task 7/0 attempt 2".
inline std::string task_text(TaskId task) { return "task " + std::to_string(task.job.value) + "/" + std::to_string(task.index); }
inline std::string attempt_text(TaskId task, Attempt attempt) { return task_text(task) + " attempt " + std::to_string(attempt); }

}  // namespace gopmill

template <class Tag>
struct std::hash<gopmill::Id<Tag>> {
  std::size_t operator()(const gopmill::Id<Tag>& id) const noexcept { return std::hash<std::uint64_t>{}(id.value); }
};
