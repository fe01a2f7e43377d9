#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"

namespace gopmill::test {

// One farm in one process on virtual time: the real scheduler, the real store on a disk that forgets what was not synced,
// and real sessions, with a network, children and people that behave as badly as a seed says. The invariants are checked after every event. When the faults stop, every
// job must come to its end and leave nothing behind.

struct Weather {  // how bad; chances in permille
  int workers = 4;
  int jobs = 5;
  std::int64_t lose = 50, duplicate = 30, delay_long = 30;  // per message; long: up to 8 s, which also reorders
  std::int64_t child_machine = 30, child_poison = 10, child_input = 2;
  std::int64_t transfer_fails = 20;
  std::int64_t step_fails = 30;
  std::int64_t damage = 0;       // per transfer of an input, per stitching: bytes in the spool have changed
  std::int64_t bad_worker = 0;   // this one's children always fail
  std::int64_t lacks = 0;        // per encoder and worker but the last: it has not got it
  std::int64_t poison_task = 0;  // per job: one of its tasks kills every child
  std::int64_t cancels = 100, upload_stalls = 50, upload_fails = 20;                                      // per job
  Duration kill_every{0}, stop_every{0}, drain_every{0}, coordinator_dies_every{0}, disk_fills_every{0};  // 0: never
  std::uint64_t dies_at_write = 0;  // the coordinator dies before this operation of its disk; 0: it does not
  std::uint64_t faults_min = 0;     // the storm goes on, with more jobs, until there have been so many
  Duration storm{120'000};          // the faults stop after this
};

// Draws the weather of a seed, from calm to very bad.
Weather weather_of(std::uint64_t seed);
// The same, with nothing calm about it: no kind of trouble is missing, and it lasts for 200 faults at least.
Weather storm_of(std::uint64_t seed);

struct Voyage {
  std::uint64_t seed = 0;
  std::string broken;              // empty: nothing went wrong
  std::vector<std::string> trace;  // its tail, for a person
  std::uint64_t trace_hash = 0;    // of the whole
  std::uint64_t events = 0;        // of the agenda
  std::uint64_t messages = 0, lost = 0, doubled = 0, delayed = 0;
  std::uint64_t kills = 0, stops = 0, drains = 0, coordinator_deaths = 0, deaths_writing = 0, child_faults = 0,
                transfer_faults = 0, step_faults = 0;
  std::uint64_t disconnections = 0, disk_blocks = 0, damages = 0, adoptions = 0, repetitions = 0;
  std::uint64_t passed_over = 0;  // leases while a worker was there that could not do the task
  std::uint64_t jobs_done = 0, jobs_failed = 0, jobs_cancelled = 0;
  std::uint64_t commits = 0, attempts_lost = 0, stale_results = 0;
  std::uint64_t disk_operations = 0;
  Duration virtual_time{0};
  // Of the network, machines, disks and media; not of people, who only change their minds.
  [[nodiscard]] std::uint64_t faults() const {
    return lost + doubled + delayed + kills + stops + drains + coordinator_deaths + child_faults + transfer_faults + step_faults +
           disconnections + disk_blocks + damages;
  }
};

Voyage sail(std::uint64_t seed, const Weather& weather);
inline Voyage sail(std::uint64_t seed) { return sail(seed, weather_of(seed)); }

// Seed, what broke, and the end of the trace.
std::string account(const Voyage& voyage);

}  // namespace gopmill::test
