#include "tests/support/simulator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

namespace gopmill::test {
namespace {

// Sanitizers make a voyage some ten times longer.
#ifdef GOPMILL_SANITIZED
constexpr std::uint64_t kSeeds = 150;
constexpr std::uint64_t kWritePointsStep = 10;
#else
constexpr std::uint64_t kSeeds = 1'000;
constexpr std::uint64_t kWritePointsStep = 1;
#endif

// GOPMILL_SEED=n replays one voyage; GOPMILL_SEEDS=n sails more of them, or fewer, than every run does.
std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

void add(Voyage& sum, const Voyage& voyage) {
  for (const auto count : {&Voyage::events,          &Voyage::messages,        &Voyage::lost,
                           &Voyage::doubled,         &Voyage::delayed,         &Voyage::kills,
                           &Voyage::stops,           &Voyage::drains,          &Voyage::coordinator_deaths,
                           &Voyage::deaths_writing,  &Voyage::disk_operations, &Voyage::child_faults,
                           &Voyage::transfer_faults, &Voyage::step_faults,     &Voyage::disconnections,
                           &Voyage::disk_blocks,     &Voyage::damages,         &Voyage::adoptions,
                           &Voyage::repetitions,     &Voyage::commits,         &Voyage::attempts_lost,
                           &Voyage::stale_results,   &Voyage::jobs_done,       &Voyage::jobs_failed,
                           &Voyage::jobs_cancelled,  &Voyage::passed_over}) {
    sum.*count += voyage.*count;
  }
  sum.virtual_time += voyage.virtual_time;
}

void tell(const Voyage& sum) {
  std::cout << "events " << sum.events << ", virtual hours " << sum.virtual_time.count() / 3'600'000 << "\nfaults "
            << sum.faults() << "\nmessages " << sum.messages << ": lost " << sum.lost << ", doubled " << sum.doubled
            << ", long delayed " << sum.delayed << "\nworkers killed " << sum.kills << ", stopped " << sum.stops << ", drained "
            << sum.drains << "; coordinator killed " << sum.coordinator_deaths << ", of these while writing "
            << sum.deaths_writing << "; writes and syncs of its disk " << sum.disk_operations << "\nfaults of children "
            << sum.child_faults << ", transfers " << sum.transfer_faults << ", steps " << sum.step_faults << "; disconnections "
            << sum.disconnections << ", full disks " << sum.disk_blocks << ", damaged bytes " << sum.damages
            << "\nattempts adopted " << sum.adoptions << ", repeated " << sum.repetitions << ", leased past a worker that cannot "
            << sum.passed_over << "\njobs done " << sum.jobs_done << ", failed " << sum.jobs_failed << ", cancelled "
            << sum.jobs_cancelled << "; commits " << sum.commits << ", attempts lost " << sum.attempts_lost << ", stale results "
            << sum.stale_results << "\n";
}

// Every seed in that weather ends in harbour, and nothing that can go wrong was missing from all of them.
void sail_all(Weather (*weather)(std::uint64_t seed)) {
  const std::uint64_t only = number_from("GOPMILL_SEED", 0);
  const std::uint64_t first = only != 0 ? only : 1;
  const std::uint64_t last = only != 0 ? only : number_from("GOPMILL_SEEDS", kSeeds);
  Voyage sum;
  std::uint64_t faults_min = UINT64_MAX;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    const Voyage voyage = sail(seed, weather(seed));
    ASSERT_EQ(voyage.broken, "") << account(voyage) << "replay with GOPMILL_SEED=" << seed;
    ASSERT_GE(voyage.faults(), weather(seed).faults_min) << account(voyage);
    faults_min = std::min(faults_min, voyage.faults());
    add(sum, voyage);
  }
  std::cout << "seeds " << last - first + 1 << ", at least " << faults_min << " faults each; ";
  tell(sum);
  if (only != 0) return;
  // A storm in which one of these never happened would prove nothing about it.
  for (const std::uint64_t count : {sum.lost,
                                    sum.doubled,
                                    sum.delayed,
                                    sum.kills,
                                    sum.stops,
                                    sum.drains,
                                    sum.coordinator_deaths,
                                    sum.deaths_writing,
                                    sum.child_faults,
                                    sum.transfer_faults,
                                    sum.step_faults,
                                    sum.disconnections,
                                    sum.disk_blocks,
                                    sum.damages,
                                    sum.adoptions,
                                    sum.repetitions,
                                    sum.passed_over,
                                    sum.stale_results,
                                    sum.jobs_done,
                                    sum.jobs_failed,
                                    sum.jobs_cancelled}) {
    EXPECT_GT(count, 0U);
  }
}

TEST(Simulator, EverySeedEndsAudio) { sail_all(weather_of); }

TEST(Simulator, EveryStormIsWeathered) { sail_all(storm_of); }

TEST(Simulator, SameSeedSameTrace) {
  for (const std::uint64_t seed : {3U, 77U, 1234U}) {
    const Voyage once = sail(seed), again = sail(seed);
    EXPECT_EQ(once.trace_hash, again.trace_hash) << "seed " << seed;
    EXPECT_EQ(once.events, again.events) << "seed " << seed;
  }
  EXPECT_NE(sail(3).trace_hash, sail(4).trace_hash);
}

TEST(Simulator, InCalmWeatherNothingIsLost) {
  Weather calm;
  calm.lose = calm.duplicate = calm.delay_long = calm.child_machine = calm.child_poison = calm.child_input = 0;
  calm.transfer_fails = calm.step_fails = calm.cancels = calm.upload_stalls = calm.upload_fails = 0;
  calm.storm = Duration{0};
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Voyage voyage = sail(seed, calm);
    ASSERT_EQ(voyage.broken, "") << account(voyage);
    EXPECT_EQ(voyage.jobs_done, 5U) << account(voyage);
    EXPECT_EQ(voyage.attempts_lost, 0U) << account(voyage);
  }
}

// The coordinator dies before every single operation of its disk, one voyage each: every job still ends well, and what was
// committed is not done again (the invariants see to that).
TEST(Simulator, ADeathAtAnyWriteLosesNothing) {
  Weather calm;
  calm.lose = calm.duplicate = calm.delay_long = calm.child_machine = calm.child_poison = calm.child_input = 0;
  calm.transfer_fails = calm.step_fails = calm.cancels = calm.upload_stalls = calm.upload_fails = 0;
  const Voyage whole = sail(1, calm);
  EXPECT_GE(whole.disk_operations, 500U);
  for (calm.dies_at_write = 1; calm.dies_at_write <= whole.disk_operations; calm.dies_at_write += kWritePointsStep) {
    const Voyage voyage = sail(1, calm);
    ASSERT_EQ(voyage.broken, "") << "death at operation " << calm.dies_at_write << "\n" << account(voyage);
    ASSERT_EQ(voyage.jobs_done, whole.jobs_done) << account(voyage);
    ASSERT_EQ(voyage.deaths_writing, 1U) << account(voyage);
  }
}

// One machine of four fails whatever it touches: no job may pay for that.
TEST(Simulator, OneBadMachineFailsNoJob) {
  Weather weather;
  weather.child_machine = weather.child_poison = weather.child_input = weather.step_fails = weather.cancels = 0;
  weather.transfer_fails = weather.upload_stalls = weather.upload_fails = weather.lose = weather.delay_long = 0;
  weather.bad_worker = 1;
  weather.storm = Duration{600'000};
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Voyage voyage = sail(seed, weather);
    ASSERT_EQ(voyage.broken, "") << account(voyage);
    EXPECT_EQ(voyage.jobs_failed, 0U) << account(voyage);
  }
}

}  // namespace
}  // namespace gopmill::test
