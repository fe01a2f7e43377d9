#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "coordinator/control_door.h"
#include "coordinator/jobs/attempts.h"
#include "coordinator/jobs/jobs.h"
#include "coordinator/scheduler/scheduler.h"
#include "coordinator/server.h"
#include "coordinator/service/service.h"
#include "coordinator/spool/spool.h"
#include "coordinator/spool/transfers.h"
#include "coordinator/store/store.h"
#include "proto/channel.h"

namespace gopmill {

// What a coordinator is opened with.
struct LoopParts {
  Store store;
  Spool spool;
  Listener control;
  Listener data;
  Scheduler scheduler;
};

// The coordinator's one loop. Everything that happens becomes an event for the scheduler; the facts of all that waits are recorded in
// one commit; only then are its actions carried out, and what they bring about at once is settled so too; then requests are answered (docs/decisions/12-facts-before-actions.md). It owns
// the parts and the order in which they are asked; what each does is theirs. One thread.
class Loop {
 public:
  Loop(const CoordinatorOptions& options, Log& log, LoopParts parts);

  // Once, before run().
  Result<> recover(const std::vector<Fact>& facts);
  // Until `stop_fd` becomes readable.
  void run(int stop_fd);

 private:
  void wait(int stop_fd);
  void hear(Event said);
  void receive_data();
  void poll_children();
  void watch_spool();
  // Events to facts and actions.
  void decide();
  // Decides, records and acts until nothing is left, then answers. False: told to stop meanwhile.
  bool settle(int stop_fd);
  // Waits while the database takes nothing. False: told to stop meanwhile.
  bool record_decided(int stop_fd);

  void note(const facts::AttemptLost& fact) { attempts_.note(fact); }
  void note(const facts::StepLost& fact) { log_.warn(describe(fact)); }
  void note(const facts::TaskAdopted& fact) { attempts_.note(fact, now_); }
  void note(const facts::TaskCommitted& fact) { attempts_.note(fact); }
  void note(const facts::TaskReopened& fact) { attempts_.note(fact); }
  template <class Other>
  void note(const Other&) {}

  void act(const actions::AcceptJob& action) { service_.accept(action, now_); }
  void act(const actions::RefuseJob& action) { service_.refuse(action); }
  void act(const actions::StartStep& action) { happened(jobs_.start(action, now_)); }
  void act(const actions::StopStep& action) { jobs_.stop(action); }
  void act(const actions::AllowInputs& action) { jobs_.allow_inputs(action); }
  void act(const actions::DropInput& action);
  void act(const actions::CommitOutputs& action) { attempts_.commit(action, now_); }
  void act(const actions::DiscardOutputs& action) { attempts_.discard(action); }
  void act(const actions::ReportDifference& action) { attempts_.report_difference(action); }
  void act(const actions::Assign& action);
  void act(const actions::FinishJob& action);
  void act(const actions::CleanJob& action);
  // What else there is goes to workers.
  template <class ToWorker>
  void act(const ToWorker& action) {
    door_.act(action);
  }

  void happened(Event event) { events_.push_back(std::move(event)); }
  void happened(std::vector<Event> events) {
    for (Event& event : events) happened(std::move(event));
  }

  Log& log_;
  Instant now_ = monotonic_now();
  Store store_;
  Spool spool_;
  Scheduler scheduler_;
  Jobs jobs_;
  Transfers transfers_;
  Attempts attempts_;
  Service service_;
  ControlDoor door_;
  Poller poller_;
  Instant tick_due_{};
  bool data_waits_ = false;
  std::optional<Fault> spool_fault_;  // why nothing new is begun

  // Of one turn: what happened, and what may be done and said once its facts are recorded.
  std::deque<Event> events_;
  std::vector<Fact> facts_;
  std::vector<Action> actions_;
  std::vector<wire::Artifact> arrivals_;
};

}  // namespace gopmill
