#pragma once

#include <stdlib.h>

#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "coordinator/service/service.h"

namespace gopmill::test {

constexpr const char* kProfile = "name: one\nrendition: {codec: h264}\nrenditions:\n  - {height: 360, quality: 24}\n";

class Silence final : public Log {
 public:
  void write(LogLevel, std::string_view) override {}
};

inline wire::Submission submission(const std::string& key) {
  wire::Submission wanted;
  wanted.key = key;
  wanted.source_name = key + ".mov";
  wanted.source_bytes = 1'000;
  wanted.source_hash = 7;
  wanted.profile_name = "one";
  wanted.profile_yaml = kProfile;
  wanted.output_base = key;
  wanted.output_folder = "/srv/out";
  return wanted;
}

// A service with a real store, spool and scheduler in a folder of its own, and turns as the coordinator's loop makes them; no
// socket, and no steps of jobs.
class ServiceHouse {
 public:
  ServiceHouse() {
    std::string pattern = (std::filesystem::temp_directory_path() / "service_XXXXXX").string();
    GOPMILL_CHECK(mkdtemp(pattern.data()) != nullptr);
    folder = pattern;
    open({});
  }
  ServiceHouse(const ServiceHouse&) = delete;
  ServiceHouse& operator=(const ServiceHouse&) = delete;
  ~ServiceHouse() { std::filesystem::remove_all(folder); }

  // Also again, as after a restart.
  void open(Service::Rules rules) {
    service.reset();
    jobs.reset();
    scheduler.reset();
    store.reset();
    rules.backups = folder / "backups";
    store.emplace(std::move(*Store::open(folder / "store.db")));
    spool.emplace(std::move(*Spool::open(folder / "spool")));
    scheduler.emplace(Scheduler::restore({"build", *store->next_worker_block()}, *store->living_facts(), now));
    jobs.emplace(*spool, "build");
    service.emplace(*store, *spool, *scheduler, *jobs, rules, [this](Event event) { events.push_back(std::move(event)); }, log);
  }

  // Decides, records, acts, answers: the order of coordinator/loop.cpp. All actions of the turn.
  std::vector<Action> settle() {
    std::vector<Action> actions;
    std::vector<Fact> facts;
    for (; !events.empty(); events.pop_front()) {
      Step step = scheduler->handle(events.front(), now);
      facts.insert(facts.end(), step.facts.begin(), step.facts.end());
      actions.insert(actions.end(), step.actions.begin(), step.actions.end());
    }
    GOPMILL_CHECK(store->record(facts));
    for (const Action& action : actions) {
      if (const auto* accept = std::get_if<actions::AcceptJob>(&action)) service->accept(*accept, now);
      if (const auto* refuse = std::get_if<actions::RefuseJob>(&action)) service->refuse(*refuse);
      if (const auto* clean = std::get_if<actions::CleanJob>(&action)) jobs->clean(*clean);
    }
    service->settled(now);
    return actions;
  }

  std::filesystem::path folder;
  Silence log;
  Instant now = monotonic_now();
  std::optional<Store> store;
  std::optional<Spool> spool;
  std::optional<Scheduler> scheduler;
  std::optional<Jobs> jobs;
  std::optional<Service> service;
  std::deque<Event> events;
};

}  // namespace gopmill::test
