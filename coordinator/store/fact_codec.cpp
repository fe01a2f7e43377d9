#include "coordinator/store/fact_codec.h"

#include "base/archive.h"

namespace gopmill {

// Found by argument-dependent lookup, so each stands in the namespace of its type.
template <class A>
void fields(A& a, JobId& v) {
  a(v.value);
}
template <class A>
void fields(A& a, WorkerId& v) {
  a(v.value);
}
template <class A>
void fields(A& a, TaskId& v) {
  a(v.job.value, v.index);
}
template <class A>
void fields(A& a, Duration& v) {
  std::int64_t ms = v.count();
  a(ms);
  v = Duration(ms);
}
template <class A>
void fields(A& a, Fault& v) {
  a(v.kind, v.text);
}
template <class A>
void fields(A& a, TaskShape& v) {
  std::int64_t time_max_ms = v.time_max.count(), from_ms = v.from.count(), to_ms = v.to.count();
  a(v.kind, v.cost, v.units, v.outputs, time_max_ms, from_ms, to_ms, v.needs);
  v.time_max = Duration(time_max_ms);
  v.from = Duration(from_ms);
  v.to = Duration(to_ms);
}
namespace wire {
template <class A>
void fields(A& a, ArtifactFacts& v) {
  a(v.bytes, v.hash);
}
template <class A>
void fields(A& a, Abilities& v) {
  a(v.encoders, v.decoders);
}
}  // namespace wire
namespace facts {
template <class A>
void fields(A& a, JobAccepted& v) {
  a(v.job, v.priority, v.upload_wanted, v.slots_max);
}
template <class A>
void fields(A& a, JobEntered& v) {
  a(v.job, v.state);
}
template <class A>
void fields(A& a, JobPlanned& v) {
  a(v.job, v.tasks, v.needs);
}
template <class A>
void fields(A& a, TaskLeased& v) {
  a(v.task, v.attempt, v.worker);
}
template <class A>
void fields(A& a, TaskAdopted& v) {
  a(v.task, v.attempt, v.worker);
}
template <class A>
void fields(A& a, TaskReopened& v) {
  a(v.task, v.attempt, v.fault);
}
template <class A>
void fields(A& a, TaskCommitted& v) {
  a(v.task, v.attempt, v.result, v.outputs);
}
template <class A>
void fields(A& a, AttemptLost& v) {
  a(v.task, v.attempt, v.kind, v.fault);
}
template <class A>
void fields(A& a, StepLost& v) {
  a(v.job, v.step, v.kind, v.fault);
}
template <class A>
void fields(A& a, JobEnded& v) {
  a(v.job, v.state, v.fault);
}
template <class A>
void fields(A& a, JobForgotten& v) {
  a(v.job, v.delivered);
}
}  // namespace facts

namespace {

JobId job_of(const Fact& fact) {
  return std::visit(
      [](const auto& f) {
        if constexpr (requires { f.task; }) {
          return f.task.job;
        } else {
          return f.job;
        }
      },
      fact);
}

template <class T>
Result<Fact> decode_as(const std::string& body) {
  return Fact(TRY(decode<T>(body, "a recorded fact")));
}

// Kinds are numbered as the variant is, but for those that got fields later: they were given new numbers, and the old ones are
// still read, so that a store needs no rewriting.
constexpr int kFactKindJobAcceptedOld = 1;  // without slots_max
constexpr int kFactKindJobPlannedOld = 3;   // shapes without `from` and `to`
constexpr int kFactKindJobAccepted = 12;
constexpr int kFactKindJobPlannedNeedless = 13;  // without needs
constexpr int kFactKindJobPlanned = 14;

struct OldJobAccepted {
  JobId job;
  std::uint32_t priority = 0;
  bool upload_wanted = false;
};
template <class A>
void fields(A& a, OldJobAccepted& v) {
  a(v.job, v.priority, v.upload_wanted);
}
struct OldTaskShape {
  TaskKind kind{};
  std::uint64_t cost = 0, units = 0;
  std::uint32_t outputs = 0;
  std::int64_t time_max_ms = 0;
};
template <class A>
void fields(A& a, OldTaskShape& v) {
  a(v.kind, v.cost, v.units, v.outputs, v.time_max_ms);
}
struct NeedlessTaskShape : OldTaskShape {
  std::int64_t from_ms = 0, to_ms = 0;
};
template <class A>
void fields(A& a, NeedlessTaskShape& v) {
  a(v.kind, v.cost, v.units, v.outputs, v.time_max_ms, v.from_ms, v.to_ms);
}
template <class Shape>
struct OldJobPlanned {
  JobId job;
  std::vector<Shape> tasks;
};
template <class A, class Shape>
void fields(A& a, OldJobPlanned<Shape>& v) {
  a(v.job, v.tasks);
}

Result<Fact> decode_old_accepted(const std::string& body) {
  const auto old = TRY(decode<OldJobAccepted>(body, "a recorded fact"));
  return Fact(facts::JobAccepted{old.job, old.priority, old.upload_wanted, 0});
}

template <class Shape>
Result<Fact> decode_old_planned(const std::string& body) {
  const auto old = TRY(decode<OldJobPlanned<Shape>>(body, "a recorded fact"));
  facts::JobPlanned planned{old.job, {}, {}};
  for (const Shape& shape : old.tasks) {
    TaskShape& task = planned.tasks.emplace_back();
    task = {shape.kind, shape.cost, shape.units, shape.outputs, Duration(shape.time_max_ms), Duration{0}, Duration{0}, 0};
    if constexpr (requires { shape.from_ms; }) {
      task.from = Duration(shape.from_ms);
      task.to = Duration(shape.to_ms);
    }
  }
  return Fact(std::move(planned));
}

int kind_of(const Fact& fact) {
  if (std::holds_alternative<facts::JobAccepted>(fact)) return kFactKindJobAccepted;
  if (std::holds_alternative<facts::JobPlanned>(fact)) return kFactKindJobPlanned;
  return static_cast<int>(fact.index()) + 1;
}

template <std::size_t I = 0>
Result<Fact> decode_kind(int kind, const std::string& body) {
  if constexpr (I == std::variant_size_v<Fact>) {
    return fail(FaultKind::kConfig, "the store holds a fact of unknown kind " + std::to_string(kind));
  } else {
    if (kind == static_cast<int>(I) + 1) return decode_as<std::variant_alternative_t<I, Fact>>(body);
    return decode_kind<I + 1>(kind, body);
  }
}

static_assert(std::variant_size_v<Fact> < kFactKindJobAccepted, "a new fact takes the number of a renewed one");
static_assert(std::is_same_v<std::variant_alternative_t<kFactKindJobEnded - 1, Fact>, facts::JobEnded>);

}  // namespace

FactRow to_row(const Fact& fact) {
  return {kind_of(fact), job_of(fact), std::visit([](const auto& f) { return encode(f); }, fact)};
}

Result<Fact> from_row(const FactRow& row) {
  switch (row.kind) {
    case kFactKindJobAcceptedOld: return decode_old_accepted(row.body);
    case kFactKindJobPlannedOld: return decode_old_planned<OldTaskShape>(row.body);
    case kFactKindJobPlannedNeedless: return decode_old_planned<NeedlessTaskShape>(row.body);
    case kFactKindJobAccepted: return decode_as<facts::JobAccepted>(row.body);
    case kFactKindJobPlanned: return decode_as<facts::JobPlanned>(row.body);
    default: return decode_kind(row.kind, row.body);
  }
}

}  // namespace gopmill
