#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "coordinator/scheduler/scheduler.h"
#include "tests/support/invariants.h"

namespace gopmill::test {

// Runs scheduler scenarios written as text. Commands, one to a line ("w" a worker's name, "j" a job, "t" a task j/i or an
// attempt j/i#a; without #a the newest attempt that worker was assigned):
//
//   submit j [tasks=3] [audio=0] [priority=50] [slots=0] [upload] [needs=E,E] [reads=D]   upload-progress j | uploaded j | upload-failed j
//   analysed j | split j | stitched j | verified j          the step is done
//   break j STEP FAULT                                      the step failed; STEP analyse split stitch verify
//   inputs j                                                every input that is allowed and missing is written
//   prepare j                                               analysed, then inputs
//   join w [slots=1] [build=B] [protocol=P] [encoders=E,E] [decoders=D,D] | leave w
//                                                           E an encoder, D a decoder; needs and reads are of video tasks, audio
//                                                           tasks of a job that has them need aac
//   lose w | find w                                         stops, or goes on, beating; deaf while lost
//   deafen w                                                beats, but hears nothing more of what it is assigned
//   beat w [t...]                                           a heartbeat listing these (all it holds by its own account: "beat w all")
//   done w t | fail w t FAULT
//   differ w t                                              done, but with other outputs
//   progress w t N                                          what its next heartbeats say
//   disconnect w | reconnect w | drain w
//   block | free                                            the spool's disk
//   damage-input t | damage-output t                        found damaged
//   cancel j | delivered j | restart
//   advance DURATION                                        ms, s, m or h; a tick every 250 ms, a beat per worker every second
//   status j | workers
//
// Each command prints the facts and then the actions of its steps; acks that drop nothing are left out. FAULT is a word of
// fault_word(). Every step is held against the invariants too: a script that breaks one says so in its output.
class Script {
 public:
  Script();
  // The output of one command; a command it does not know is its own output.
  std::string run(const std::string& command);

 private:
  struct Peer {
    std::string name, peer, build;
    std::uint32_t slots = 1, protocol = 0;
    WorkerId id;
    bool beating = true, deaf = false;
    std::map<TaskId, Attempt> holds;
    std::map<TaskId, std::uint64_t> done;
    [[nodiscard]] std::vector<wire::RunningTask> running() const;
    Instant beat_due;
  };
  struct Words;

  void happen(const Event& event);
  void print(const std::string& line);
  void learn(const Action& action);
  void beat(Peer& peer, const std::vector<wire::RunningTask>& running);
  void advance(Duration by);
  void inputs(JobId job);
  void step(JobId job, StepKind kind);
  void restart();
  void show(JobId job);
  void show_workers();
  bool run_job(const Words& words);
  bool run_worker(const Words& words);

  static Scheduler::Config config(std::uint64_t first_worker);
  Scheduler scheduler_;
  Invariants invariants_;
  std::vector<Fact> recorded_;
  Instant now_;
  bool stamped_ = false;
  std::string out_;
  std::map<JobId, std::vector<TaskShape>> plans_;
  std::map<JobId, std::vector<wire::Abilities>> needs_;
  std::map<JobId, std::uint32_t> allowed_;
  std::map<JobId, std::set<std::uint32_t>> written_;
  std::map<std::string, Peer> peers_;
  std::uint64_t restarts_ = 0;
};

}  // namespace gopmill::test
