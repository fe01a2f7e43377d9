// The envelopes: which message is inside, and where. What each is made of is in codec_workers.cpp, codec_submitters.cpp and
// codec_transfers.cpp.
#include "proto/codec.h"

#include <utility>

#include "proto/codec_field_count.h"
#include "proto/codec_messages.h"

namespace gopmill::wire {

namespace {

pb::WorkerHello& place(pb::Control& in, const WorkerHello&) { return *in.mutable_worker_hello(); }
pb::Welcome& place(pb::Control& in, const Welcome&) { return *in.mutable_welcome(); }
pb::Refused& place(pb::Control& in, const Refused&) { return *in.mutable_refused(); }
pb::Heartbeat& place(pb::Control& in, const Heartbeat&) { return *in.mutable_heartbeat(); }
pb::HeartbeatAck& place(pb::Control& in, const HeartbeatAck&) { return *in.mutable_heartbeat_ack(); }
pb::UnknownWorker& place(pb::Control& in, const UnknownWorker&) { return *in.mutable_unknown_worker(); }
pb::Assign& place(pb::Control& in, const Assign&) { return *in.mutable_assign(); }
pb::TaskDone& place(pb::Control& in, const TaskDone&) { return *in.mutable_task_done(); }
pb::TaskFailed& place(pb::Control& in, const TaskFailed&) { return *in.mutable_task_failed(); }
pb::TaskSettled& place(pb::Control& in, const TaskSettled&) { return *in.mutable_task_settled(); }
pb::Goodbye& place(pb::Control& in, const Goodbye&) { return *in.mutable_goodbye(); }
pb::Submit& place(pb::Control& in, const Submit&) { return *in.mutable_submit(); }
pb::Submitted& place(pb::Control& in, const Submitted&) { return *in.mutable_submitted(); }
pb::JobQuery& place(pb::Control& in, const JobQuery&) { return *in.mutable_job_query(); }
pb::JobsQuery& place(pb::Control& in, const JobsQuery&) { return *in.mutable_jobs_query(); }
pb::WorkersQuery& place(pb::Control& in, const WorkersQuery&) { return *in.mutable_workers_query(); }
pb::CancelJob& place(pb::Control& in, const CancelJob&) { return *in.mutable_cancel_job(); }
pb::JobDelivered& place(pb::Control& in, const JobDelivered&) { return *in.mutable_job_delivered(); }
pb::JobReply& place(pb::Control& in, const JobReply&) { return *in.mutable_job_reply(); }
pb::JobsReply& place(pb::Control& in, const JobsReply&) { return *in.mutable_jobs_reply(); }
pb::WorkersReply& place(pb::Control& in, const WorkersReply&) { return *in.mutable_workers_reply(); }
pb::Done& place(pb::Control& in, const Done&) { return *in.mutable_done(); }
pb::Drain& place(pb::Control& in, const Drain&) { return *in.mutable_drain(); }
pb::DrainWorker& place(pb::Control& in, const DrainWorker&) { return *in.mutable_drain_worker(); }
pb::MakeBackup& place(pb::Control& in, const MakeBackup&) { return *in.mutable_make_backup(); }
pb::BackupReply& place(pb::Control& in, const BackupReply&) { return *in.mutable_backup_reply(); }
pb::Fetch& place(pb::Data& in, const Fetch&) { return *in.mutable_fetch(); }
pb::Store& place(pb::Data& in, const Store&) { return *in.mutable_store(); }
pb::Grant& place(pb::Data& in, const Grant&) { return *in.mutable_grant(); }
pb::Chunk& place(pb::Data& in, const Chunk&) { return *in.mutable_chunk(); }
pb::Stored& place(pb::Data& in, const Stored&) { return *in.mutable_stored(); }
pb::Denied& place(pb::Data& in, const Denied&) { return *in.mutable_denied(); }

// What decoding a message yields, for either plane.
template <class Plane, class Message, class Pb>
Result<Plane> take(std::string_view name, Pb* from) {
  Taker taker(name);
  Message message;
  get(taker, *from, message);
  if (taker.refusal()) return std::unexpected(std::move(*taker.refusal()));
  return Plane(std::move(message));
}

}  // namespace

std::string encode(const Control& message) {
  pb::Control envelope;
  std::visit([&](const auto& one) { put(one, place(envelope, one)); }, message);
  return envelope.SerializeAsString();
}

std::string encode(Data message) {
  pb::Data envelope;
  std::visit([&](auto& one) { put(one, place(envelope, one)); }, message);
  return envelope.SerializeAsString();
}

Result<Control> decode_control(std::string_view bytes) {
  pb::Control in;
  if (bytes.size() > kMessageBytesMax) return fail(FaultKind::kInput, "control message is too long");
  if (!fields_fit(bytes) || !in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return fail(FaultKind::kInput, "control message is malformed");
  }
  switch (in.message_case()) {
    case pb::Control::kWorkerHello: return take<Control, WorkerHello>("WorkerHello", in.mutable_worker_hello());
    case pb::Control::kWelcome: return take<Control, Welcome>("Welcome", in.mutable_welcome());
    case pb::Control::kRefused: return take<Control, Refused>("Refused", in.mutable_refused());
    case pb::Control::kHeartbeat: return take<Control, Heartbeat>("Heartbeat", in.mutable_heartbeat());
    case pb::Control::kHeartbeatAck: return take<Control, HeartbeatAck>("HeartbeatAck", in.mutable_heartbeat_ack());
    case pb::Control::kUnknownWorker: return take<Control, UnknownWorker>("UnknownWorker", in.mutable_unknown_worker());
    case pb::Control::kAssign: return take<Control, Assign>("Assign", in.mutable_assign());
    case pb::Control::kTaskDone: return take<Control, TaskDone>("TaskDone", in.mutable_task_done());
    case pb::Control::kTaskFailed: return take<Control, TaskFailed>("TaskFailed", in.mutable_task_failed());
    case pb::Control::kTaskSettled: return take<Control, TaskSettled>("TaskSettled", in.mutable_task_settled());
    case pb::Control::kGoodbye: return take<Control, Goodbye>("Goodbye", in.mutable_goodbye());
    case pb::Control::kSubmit: return take<Control, Submit>("Submit", in.mutable_submit());
    case pb::Control::kSubmitted: return take<Control, Submitted>("Submitted", in.mutable_submitted());
    case pb::Control::kJobQuery: return take<Control, JobQuery>("JobQuery", in.mutable_job_query());
    case pb::Control::kJobsQuery: return take<Control, JobsQuery>("JobsQuery", in.mutable_jobs_query());
    case pb::Control::kWorkersQuery: return take<Control, WorkersQuery>("WorkersQuery", in.mutable_workers_query());
    case pb::Control::kCancelJob: return take<Control, CancelJob>("CancelJob", in.mutable_cancel_job());
    case pb::Control::kJobDelivered: return take<Control, JobDelivered>("JobDelivered", in.mutable_job_delivered());
    case pb::Control::kJobReply: return take<Control, JobReply>("JobReply", in.mutable_job_reply());
    case pb::Control::kJobsReply: return take<Control, JobsReply>("JobsReply", in.mutable_jobs_reply());
    case pb::Control::kWorkersReply: return take<Control, WorkersReply>("WorkersReply", in.mutable_workers_reply());
    case pb::Control::kDone: return take<Control, Done>("Done", in.mutable_done());
    case pb::Control::kDrain: return take<Control, Drain>("Drain", in.mutable_drain());
    case pb::Control::kDrainWorker: return take<Control, DrainWorker>("DrainWorker", in.mutable_drain_worker());
    case pb::Control::kMakeBackup: return take<Control, MakeBackup>("MakeBackup", in.mutable_make_backup());
    case pb::Control::kBackupReply: return take<Control, BackupReply>("BackupReply", in.mutable_backup_reply());
    case pb::Control::MESSAGE_NOT_SET: break;
  }
  return fail(FaultKind::kInput, "control message is of no known kind");
}

Result<Data> decode_data(std::string_view bytes) {
  pb::Data in;
  if (bytes.size() > kMessageBytesMax) return fail(FaultKind::kInput, "data message is too long");
  if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return fail(FaultKind::kInput, "data message is malformed");
  switch (in.message_case()) {
    case pb::Data::kFetch: return take<Data, Fetch>("Fetch", in.mutable_fetch());
    case pb::Data::kStore: return take<Data, Store>("Store", in.mutable_store());
    case pb::Data::kGrant: return take<Data, Grant>("Grant", in.mutable_grant());
    case pb::Data::kChunk: return take<Data, Chunk>("Chunk", in.mutable_chunk());
    case pb::Data::kStored: return take<Data, Stored>("Stored", in.mutable_stored());
    case pb::Data::kDenied: return take<Data, Denied>("Denied", in.mutable_denied());
    case pb::Data::MESSAGE_NOT_SET: break;
  }
  return fail(FaultKind::kInput, "data message is of no known kind");
}

}  // namespace gopmill::wire
