#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/output_name.h"
#include "base/result.h"
#include "base/time.h"

// Every message of the wire as a plain struct; docs/protocol.md draws who may send which when. proto/codec.h turns them
// into bytes. Messages may be lost, late or doubled: each is idempotent, and whoever needs an answer asks again.
// Strings are UTF-8, except task results, paths and chunk bytes, which are bytes as they are.

namespace gopmill::wire {

// Raised when a message changes meaning; peers of another number are refused at hello. 2: jobs are packaged, files have a kind.
inline constexpr std::uint32_t kProtocolVersion = 2;

// ---- Names of the bytes that travel on the data socket ----

enum class ArtifactKind : std::uint8_t {
  kSource = 1,      // the submitted file; submitter → coordinator
  kTaskInput = 2,   // one task's request and packets; coordinator → worker
  kTaskOutput = 3,  // one output of one attempt; worker → coordinator
  kResult = 4,      // a finished file; coordinator → submitter
};

struct Artifact {
  ArtifactKind kind{};
  JobId job;
  std::uint32_t index = 0;  // kTaskInput, kTaskOutput: the task; kResult: the file's place in JobStatus::files
  Attempt attempt = 0;      // kTaskOutput only
  std::uint32_t part = 0;   // kTaskOutput only: which output of the task
  friend auto operator<=>(const Artifact&, const Artifact&) = default;
};

struct ArtifactFacts {
  std::uint64_t bytes = 0;
  std::uint64_t hash = 0;  // XXH3-64 of the whole
  friend bool operator==(const ArtifactFacts&, const ArtifactFacts&) = default;
};

// ---- Control: workers ----

struct RunningTask {
  TaskId task;
  Attempt attempt = 0;
  std::uint64_t done = 0;  // frames (video) or milliseconds (audio) finished so far
  friend bool operator==(const RunningTask&, const RunningTask&) = default;
};
// What a machine's libav can do, and what a task asks of it, by libav's names.
struct Abilities {
  std::vector<std::string> encoders;  // "libx264"
  std::vector<std::string> decoders;  // of codecs: "h264"
  friend bool operator==(const Abilities&, const Abilities&) = default;
};
struct WorkerHello {  // worker → coordinator; repeated until answered
  std::uint32_t protocol = kProtocolVersion;
  std::string build;  // see base/build.h: one job never mixes builds
  std::string name;   // "host/pid", for people
  std::uint32_t slots = 1;
  std::vector<RunningTask> running;  // held over from before the connection or the coordinator went away
  Abilities abilities;               // what it offers
  friend bool operator==(const WorkerHello&, const WorkerHello&) = default;
};
struct Welcome {    // coordinator → worker or client
  WorkerId worker;  // none for a client
  std::string build;
  std::string data_endpoint;  // where the data socket listens; host "*" stands for the control endpoint's host
  Duration heartbeat_every{1000};
  Duration silence_max{3000};  // silent for longer = gone, on both sides
  friend bool operator==(const Welcome&, const Welcome&) = default;
};
struct Refused {              // coordinator → anyone: the answer to a hello or request that cannot be met
  std::uint64_t request = 0;  // 0 for a hello
  Fault fault;
  friend bool operator==(const Refused&, const Refused&) = default;
};
struct Heartbeat {  // worker → coordinator, every heartbeat_every: the FULL list of what it holds
  WorkerId worker;
  std::vector<RunningTask> running;
  bool leaving = false;  // it takes nothing new
  friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};
struct HeartbeatAck {  // coordinator → worker: heard; and the FULL list of what must be dropped
  WorkerId worker;
  std::vector<RunningTask> drop;
  friend bool operator==(const HeartbeatAck&, const HeartbeatAck&) = default;
};
struct UnknownWorker {  // coordinator → worker: your id has expired; drop everything and say hello again
  WorkerId worker;
  friend bool operator==(const UnknownWorker&, const UnknownWorker&) = default;
};
struct Drain {  // coordinator → worker: finish what you hold, take nothing new, then leave; repeated until it has left
  WorkerId worker;
  friend bool operator==(const Drain&, const Drain&) = default;
};
struct Assign {  // coordinator → worker: lease one task
  WorkerId worker;
  TaskId task;
  Attempt attempt = 0;
  ArtifactFacts input;        // of kTaskInput
  std::uint32_t outputs = 0;  // how many kTaskOutput artifacts it yields
  Duration time_max{0};       // the child is killed after this
  friend bool operator==(const Assign&, const Assign&) = default;
};
struct TaskDone {  // worker → coordinator, after every output is stored; repeated until settled
  WorkerId worker;
  TaskId task;
  Attempt attempt = 0;
  std::string result;  // media/task/task.h TaskResult; opaque here
  std::vector<ArtifactFacts> outputs;
  friend bool operator==(const TaskDone&, const TaskDone&) = default;
};
struct TaskFailed {  // worker → coordinator; repeated until settled
  WorkerId worker;
  TaskId task;
  Attempt attempt = 0;
  Fault fault;
  friend bool operator==(const TaskFailed&, const TaskFailed&) = default;
};
struct TaskSettled {  // coordinator → worker: the end of an attempt, committed or not; its slot is free again
  WorkerId worker;
  TaskId task;
  Attempt attempt = 0;
  friend bool operator==(const TaskSettled&, const TaskSettled&) = default;
};
struct Goodbye {  // worker → coordinator: leaving now, nothing will follow
  WorkerId worker;
  friend bool operator==(const Goodbye&, const Goodbye&) = default;
};

// ---- Control: submitters ----

enum class JobState : std::uint8_t {
  kUploading = 1,
  kQueued = 2,
  kAnalysing = 3,
  kRunning = 4,
  kStitching = 5,
  kVerifying = 6,
  kDone = 7,
  kFailed = 8,
  kCancelled = 9,
  kPackaging = 10,  // between stitching and verifying: proto/job_state.h has the order
};

// What somebody wants done: whatever door it comes through, and as long as the job is known.
struct Submission {
  std::string key;          // chosen by the submitter: the same key is the same job, however often it arrives
  std::string source_name;  // file name without folder
  std::uint64_t source_bytes = 0;
  std::uint64_t source_hash = 0;  // XXH3-64; 0 with local_path
  std::string
      local_path;  // bytes as they are; only where the coordinator trusts its submitter's paths (`gopmill run`); else empty
  std::string profile_name;
  std::string profile_yaml;     // resolved: no `extends`
  std::uint32_t priority = 50;  // 0..100
  std::uint32_t slots_max = 0;  // segments of this job at once; 0: as many as there are slots
  std::string output_base;      // BASE of BASE_RENDITION.mp4
  std::string output_folder;    // bytes as they are; absolute, on the submitter's machine: where `gopmill wait` puts the files
  friend bool operator==(const Submission&, const Submission&) = default;
};
struct Submit {
  std::uint64_t request = 0;
  std::uint32_t protocol = kProtocolVersion;
  std::string build;  // informative for a client
  Submission submission;
  friend bool operator==(const Submit&, const Submit&) = default;
};
struct Submitted {  // durable: recorded and synced before it is sent
  std::uint64_t request = 0;
  JobId job;
  std::string data_endpoint;
  bool upload_wanted = false;
  friend bool operator==(const Submitted&, const Submitted&) = default;
};
struct JobQuery {
  std::uint64_t request = 0;
  JobId job;
  friend bool operator==(const JobQuery&, const JobQuery&) = default;
};
struct JobsQuery {
  std::uint64_t request = 0;
  friend bool operator==(const JobsQuery&, const JobsQuery&) = default;
};
struct WorkersQuery {
  std::uint64_t request = 0;
  friend bool operator==(const WorkersQuery&, const WorkersQuery&) = default;
};
struct CancelJob {
  std::uint64_t request = 0;
  JobId job;
  friend bool operator==(const CancelJob&, const CancelJob&) = default;
};
struct DrainWorker {  // client → coordinator: have this worker drain and leave
  std::uint64_t request = 0;
  WorkerId worker;
  friend bool operator==(const DrainWorker&, const DrainWorker&) = default;
};
struct JobDelivered {  // every file is in its place: the coordinator may forget the bytes
  std::uint64_t request = 0;
  JobId job;
  friend bool operator==(const JobDelivered&, const JobDelivered&) = default;
};

struct RenditionProgress {
  std::string name;
  std::uint64_t frames_done = 0;
  std::uint64_t frames_total = 0;  // 0 until planned
  friend bool operator==(const RenditionProgress&, const RenditionProgress&) = default;
};
struct ResultFile {
  OutputKind kind = OutputKind::kRendition;
  std::string name;  // path below the job's folder (base/output_name.h)
  std::string sha256;
  ArtifactFacts facts;
  friend bool operator==(const ResultFile&, const ResultFile&) = default;
};
struct JobStatus {
  JobId job;
  std::string source_name, profile_name, output_base, output_folder;
  JobState state{};
  std::uint32_t priority = 0;
  std::int64_t submitted_unix_ms = 0;
  Duration elapsed{0};  // since submission, until the end
  Duration media{0};    // length of the output timeline; 0 until planned
  std::uint32_t tasks_done = 0, tasks_total = 0, tasks_running = 0, attempts_lost = 0;
  std::uint32_t workers_busy = 0, slots_total = 0;
  double work_done = 0;  // 0..1, weighted by cost
  Duration eta{-1};      // negative: unknown
  std::vector<RenditionProgress> renditions;
  std::optional<Fault> fault;      // of kFailed
  std::vector<ResultFile> files;   // of kDone; report.json last
  std::vector<std::string> notes;  // "1080p dropped: the source has 432 lines"
  bool delivered = false;
  friend bool operator==(const JobStatus&, const JobStatus&) = default;
};
enum class WorkerState : std::uint8_t {
  kWorking = 1,
  kDraining = 2,     // finishes what it holds and leaves
  kSetAside = 3,     // failed what others complete: is given nothing until its time is over
  kProbation = 4,    // was set aside: is given one task at a time until it completes one
  kUnreachable = 5,  // its connection is gone; lost unless it is back within kReconnectMax
};
struct WorkerStatus {
  WorkerId worker;
  std::string name, build;
  std::uint32_t slots = 0, busy = 0;
  std::uint64_t tasks_done = 0, tasks_failed = 0;
  Duration silent{0};  // since last heard
  WorkerState state = WorkerState::kWorking;
  Duration aside_for{0};              // of kSetAside: what is left of it
  std::vector<std::string> encoders;  // that it offers; empty: a coordinator from before workers said so
  friend bool operator==(const WorkerStatus&, const WorkerStatus&) = default;
};
struct JobReply {
  std::uint64_t request = 0;
  JobStatus job;
  std::string data_endpoint;
  friend bool operator==(const JobReply&, const JobReply&) = default;
};
struct JobsReply {  // newest first, at most kJobsListed; encoding leaves out the oldest until the message fits
  std::uint64_t request = 0;
  std::vector<JobStatus> jobs;
  friend bool operator==(const JobsReply&, const JobsReply&) = default;
};
struct WorkersReply {
  std::uint64_t request = 0;
  std::vector<WorkerStatus> workers;
  friend bool operator==(const WorkersReply&, const WorkersReply&) = default;
};
struct Done {  // of CancelJob, JobDelivered, DrainWorker
  std::uint64_t request = 0;
  friend bool operator==(const Done&, const Done&) = default;
};

// Client → coordinator: write a backup of the store under this name; asked again until it is made. The name is the client's, so
// that asking again makes no second one.
struct MakeBackup {
  std::uint64_t request = 0;
  std::string name;
  friend bool operator==(const MakeBackup&, const MakeBackup&) = default;
};
struct BackupReply {
  std::uint64_t request = 0;
  std::string path;   // bytes as they are, on the coordinator's machine
  bool made = false;  // else it is being made
  friend bool operator==(const BackupReply&, const BackupReply&) = default;
};

inline constexpr std::size_t kJobsListed = 200;

using Control = std::variant<WorkerHello, Welcome, Refused, Heartbeat, HeartbeatAck, UnknownWorker, Assign, TaskDone, TaskFailed,
                             TaskSettled, Goodbye, Submit, Submitted, JobQuery, JobsQuery, WorkersQuery, CancelJob, JobDelivered,
                             JobReply, JobsReply, WorkersReply, Done, Drain, DrainWorker, MakeBackup, BackupReply>;

// ---- Data: bulk bytes, credit in bytes, either direction; the coordinator is always one end. proto/transfer.h has the
// rules. Fetch and Grant open the same kind of window: the bytes [offset, offset + credit) may be sent, once, in order. ----

struct Fetch {  // receiver → coordinator: send this window of `artifact`
  Artifact artifact;
  std::uint64_t offset = 0;
  std::uint64_t credit = 0;
  friend bool operator==(const Fetch&, const Fetch&) = default;
};
struct Store {  // sender → coordinator: I have this; may I?
  Artifact artifact;
  ArtifactFacts facts;
  friend bool operator==(const Store&, const Store&) = default;
};
struct Grant {  // coordinator → sender: send this window of `artifact`; without credit it only tells `received`
  Artifact artifact;
  std::uint64_t offset = 0;
  std::uint64_t credit = 0;
  std::uint64_t received = 0;  // everything below is here
  friend bool operator==(const Grant&, const Grant&) = default;
};
struct Chunk {  // sender → receiver
  Artifact artifact;
  std::uint64_t offset = 0;
  std::uint64_t hash = 0;  // XXH3-64 of bytes
  std::string bytes;
  friend bool operator==(const Chunk&, const Chunk&) = default;
};
struct Stored {  // coordinator → sender: whole, hash checked
  Artifact artifact;
  friend bool operator==(const Stored&, const Stored&) = default;
};
struct Denied {  // either end: this transfer cannot go on
  Artifact artifact;
  Fault fault;
  friend bool operator==(const Denied&, const Denied&) = default;
};

using Data = std::variant<Fetch, Store, Grant, Chunk, Stored, Denied>;

// ---- Limits of the wire. A message above kMessageBytesMax disconnects its sender (ZMQ_MAXMSGSIZE); decoding refuses
// whatever exceeds one of the others. ----

inline constexpr std::size_t kChunkBytes = 512 * 1024;
inline constexpr std::uint64_t kCreditBytes = 8 * kChunkBytes;  // in flight per transfer: enough for 1 GB/s at 4 ms
inline constexpr std::size_t kMessageBytesMax = 4 * 1024 * 1024;
inline constexpr std::uint64_t kArtifactBytesMax = std::uint64_t{1} << 44;  // 16 TiB; keeps offset + credit far from overflow

inline constexpr std::size_t kNameBytesMax = 255;                // a file name's limit on Linux; also keys, digests and endpoints
inline constexpr std::size_t kBuildBytesMax = 1024;              // our version and those of the linked media libraries
inline constexpr std::size_t kPathBytesMax = 4096;               // PATH_MAX
inline constexpr std::size_t kProfileYamlBytesMax = 256 * 1024;  // as profiles/profile.h
inline constexpr std::size_t kFaultBytesMax = 4096;              // FFmpeg's last words fit several times over
inline constexpr std::size_t kNoteBytesMax = 1024;
inline constexpr std::size_t kResultBytesMax = 64 * 1024;  // a TaskResult takes about 100 bytes per rendition

inline constexpr std::size_t kRunningMax = 1024;  // tasks in one heartbeat: the slots of the largest machines
inline constexpr std::size_t kEncodersMax = 64;   // of one worker: gopmill knows six
inline constexpr std::size_t kDecodersMax = 256;  // of one worker: gopmill opens some ninety
inline constexpr std::size_t kCodecNameBytesMax = 64;
inline constexpr std::size_t kOutputsMax = 64;        // of one task
inline constexpr std::size_t kRenditionsListed = 64;  // of one job
inline constexpr std::size_t kFilesListed = 64;       // of one job
inline constexpr std::size_t kNotesListed = 64;       // of one job
inline constexpr std::size_t kWorkersListed = 1000;
inline constexpr std::uint32_t kPriorityMax = 100;
inline constexpr Duration kDurationMax{std::int64_t{100} * 365 * 24 * 3600 * 1000};  // a century: sums of two stay in range

}  // namespace gopmill::wire
