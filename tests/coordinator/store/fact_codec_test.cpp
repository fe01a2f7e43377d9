#include "coordinator/store/fact_codec.h"

#include <gtest/gtest.h>

#include "base/archive.h"

namespace gopmill {
namespace {

// A plan as builds recorded it that knew no needs (kind 13): its job, and its shapes.
struct Shape13 {
  TaskKind kind = TaskKind::kVideo;
  std::uint64_t cost = 7, units = 250;
  std::uint32_t outputs = 2;
  std::int64_t time_max_ms = 60'000, from_ms = 10'000, to_ms = 20'000;
};
template <class A>
void fields(A& a, Shape13& v) {
  a(v.kind, v.cost, v.units, v.outputs, v.time_max_ms, v.from_ms, v.to_ms);
}
struct Planned13 {
  std::uint64_t job = 3;
  std::vector<Shape13> tasks{{}, {}};
};
template <class A>
void fields(A& a, Planned13& v) {
  a(v.job, v.tasks);
}

const TaskShape kShape{TaskKind::kVideo, 7, 250, 2, Duration{60'000}, Duration{10'000}, Duration{20'000}, 0};

TEST(FactCodec, ReadsPlansFromBeforeTasksHadNeeds) {
  const auto fact = from_row({13, JobId{3}, encode(Planned13{})});
  ASSERT_TRUE(fact) << fact.error().text;
  const auto& planned = std::get<facts::JobPlanned>(*fact);
  EXPECT_EQ(planned.job, JobId{3});
  EXPECT_EQ(planned.tasks, std::vector(2, kShape));
  EXPECT_TRUE(planned.needs.empty());
}

TEST(FactCodec, KeepsWhatTasksNeed) {
  TaskShape other = kShape;
  other.needs = 1;
  const facts::JobPlanned planned{JobId{3}, {kShape, other}, {{{"aac"}, {"mp3"}}, {{"libx264", "libsvtav1"}, {"h264", "av1"}}}};
  const FactRow row = to_row(planned);
  EXPECT_EQ(row.kind, 14) << "13 was without needs";
  const auto fact = from_row(row);
  ASSERT_TRUE(fact) << fact.error().text;
  const auto& back = std::get<facts::JobPlanned>(*fact);
  EXPECT_EQ(back.tasks, planned.tasks);
  EXPECT_EQ(back.needs, planned.needs);
}

}  // namespace
}  // namespace gopmill
