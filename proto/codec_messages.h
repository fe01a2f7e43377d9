#pragma once

#include <concepts>

#include "proto/codec_fields.h"
#include "proto/gopmill.pb.h"
#include "proto/messages.h"

// One put() and one get() per message, from our struct into protobuf's and back, in the order of messages.h. Private to the codec:
// it shows the generated code, which no other file may see. A get() moves texts and bytes out of what it reads.

namespace gopmill::wire {

// ---- What several messages hold: codec_parts.cpp ----

void put(const Fault& from, pb::Fault& to);
void get(Taker& taker, pb::Fault& from, Fault& to);
void put(const TaskId& from, pb::TaskId& to);
TaskId taken(const pb::TaskId& from);
void put(const Artifact& from, pb::Artifact& to);
void get(Taker& taker, const pb::Artifact& from, Artifact& to);
void put(const ArtifactFacts& from, pb::ArtifactFacts& to);
void get(Taker& taker, const pb::ArtifactFacts& from, ArtifactFacts& to);

// ---- Control, between coordinator and workers: codec_workers.cpp ----

void put(const WorkerHello& from, pb::WorkerHello& to);
void get(Taker& taker, pb::WorkerHello& from, WorkerHello& to);
void put(const Welcome& from, pb::Welcome& to);
void get(Taker& taker, pb::Welcome& from, Welcome& to);
void put(const Refused& from, pb::Refused& to);
void get(Taker& taker, pb::Refused& from, Refused& to);
void put(const RunningTask& from, pb::RunningTask& to);
void get(Taker&, const pb::RunningTask& from, RunningTask& to);
void put(const Heartbeat& from, pb::Heartbeat& to);
void get(Taker& taker, pb::Heartbeat& from, Heartbeat& to);
void put(const HeartbeatAck& from, pb::HeartbeatAck& to);
void get(Taker& taker, pb::HeartbeatAck& from, HeartbeatAck& to);
void put(const UnknownWorker& from, pb::UnknownWorker& to);
void get(Taker&, const pb::UnknownWorker& from, UnknownWorker& to);
void put(const Drain& from, pb::Drain& to);
void get(Taker&, const pb::Drain& from, Drain& to);
void put(const Assign& from, pb::Assign& to);
void get(Taker& taker, const pb::Assign& from, Assign& to);
void put(const TaskDone& from, pb::TaskDone& to);
void get(Taker& taker, pb::TaskDone& from, TaskDone& to);
void put(const TaskFailed& from, pb::TaskFailed& to);
void get(Taker& taker, pb::TaskFailed& from, TaskFailed& to);
void put(const TaskSettled& from, pb::TaskSettled& to);
void get(Taker&, const pb::TaskSettled& from, TaskSettled& to);
void put(const Goodbye& from, pb::Goodbye& to);
void get(Taker&, const pb::Goodbye& from, Goodbye& to);

// ---- Control, between coordinator and submitters: codec_submitters.cpp ----

void put(const Submit& from, pb::Submit& to);
void get(Taker& taker, pb::Submit& from, Submit& to);
void put(const Submitted& from, pb::Submitted& to);
void get(Taker& taker, pb::Submitted& from, Submitted& to);
void put(const MakeBackup& from, pb::MakeBackup& to);
void get(Taker& taker, pb::MakeBackup& from, MakeBackup& to);
void put(const BackupReply& from, pb::BackupReply& to);
void get(Taker& taker, pb::BackupReply& from, BackupReply& to);
void put(const RenditionProgress& from, pb::RenditionProgress& to);
void get(Taker& taker, pb::RenditionProgress& from, RenditionProgress& to);
void put(const ResultFile& from, pb::ResultFile& to);
void get(Taker& taker, pb::ResultFile& from, ResultFile& to);
void put(const JobStatus& from, pb::JobStatus& to);
void get(Taker& taker, pb::JobStatus& from, JobStatus& to);
void put(const WorkerStatus& from, pb::WorkerStatus& to);
void get(Taker& taker, pb::WorkerStatus& from, WorkerStatus& to);
void put(const JobReply& from, pb::JobReply& to);
void get(Taker& taker, pb::JobReply& from, JobReply& to);
void put(const JobsReply& from, pb::JobsReply& to);
void get(Taker& taker, pb::JobsReply& from, JobsReply& to);
void put(const WorkersReply& from, pb::WorkersReply& to);
void get(Taker& taker, pb::WorkersReply& from, WorkersReply& to);

// Requests and answers that are a number, or a number and a job or a worker.
template <class Wire>
concept BareRequest = std::same_as<Wire, JobQuery> || std::same_as<Wire, JobsQuery> || std::same_as<Wire, WorkersQuery> ||
                      std::same_as<Wire, CancelJob> || std::same_as<Wire, DrainWorker> || std::same_as<Wire, JobDelivered> ||
                      std::same_as<Wire, Done>;
template <BareRequest Wire, class Pb>
void put(const Wire& from, Pb& to) {
  to.set_request(from.request);
  if constexpr (requires { to.set_job(0); }) to.set_job(from.job.value);
  if constexpr (requires { to.set_worker(0); }) to.set_worker(from.worker.value);
}
template <BareRequest Wire, class Pb>
void get(Taker& /*taker*/, const Pb& from, Wire& to) {
  to.request = from.request();
  if constexpr (requires { from.job(); }) to.job = {from.job()};
  if constexpr (requires { from.worker(); }) to.worker = {from.worker()};
}

// ---- Data: codec_transfers.cpp ----

void put(const Fetch& from, pb::Fetch& to);
void put(const Grant& from, pb::Grant& to);
void get(Taker& taker, const pb::Fetch& from, Fetch& to);
void get(Taker& taker, const pb::Grant& from, Grant& to);
void put(const Store& from, pb::Store& to);
void get(Taker& taker, const pb::Store& from, Store& to);
void put(Chunk& from, pb::Chunk& to);
void get(Taker& taker, pb::Chunk& from, Chunk& to);
void put(const Stored& from, pb::Stored& to);
void get(Taker& taker, const pb::Stored& from, Stored& to);
void put(const Denied& from, pb::Denied& to);
void get(Taker& taker, pb::Denied& from, Denied& to);

}  // namespace gopmill::wire
