// How fast the store takes facts, and how fast it opens, on the disk that holds FOLDER.
//
//   store_bench FOLDER
//
// One line per measurement. Facts are those of running tasks (a lease and a commit each); a group is what the coordinator
// records in one turn of its loop.

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "base/check.h"
#include "coordinator/store/store.h"

namespace gopmill {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

JobId accept(Store& store, const std::string& key) {
  wire::Submission submit;
  submit.key = key;
  submit.source_name = key + ".mov";
  submit.profile_yaml = std::string(1'500, '#');
  const auto added = store.add(submit, 1'700'000'000'000);
  GOPMILL_CHECK(added && store.record({facts::JobAccepted{added->job, 50, true}}));
  return added->job;
}

// `facts` facts of one job, `group` to a commit.
void measure_recording(const std::filesystem::path& file, std::size_t facts, std::size_t group) {
  std::filesystem::remove(file);
  auto store = Store::open(file);
  GOPMILL_CHECK(store);
  const JobId job = accept(*store, "job");
  const auto start = Clock::now();
  std::vector<Fact> turn;
  for (std::uint32_t task = 0; task < facts / 2; ++task) {
    turn.emplace_back(facts::TaskLeased{{job, task}, 1, WorkerId{1}});
    turn.emplace_back(facts::TaskCommitted{{job, task}, 1, std::string(300, 'r'), {{1'000'000, 1}, {500'000, 2}, {100'000, 3}}});
    if (turn.size() < group) continue;
    GOPMILL_CHECK(store->record(turn));
    turn.clear();
  }
  GOPMILL_CHECK(store->record(turn));
  const double taken = seconds_since(start);
  std::printf("record, %4zu facts a commit: %8.0f facts/s, %6.0f commits/s\n", group, static_cast<double>(facts) / taken,
              static_cast<double>(facts) / static_cast<double>(group) / taken);
  const auto end = Clock::now();
  GOPMILL_CHECK(store->record({facts::JobEnded{job, wire::JobState::kFailed, Fault{FaultKind::kInput, "damaged"}}}));
  std::printf("  end of a job of %zu facts: %.1f ms\n", facts, 1000 * seconds_since(end));
}

void measure_opening(const std::filesystem::path& file, int ended) {
  std::filesystem::remove(file);
  {
    auto store = Store::open(file);
    GOPMILL_CHECK(store);
    constexpr int kTogether = 500;
    for (int first = 0; first < ended; first += kTogether) {
      std::vector<Fact> turn;
      for (int i = first; i < first + kTogether; ++i) {
        wire::Submission submit;
        submit.key = "0123456789abcdef-" + std::to_string(i);
        submit.source_name = "clip " + std::to_string(i) + ".mov";
        submit.profile_name = "phone";
        submit.profile_yaml = std::string(1'500, '#');
        submit.output_base = "clip " + std::to_string(i);
        submit.output_folder = "/srv/clips/out";
        const auto added = store->add(submit, 1'700'000'000'000);
        GOPMILL_CHECK(added);
        turn.emplace_back(facts::JobAccepted{added->job, 50, true});
        turn.emplace_back(facts::JobEnded{added->job, wire::JobState::kDone, {}});
        turn.emplace_back(facts::JobForgotten{added->job, true});
      }
      GOPMILL_CHECK(store->record(turn));
    }
  }
  const auto start = Clock::now();
  auto store = Store::open(file);
  GOPMILL_CHECK(store);
  const auto facts = store->living_facts();
  GOPMILL_CHECK(facts);
  std::printf("open with %d jobs that are over: %.1f ms, %zu facts read, %ju bytes of file\n", ended, 1000 * seconds_since(start),
              facts->size(), static_cast<std::uintmax_t>(std::filesystem::file_size(file)));
}

// Small jobs of 20 tasks, ten alive at any time, one after the other to their end.
void measure_room(const std::filesystem::path& file) {
  std::filesystem::remove(file);
  auto store = Store::open(file);
  GOPMILL_CHECK(store);
  constexpr int kJobs = 8'000, kAlive = 10;
  std::vector<JobId> alive;
  for (int i = 1; i <= kJobs; ++i) {
    alive.push_back(accept(*store, "0123456789abcdef-" + std::to_string(i)));
    std::vector<Fact> turn;
    for (std::uint32_t task = 0; task < 20; ++task) {
      turn.emplace_back(facts::TaskLeased{{alive.back(), task}, 1, WorkerId{1}});
      turn.emplace_back(facts::TaskCommitted{{alive.back(), task}, 1, std::string(300, 'r'), {{1'000'000, 1}, {500'000, 2}}});
    }
    if (alive.size() == kAlive) {
      turn.emplace_back(facts::JobEnded{alive.front(), wire::JobState::kDone, {}});
      turn.emplace_back(facts::JobForgotten{alive.front(), true});
      alive.erase(alive.begin());
    }
    GOPMILL_CHECK(store->record(turn));
    if (i % 1'000 == 0) {
      std::printf("after %d jobs: %ju bytes of file\n", i, static_cast<std::uintmax_t>(std::filesystem::file_size(file)));
    }
  }
}

}  // namespace
}  // namespace gopmill

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: store_bench FOLDER\n");
    return 2;
  }
  const std::filesystem::path file = std::filesystem::path(argv[1]) / "bench.db";
  for (const std::size_t group : {1U, 8U, 64U, 512U}) gopmill::measure_recording(file, group == 1 ? 2'000 : 20'000, group);
  gopmill::measure_room(file);
  gopmill::measure_opening(file, 1'000);
  gopmill::measure_opening(file, 100'000);
  std::filesystem::remove(file);
}
