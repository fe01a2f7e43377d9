// Long because: it is the whole vocabulary of what the coordinator decides, and is read as one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "proto/job_state.h"
#include "proto/messages.h"

// Decides everything the coordinator decides: which job is where in its life, which worker holds which task, what is
// retried and what is given up. Pure: an event and the time go in, a Step comes out; no clock, socket, disk, log or
// random number is inside, so the same events give the same steps, byte for byte.
//
//   uploading ─▶ queued ─▶ analysing ─▶ running ─▶ stitching ─▶ packaging ─▶ verifying ─▶ done
//       └──────────┴───────────┴───────────┴───────────┴────────────┴────────────┴─▶ failed | cancelled
//
// A task of a running job:
//
//   unready ──input──▶ ready ──lease──▶ leased ──commit──▶ committed
//      ▲                 ▲                 │                   │
//      │                 └──── lose ───────┘                   │   (after a back-off, elsewhere if there is an elsewhere)
//      └──────── bytes in the spool found damaged ─────────────┘   (and the job runs again)
//
// A task that lags at the end of its job is leased once more, to a faster worker: the first result is committed.

namespace gopmill {

// ---- Values that travel in events, facts and actions ----

// The work of a job that runs as media children on the coordinator's own machine.
enum class StepKind : std::uint8_t {
  kAnalyse = 1,  // source → plan; at most kAnalysingMax at once
  kSplit = 2,    // source → task inputs, in task order, all through `running`; as far as AllowInputs says
  kStitch = 3,   // committed outputs → renditions; at most kStitchingMax at once
  kVerify = 4,   // every file → report; at most kVerifyingMax at once
  kPackage = 5,  // what goes with the renditions → files; after kStitch, at most kPackagingMax at once
};

enum class TaskKind : std::uint8_t { kAudio = 1, kVideo = 2 };

// What the scheduler knows of a task. The plan is the shell's; its task list has the same order and length.
struct TaskShape {
  TaskKind kind = TaskKind::kVideo;
  std::uint64_t cost = 1;     // expected work, in one unit for the whole job; at least 1
  std::uint64_t units = 0;    // frames (video) or milliseconds (audio) when finished: the end of RunningTask::done; 0: unknown
  std::uint32_t outputs = 1;  // how many kTaskOutput artifacts it yields
  Duration time_max{0};       // the worker kills the child after this
  Duration from{0}, to{0};    // its part of the video, for people: a task that is given up is named by it
  std::uint32_t needs = 0;    // what a worker must be able to do for it: an index into the plan's needs; without any, nothing
  friend bool operator==(const TaskShape&, const TaskShape&) = default;
};

// Why an attempt ended without a commit; each kind but kRecovered is charged to a budget of its task.
enum class LossKind : std::uint8_t {
  kMachine = 1,     // the worker reported a fault of its machine, or held it too long: kMachineLossesMax, with back-off
  kPoison = 2,      // the task killed its child: kPoisonLossesMax, with back-off
  kHandedBack = 3,  // the worker left or is leaving: kHandBacksMax, no back-off
  kFatal = 4,       // a fault that no retry cures: ends the job
  kRecovered = 5,   // the coordinator restarted: nobody's fault, never charged
  kWorkerLost = 6,  // the worker went silent or forgot it, which says little of the task: kWorkerLossesMax, no back-off
  kStorage = 7,     // the spool's bytes of the task were damaged or gone: kStorageLossesMax, no back-off
};

// ---- Events: what happened. `peer` is the routing id of the connection a message came over; it must stay the same for a
// worker process's life and never come back with another process (a random id chosen at process start). ----

namespace events {

// A new submission under an id the store has just given; rising. Answered by AcceptJob or RefuseJob.
struct JobAdded {
  JobId job;
  std::uint32_t priority = 50;
  bool upload_wanted = true;    // false: the source is there already
  std::uint32_t slots_max = 0;  // tasks of this job leased at once; 0: no limit of its own
};
// Bytes of the source arrived.
struct UploadProgressed {
  JobId job;
};
// The source is whole, checked and synced.
struct UploadFinished {
  JobId job;
};
// The source can never be whole: its hash is wrong, there is no space.
struct UploadFailed {
  JobId job;
  Fault fault;
};
struct StepDone {
  JobId job;
  StepKind step{};
  std::vector<TaskShape> tasks;        // of kAnalyse; audio tasks before video tasks, video in the order of time
  std::vector<wire::Abilities> needs;  // of kAnalyse: what tasks ask of a worker, each list of it once
};
// The step's child reported a fault, died (kPoison) or hung.
struct StepFailed {
  JobId job;
  StepKind step{};
  Fault fault;
};
// The splitter has written this input, whole.
struct InputReady {
  TaskId task;
  wire::ArtifactFacts facts;
};
// An input in the spool is not what the splitter wrote, or is gone: found when it was to be sent.
struct InputDamaged {
  TaskId task;
  Fault fault;
};
// Outputs that were committed are not what arrived, or are gone: found when they were to be stitched; the step is stopped.
struct OutputsDamaged {
  TaskId task;
  Attempt attempt = 0;
  Fault fault;
};
// The spool's disk is full, read-only or otherwise takes nothing more, and does again. Nothing new is begun in between,
// and what fails for it is charged to nobody. Either may be said again.
struct SpoolBlocked {
  Fault fault;
};
struct SpoolFreed {};
// What the job cannot go on without is not in the spool: its source, or what its analysis found.
struct JobBytesLost {
  JobId job;
  Fault fault;
};
// Its hello lists what it holds from before it lost us, or we were restarted.
struct WorkerSaidHello {
  std::string peer;
  wire::WorkerHello hello;
};
struct WorkerHeard {
  std::string peer;
  wire::Heartbeat heartbeat;
};
// Goodbye.
struct WorkerLeft {
  std::string peer;
};
// Its connection is gone, and is back. A worker that is not heard of again within kReconnectMax is lost.
struct WorkerDisconnected {
  std::string peer;
};
struct WorkerReconnected {
  std::string peer;
};
// An operator wants it to finish what it holds and leave.
struct DrainRequested {
  WorkerId worker;
};
// Before handing this on, the shell has checked that every named output is in the spool with those facts and that the
// result is well-formed; if not, it hands on TaskFailed with the reason instead.
struct TaskFinished {
  std::string peer;
  wire::TaskDone done;
};
struct TaskFailed {
  std::string peer;
  wire::TaskFailed failed;
};
struct CancelRequested {
  JobId job;
};
// The submitter has every file of a done job.
struct Delivered {
  JobId job;
};
// Every kTickEvery, after every message that has already arrived: else a coordinator that was stopped for a while would
// take its workers for silent while their heartbeats wait in its own queue.
struct Tick {};

}  // namespace events

using Event =
    std::variant<events::JobAdded, events::UploadProgressed, events::UploadFinished, events::UploadFailed, events::StepDone,
                 events::StepFailed, events::InputReady, events::InputDamaged, events::OutputsDamaged, events::SpoolBlocked,
                 events::SpoolFreed, events::JobBytesLost, events::WorkerSaidHello, events::WorkerHeard, events::WorkerLeft,
                 events::WorkerDisconnected, events::WorkerReconnected, events::DrainRequested, events::TaskFinished,
                 events::TaskFailed, events::CancelRequested, events::Delivered, events::Tick>;

// ---- Facts: what must be on disk, in this order, before the actions of the same step. Scheduler::restore rebuilds
// everything from them. ----

namespace facts {

struct JobAccepted {
  JobId job;
  std::uint32_t priority = 0;
  bool upload_wanted = false;
  std::uint32_t slots_max = 0;
};
// A state that is not final.
struct JobEntered {
  JobId job;
  wire::JobState state{};
};
struct JobPlanned {
  JobId job;
  std::vector<TaskShape> tasks;
  std::vector<wire::Abilities> needs;
};
struct TaskLeased {
  TaskId task;
  Attempt attempt = 0;
  WorkerId worker;
};
// After a restart: the worker that held it is back under a new id.
struct TaskAdopted {
  TaskId task;
  Attempt attempt = 0;
  WorkerId worker;
};
// Also ends every other attempt of the task.
struct TaskCommitted {
  TaskId task;
  Attempt attempt = 0;
  std::string result;  // opaque: media/task/task.h TaskResult
  std::vector<wire::ArtifactFacts> outputs;
};
struct AttemptLost {
  TaskId task;
  Attempt attempt = 0;
  LossKind kind{};
  Fault fault;
};
// A commit is taken back: its outputs are damaged. The task will be done again.
struct TaskReopened {
  TaskId task;
  Attempt attempt = 0;
  Fault fault;
};
// The step will be tried again.
struct StepLost {
  JobId job;
  StepKind step{};
  LossKind kind{};
  Fault fault;
};
// A final state; the fault is there unless it is kDone.
struct JobEnded {
  JobId job;
  wire::JobState state{};
  std::optional<Fault> fault;
};
// A done job's files are no longer kept.
struct JobForgotten {
  JobId job;
  bool delivered = false;
};

}  // namespace facts

using Fact = std::variant<facts::JobAccepted, facts::JobEntered, facts::JobPlanned, facts::TaskLeased, facts::TaskCommitted,
                          facts::AttemptLost, facts::StepLost, facts::JobEnded, facts::JobForgotten, facts::TaskAdopted,
                          facts::TaskReopened>;

// ---- Actions: what the shell carries out, in order, once the facts of the same step and of every earlier step are on
// disk. Each is idempotent; what a message action says may be lost, and the scheduler will say it again. ----

namespace actions {

// Answer the submitter: Submitted.
struct AcceptJob {
  JobId job;
};
// Answer the submitter: Refused; nothing of this job may stay.
struct RefuseJob {
  JobId job;
  Fault fault;
};
// Start the child. kSplit writes the inputs of the tasks in `inputs`, in that order, and of no others.
struct StartStep {
  JobId job;
  StepKind step{};
  std::vector<std::uint32_t> inputs;
};
// Kill the child; report nothing more of it.
struct StopStep {
  JobId job;
  StepKind step{};
};
// The splitter may write inputs of tasks below `end`.
struct AllowInputs {
  JobId job;
  std::uint32_t end = 0;
};
// No one will fetch this input any more.
struct DropInput {
  TaskId task;
};
// These outputs are the task's, for ever.
struct CommitOutputs {
  TaskId task;
  Attempt attempt = 0;
};
// These outputs never will be.
struct DiscardOutputs {
  TaskId task;
  Attempt attempt = 0;
};
struct WelcomeWorker {
  std::string peer;
  WorkerId worker;
};
struct RefuseWorker {
  std::string peer;
  Fault fault;
};
// Answer UnknownWorker.
struct ForgetWorker {
  std::string peer;
  WorkerId worker;
};
struct Assign {
  std::string peer;
  wire::Assign assign;
};
struct SettleAttempt {
  std::string peer;
  wire::TaskSettled settled;
};
// Sent unasked too, to have attempts dropped at once.
struct AckHeartbeat {
  std::string peer;
  wire::HeartbeatAck ack;
};
// Tell it to drain; said with each heartbeat until it has left.
struct DrainWorker {
  std::string peer;
  WorkerId worker;
};
// Two attempts of one task came out differently: what must never be (P2). The committed one stays.
struct ReportDifference {
  TaskId task;
  Attempt committed = 0, other = 0;
  WorkerId worker;  // of the other
};
// Say so in the log; whoever waits asks.
struct FinishJob {
  JobId job;
  wire::JobState state{};
  std::optional<Fault> fault;
};
// Remove all bytes of the job; with keep_files, all but the finished files.
struct CleanJob {
  JobId job;
  bool keep_files = false;
};

}  // namespace actions

using Action =
    std::variant<actions::AcceptJob, actions::RefuseJob, actions::StartStep, actions::StopStep, actions::AllowInputs,
                 actions::DropInput, actions::CommitOutputs, actions::DiscardOutputs, actions::WelcomeWorker,
                 actions::RefuseWorker, actions::ForgetWorker, actions::Assign, actions::SettleAttempt, actions::AckHeartbeat,
                 actions::DrainWorker, actions::ReportDifference, actions::FinishJob, actions::CleanJob>;

// Record, then act: `facts` are made durable first, in order, then `actions` are carried out, in order. The shell may
// handle several events, record all their facts in one commit and then carry out all their actions (group commit); it may
// not let any action overtake a fact, nor answer a query from the views below while facts are still unrecorded.
//
// JobEnded also ends every attempt and step of its job; no AttemptLost is recorded for those.
// Why: docs/decisions/12-facts-before-actions.md.
struct Step {
  std::vector<Fact> facts;
  std::vector<Action> actions;
};

// ---- Limits ----

inline constexpr Duration kTickEvery{250};  // a silent worker is noticed within silence_max + this
inline constexpr Duration kHeartbeatEvery{1000};
inline constexpr Duration kWorkerSilenceMax{3000};  // three heartbeats: fewer loses workers to one lost message
// A worker whose connection broke is back within 100 ms where it lives (ZMQ_RECONNECT_IVL); one that was killed is not.
// Why: docs/decisions/26-killed-before-silent.md.
inline constexpr Duration kReconnectMax{500};
// After a restart, attempts are kept for workers that come back with them: their connectors try again every 2 s at most, and
// they say hello every 2 s.
// Why: docs/decisions/25-adoption.md.
inline constexpr Duration kAdoptionMax{6000};
inline constexpr std::size_t kJobsMax = 10'000;               // not yet ended, or with files still kept
inline constexpr std::size_t kEndedKept = wire::kJobsListed;  // ended and cleaned, kept for the views
inline constexpr std::size_t kWorkersMax = 1'000;
inline constexpr std::uint32_t kSlotsMax = 1'024;    // per worker; the largest machines have fewer cores
inline constexpr std::uint32_t kTasksMax = 100'000;  // per job: eleven days in 10 s segments
inline constexpr std::size_t kAnalysingMax = 1;      // local steps share the coordinator's machine with its own loop
inline constexpr std::size_t kStitchingMax = 1;
inline constexpr std::size_t kPackagingMax = 1;
inline constexpr std::size_t kVerifyingMax = 1;
// Jobs between analysing and verifying hold spool space. A queued job starts while fewer than kActiveMax jobs that go before
// it are active, so that an urgent job passes a full house of others, up to kActiveTotalMax in all.
inline constexpr std::size_t kActiveMax = 4;
inline constexpr std::size_t kActiveTotalMax = 16;
// A point of priority is worth this much waiting: 50 points pass what was submitted up to 50 minutes earlier, and nothing
// that waited longer, so that no stream of urgent jobs can starve the others.
inline constexpr Duration kPriorityPoint{60'000};
inline constexpr std::uint32_t kMachineLossesMax = 8;  // per task and per step; with the back-off, minutes of trying
// Workers die by the dozen where machines are reclaimed or restarted, and children die apart from them, so a task is
// rarely to blame; but one that takes whole machines down must end some day.
inline constexpr std::uint32_t kWorkerLossesMax = 50;
inline constexpr std::uint32_t kPoisonLossesMax = 3;
inline constexpr std::uint32_t kHandBacksMax = 100;
inline constexpr std::uint32_t kStorageLossesMax = 8;  // a disk that damages one task's bytes again and again is broken
inline constexpr Duration kBackoffMin{1000};
inline constexpr Duration kBackoffMax{60'000};
// A worker that fails this many attempts in a row while others complete theirs is set aside: for kAsideMin, doubling each
// time, to kAsideMax. Then it is on probation: one task at a time, until it completes one or fails again.
// Why: docs/decisions/27-trust.md.
inline constexpr std::uint32_t kStrikesMax = 3;
inline constexpr Duration kAsideMin{10'000};
inline constexpr Duration kAsideMax{600'000};
// When nothing is left to lease, an idle worker repeats a task that will take longer than kRepeatGain of the time this worker
// would need for all of it; MapReduce's sort ran 44 % longer without such backup tasks (Dean and Ghemawat, OSDI 2004).
// Why: docs/decisions/28-stragglers.md.
inline constexpr double kRepeatGain = 1.5;
inline constexpr Duration kRepeatAfter{1000};                // shorter tasks end before a repetition would
inline constexpr std::size_t kLeasesMax = 2;                 // of one task
inline constexpr std::uint32_t kUnseenResend = 2;            // heartbeats without an assigned task before Assign is sent again
inline constexpr std::uint32_t kUnseenMax = 4;               // ... and before the attempt is lost
inline constexpr Duration kTransferTimeMax{30 * 60 * 1000};  // a lease lasts at most time_max and this
inline constexpr Duration kUploadSilenceMax{60'000};
inline constexpr Duration kJobTimeMax{24 * 60 * 60 * 1000};       // from acceptance to the end
inline constexpr Duration kDeliveryTimeMax{24 * 60 * 60 * 1000};  // from done until its files are no longer kept

// The most inputs of one job that may be in the spool: enough that a slot never waits for the splitter.
constexpr std::uint32_t input_window(std::uint64_t slots) {
  const std::uint64_t wanted = 2 * slots + 2;
  return static_cast<std::uint32_t>(wanted < 4 ? 4 : wanted);
}

// ---- The scheduler ----

class JobBook;
class WorkerBook;

class Scheduler {
 public:
  struct Config {
    std::string build;         // workers of another build are refused
    WorkerId first_worker{1};  // the first id given at hello; a restarted coordinator passes one it never gave before
  };

  explicit Scheduler(Config config);
  // From recorded facts, in order, of at least every job that has not ended or whose files are kept. Committed tasks stay
  // committed; attempts that were leased wait kAdoptionMax for the worker that holds them, then are lost without charge; steps
  // start anew, the splitter with only the inputs still needed. The first step handed out repeats the actions that may not
  // have been carried out before the crash. Deadlines count from `now`. What the spool holds of a job that has no JobAccepted is the
  // shell's to remove: it was never accepted.
  static Scheduler restore(Config config, std::span<const Fact> facts, Instant now);
  Scheduler(Scheduler&&) noexcept;
  Scheduler& operator=(Scheduler&&) noexcept;
  ~Scheduler();

  // The one door. Any event may come at any time, late, doubled or about things long gone; `now` never goes back.
  [[nodiscard]] Step handle(const Event& event, Instant now);

  // ---- Views, for the shell, operators and tests ----

  // Whether outputs of this attempt may still be stored: it is leased now, and to the worker behind this peer.
  [[nodiscard]] bool may_store(const std::string& peer, TaskId task, Attempt attempt) const;
  // Whether this task's input may be fetched by that peer: it holds a lease of the task.
  [[nodiscard]] bool may_fetch(const std::string& peer, TaskId task) const;
  // What a task's input was when it was written; none while it is not in the spool.
  [[nodiscard]] std::optional<wire::ArtifactFacts> input_of(TaskId task) const;
  // State, progress, eta, fault and, where a job waits, a note that says for what; names, media length, renditions and
  // files are the shell's to fill. None for a job unknown or ended long ago: its recorded facts still tell.
  [[nodiscard]] std::optional<wire::JobStatus> job(JobId job, Instant now) const;
  [[nodiscard]] std::vector<wire::JobStatus> jobs(Instant now) const;  // newest first, at most wire::kJobsListed
  [[nodiscard]] std::vector<wire::WorkerStatus> workers(Instant now) const;
  // Frames of video finished, running attempts included: every rendition of the job has come this far.
  [[nodiscard]] std::uint64_t frames_done(JobId job) const;
  [[nodiscard]] bool knows_peer(const std::string& peer) const;
  [[nodiscard]] bool knows_worker(WorkerId worker) const;
  [[nodiscard]] std::optional<std::string> worker_name(WorkerId worker) const;  // none of one that left
  [[nodiscard]] std::vector<std::string> peers() const;                         // of all workers

 private:
  class Turn;  // one call of handle(): the books, the time, and the step under construction
  Config config_;
  std::unique_ptr<JobBook> jobs_;
  std::unique_ptr<WorkerBook> workers_;
  std::vector<Action> owed_actions_;  // of restore(), for the first step
};

// One line each, for logs and for recorded test output: "lease task 1/0 attempt 1 to worker 2".
std::string describe(const Event& event);
std::string describe(const Fact& fact);
std::string describe(const Action& action);

}  // namespace gopmill
