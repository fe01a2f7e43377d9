// The control messages between the coordinator and its workers: hello, heartbeats, leases and how they end.
#include "base/check.h"
#include "proto/codec_messages.h"

namespace gopmill::wire {

void put(const WorkerHello& from, pb::WorkerHello& to) {
  to.set_protocol(from.protocol);
  to.set_build(from.build);
  to.set_name(clean_text(from.name, kNameBytesMax));
  to.set_slots(from.slots);
  put_list(from.running, to.mutable_running(), kRunningMax);
  put_names(from.abilities.encoders, to.mutable_encoders(), kEncodersMax);
  put_names(from.abilities.decoders, to.mutable_decoders(), kDecodersMax);
}
void get(Taker& taker, pb::WorkerHello& from, WorkerHello& to) {
  to.protocol = from.protocol();
  to.build = taker.text("build", from.mutable_build(), kBuildBytesMax);
  to.name = taker.text("name", from.mutable_name());
  taker.at_most<std::uint32_t>("slots", from.slots(), kRunningMax);
  to.slots = from.slots();
  get_list(taker, "running", from.mutable_running(), kRunningMax, to.running);
  get_names(taker, "encoders", from.mutable_encoders(), kEncodersMax, to.abilities.encoders);
  get_names(taker, "decoders", from.mutable_decoders(), kDecodersMax, to.abilities.decoders);
}

void put(const Welcome& from, pb::Welcome& to) {
  to.set_worker(from.worker.value);
  to.set_build(from.build);
  to.set_data_endpoint(from.data_endpoint);
  to.set_heartbeat_every_ms(from.heartbeat_every.count());
  to.set_silence_ms_max(from.silence_max.count());
}
void get(Taker& taker, pb::Welcome& from, Welcome& to) {
  to.worker = {from.worker()};
  to.build = taker.text("build", from.mutable_build(), kBuildBytesMax);
  to.data_endpoint = taker.text("data_endpoint", from.mutable_data_endpoint());
  to.heartbeat_every = taker.duration("heartbeat_every", from.heartbeat_every_ms());
  to.silence_max = taker.duration("silence_max", from.silence_ms_max());
}

void put(const Refused& from, pb::Refused& to) {
  to.set_request(from.request);
  put(from.fault, *to.mutable_fault());
}
void get(Taker& taker, pb::Refused& from, Refused& to) {
  to.request = from.request();
  get(taker, *from.mutable_fault(), to.fault);
}

void put(const RunningTask& from, pb::RunningTask& to) {
  put(from.task, *to.mutable_task());
  to.set_attempt(from.attempt);
  to.set_done(from.done);
}
void get(Taker& /*taker*/, const pb::RunningTask& from, RunningTask& to) {
  to = {taken(from.task()), from.attempt(), from.done()};
}

void put(const Heartbeat& from, pb::Heartbeat& to) {
  to.set_worker(from.worker.value);
  put_list(from.running, to.mutable_running(), kRunningMax);
  to.set_leaving(from.leaving);
}
void get(Taker& taker, pb::Heartbeat& from, Heartbeat& to) {
  to.worker = {from.worker()};
  get_list(taker, "running", from.mutable_running(), kRunningMax, to.running);
  to.leaving = from.leaving();
}

void put(const HeartbeatAck& from, pb::HeartbeatAck& to) {
  to.set_worker(from.worker.value);
  put_list(from.drop, to.mutable_drop(), kRunningMax);
}
void get(Taker& taker, pb::HeartbeatAck& from, HeartbeatAck& to) {
  to.worker = {from.worker()};
  get_list(taker, "drop", from.mutable_drop(), kRunningMax, to.drop);
}

void put(const UnknownWorker& from, pb::UnknownWorker& to) { to.set_worker(from.worker.value); }
void get(Taker& /*taker*/, const pb::UnknownWorker& from, UnknownWorker& to) { to.worker = {from.worker()}; }

void put(const Drain& from, pb::Drain& to) { to.set_worker(from.worker.value); }
void get(Taker& /*taker*/, const pb::Drain& from, Drain& to) { to.worker = {from.worker()}; }

void put(const Assign& from, pb::Assign& to) {
  to.set_worker(from.worker.value);
  put(from.task, *to.mutable_task());
  to.set_attempt(from.attempt);
  put(from.input, *to.mutable_input());
  to.set_outputs(from.outputs);
  to.set_time_ms_max(from.time_max.count());
}
void get(Taker& taker, const pb::Assign& from, Assign& to) {
  to.worker = {from.worker()};
  to.task = taken(from.task());
  to.attempt = from.attempt();
  get(taker, from.input(), to.input);
  taker.at_most<std::uint32_t>("outputs", from.outputs(), kOutputsMax);
  to.outputs = from.outputs();
  to.time_max = taker.duration("time_max", from.time_ms_max());
}

void put(const TaskDone& from, pb::TaskDone& to) {
  GOPMILL_CHECK(from.result.size() <= kResultBytesMax);
  to.set_worker(from.worker.value);
  put(from.task, *to.mutable_task());
  to.set_attempt(from.attempt);
  to.set_result(from.result);
  put_list(from.outputs, to.mutable_outputs(), kOutputsMax);
}
void get(Taker& taker, pb::TaskDone& from, TaskDone& to) {
  to.worker = {from.worker()};
  to.task = taken(from.task());
  to.attempt = from.attempt();
  to.result = taker.blob("result", from.mutable_result(), kResultBytesMax);
  get_list(taker, "outputs", from.mutable_outputs(), kOutputsMax, to.outputs);
}

void put(const TaskFailed& from, pb::TaskFailed& to) {
  to.set_worker(from.worker.value);
  put(from.task, *to.mutable_task());
  to.set_attempt(from.attempt);
  put(from.fault, *to.mutable_fault());
}
void get(Taker& taker, pb::TaskFailed& from, TaskFailed& to) {
  to.worker = {from.worker()};
  to.task = taken(from.task());
  to.attempt = from.attempt();
  get(taker, *from.mutable_fault(), to.fault);
}

void put(const TaskSettled& from, pb::TaskSettled& to) {
  to.set_worker(from.worker.value);
  put(from.task, *to.mutable_task());
  to.set_attempt(from.attempt);
}
void get(Taker& /*taker*/, const pb::TaskSettled& from, TaskSettled& to) {
  to = {{from.worker()}, taken(from.task()), from.attempt()};
}

void put(const Goodbye& from, pb::Goodbye& to) { to.set_worker(from.worker.value); }
void get(Taker& /*taker*/, const pb::Goodbye& from, Goodbye& to) { to.worker = {from.worker()}; }

}  // namespace gopmill::wire
