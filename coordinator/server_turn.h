#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "coordinator/jobs/job_cards.h"
#include "coordinator/jobs/job_work.h"
#include "coordinator/scheduler/scheduler.h"
#include "coordinator/server.h"
#include "coordinator/spool/spool.h"
#include "coordinator/spool/transfers.h"
#include "coordinator/store/backup.h"
#include "coordinator/store/store.h"
#include "proto/channel.h"
#include "proto/codec.h"

// The coordinator's process: sockets, store, spool, children, and the scheduler that tells them what to do. Private to the
// server; server.cpp has the loop, server_jobs.cpp what submitters and jobs bring about, server_workers.cpp what workers do,
// server_start.cpp how a coordinator that ended is brought back. One thread.

namespace gopmill {

// What a coordinator is made of.
struct ServerParts {
  Store store;
  Spool spool;
  Listener control;
  Listener data;
  Scheduler scheduler;
};

class Server {
 public:
  Server(const CoordinatorOptions& options, Log& log, ServerParts parts);

  Result<> recover(const std::vector<Fact>& facts);
  Result<> run(int stop_fd);

 private:
  struct Asked {  // a submission whose acceptance is not recorded yet
    Peer peer;
    std::uint64_t request = 0;
  };
  struct LeaseNote {
    std::string worker;
    Instant since;
    TaskResult result;
    std::vector<wire::ArtifactFacts> outputs;
  };

  void wait(int stop_fd);
  void receive_control();
  void receive_data();
  void poll_children();
  void probe_workers();
  void watch_spool();
  void decide();
  bool settle(int stop_fd);
  bool record_decided(int stop_fd);
  void refuse_while_paused(const Fault& why);
  void step_backup();

  void on(const Peer& peer, wire::Submit& message);
  void submit_again(const Peer& peer, const wire::Submit& message, JobId job);
  void on(const Peer& peer, wire::WorkerHello& message) { happened(events::WorkerSaidHello{peer.id(), std::move(message)}); }
  void on(const Peer& peer, wire::Heartbeat& message) { happened(events::WorkerHeard{peer.id(), std::move(message)}); }
  void on(const Peer& peer, wire::TaskDone& message);
  void on(const Peer& peer, wire::TaskFailed& message);
  void on(const Peer& peer, wire::Goodbye&) { happened(events::WorkerLeft{peer.id()}); }
  void on(const Peer& peer, wire::CancelJob& message);
  void on(const Peer& peer, wire::DrainWorker& message);
  void on(const Peer& peer, wire::JobDelivered& message);
  void on(const Peer& peer, wire::JobQuery& message);
  void on(const Peer& peer, wire::JobsQuery& message);
  void on(const Peer& peer, wire::WorkersQuery& message);
  void on(const Peer& peer, wire::MakeBackup& message);
  template <class Other>
  void on(const Peer& peer, Other&) {
    log_.warn("peer " + peer.printable() + " sent what only a coordinator sends");
  }

  void note(const facts::AttemptLost& fact);
  void note(const facts::StepLost& fact) { log_.warn(describe(fact)); }
  void note(const facts::TaskAdopted& fact);
  void note(const facts::TaskCommitted& fact);
  void note(const facts::TaskReopened& fact);
  template <class Other>
  void note(const Other&) {}

  void act(const actions::AcceptJob& action);
  void act(const actions::RefuseJob& action);
  void act(const actions::StartStep& action);
  void act(const actions::StopStep& action);
  void act(const actions::AllowInputs& action);
  void act(const actions::DropInput& action) {
    spool_.remove({wire::ArtifactKind::kTaskInput, action.task.job, action.task.index, 0, 0});
  }
  void act(const actions::CommitOutputs& action);
  void act(const actions::DiscardOutputs& action);
  void act(const actions::WelcomeWorker& action);
  void act(const actions::RefuseWorker& action) { send(Peer(action.peer), wire::Refused{0, action.fault}); }
  void act(const actions::ForgetWorker& action) { send(Peer(action.peer), wire::UnknownWorker{action.worker}); }
  void act(const actions::Assign& action);
  void act(const actions::SettleAttempt& action) { send(Peer(action.peer), action.settled); }
  void act(const actions::AckHeartbeat& action) { send(Peer(action.peer), action.ack); }
  void act(const actions::DrainWorker& action) { send(Peer(action.peer), wire::Drain{action.worker}); }
  void act(const actions::ReportDifference& action);
  void act(const actions::FinishJob& action);
  void act(const actions::CleanJob& action);

  void happened(Event event) { events_.push_back(std::move(event)); }
  void send(const Peer& peer, const wire::Control& message) { (void)control_.send(peer, wire::encode(message)); }
  void refuse(const Peer& peer, std::uint64_t request, Fault fault) { send(peer, wire::Refused{request, std::move(fault)}); }
  void answer_later(const Peer& peer, wire::Control message) { answers_.emplace_back(peer, std::move(message)); }
  [[nodiscard]] std::string data_endpoint() const { return announced_endpoint(transfers_.endpoint()); }
  [[nodiscard]] bool may_fetch(const Peer& peer, const wire::Artifact& artifact) const;
  [[nodiscard]] Result<> may_store(const Peer& peer, const wire::Store& store) const;
  [[nodiscard]] Result<> check(const wire::Submit& submit) const;
  [[nodiscard]] std::optional<wire::JobStatus> status(JobId job);
  void lose_bytes(JobId job, Fault fault);
  void replan_one();
  [[nodiscard]] Result<> source_is_there(JobId job, const Source& source) const;
  JobWork* work(JobId job);
  [[nodiscard]] std::string worker_name(WorkerId id) const;

  const CoordinatorOptions& options_;
  Log& log_;
  const std::string build_;
  Store store_;
  Spool spool_;
  Scheduler scheduler_;
  Listener control_;
  Transfers transfers_;
  Poller poller_;
  Instant now_ = monotonic_now();
  Instant tick_due_{};
  bool data_waits_ = false;
  std::set<std::string> unreachable_;  // workers whose connection is gone, until they are lost or back
  Instant probe_due_{}, probe_end_{};  // after the end of a connection
  std::optional<Fault> spool_fault_;   // why nothing new is begun

  std::optional<Backup> backup_;                                            // after the store, which it reads
  std::optional<std::pair<std::string, Result<std::string>>> last_backup_;  // its name, and its path or what went wrong

  std::map<JobId, std::unique_ptr<JobWork>> works_;
  std::map<JobId, std::optional<actions::StartStep>> unplanned_;  // after a restart, and what is to be started once they are
  JobCards cards_;
  std::multimap<JobId, Asked> asked_;
  std::map<std::pair<TaskId, Attempt>, LeaseNote> leases_;
  // Of one turn: what happened, and what may be said once its facts are recorded.
  std::deque<Event> events_;
  std::vector<Fact> facts_;
  std::vector<Action> actions_;
  std::vector<std::pair<Peer, wire::Control>> answers_;
  std::vector<std::pair<Peer, wire::JobQuery>> questions_;
  std::vector<wire::Artifact> arrivals_;
};

}  // namespace gopmill
