#include "coordinator/fact_codec.h"

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
  std::int64_t time_max_ms = v.time_max.count();
  a(v.kind, v.cost, v.units, v.outputs, time_max_ms);
  v.time_max = Duration(time_max_ms);
}
namespace wire {
template <class A>
void fields(A& a, ArtifactFacts& v) {
  a(v.bytes, v.hash);
}
}  // namespace wire
namespace facts {
template <class A>
void fields(A& a, JobAccepted& v) {
  a(v.job, v.priority, v.upload_wanted);
}
template <class A>
void fields(A& a, JobEntered& v) {
  a(v.job, v.state);
}
template <class A>
void fields(A& a, JobPlanned& v) {
  a(v.job, v.tasks);
}
template <class A>
void fields(A& a, TaskLeased& v) {
  a(v.task, v.attempt, v.worker);
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

template <std::size_t I = 0>
Result<Fact> decode_kind(int kind, const std::string& body) {
  if constexpr (I == std::variant_size_v<Fact>) {
    return fail(FaultKind::kConfig, "the store holds a fact of unknown kind " + std::to_string(kind));
  } else {
    if (kind == static_cast<int>(I) + 1) return decode_as<std::variant_alternative_t<I, Fact>>(body);
    return decode_kind<I + 1>(kind, body);
  }
}

static_assert(std::is_same_v<std::variant_alternative_t<kFactKindJobEnded - 1, Fact>, facts::JobEnded>);

}  // namespace

FactRow to_row(const Fact& fact) {
  return {static_cast<int>(fact.index()) + 1, job_of(fact), std::visit([](const auto& f) { return encode(f); }, fact)};
}

Result<Fact> from_row(const FactRow& row) { return decode_kind(row.kind, row.body); }

}  // namespace gopmill
