// Long because: it is the one door to every message; it reads top to bottom, a pair of functions each.
#include "proto/codec.h"

#include <google/protobuf/io/coded_stream.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/utf8.h"
#include "proto/gopmill.pb.h"

// One put and one get per message, side by side, in the order of messages.h. The file is longer than others because it
// holds every message twice; splitting it would open a second door to the generated code.

namespace gopmill::wire {

namespace {

// ---- Text ----

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

// Valid UTF-8 of at most `bytes_max`, cut between characters.
std::string clean_text(std::string_view text, std::size_t bytes_max) {
  std::string clean;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::string_view piece = length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(0, length);
    if (clean.size() + piece.size() > bytes_max) break;
    clean += piece;
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return clean;
}

// ---- Taking values out of a parsed message ----

// Checks each value against its limit. The first refusal is kept; what comes after it does not matter any more.
class Taker {
 public:
  explicit Taker(std::string_view message) : message_(message) {}
  [[nodiscard]] std::optional<Fault>& refusal() { return refusal_; }

  void refuse(std::string_view field, std::string_view why) {
    if (refusal_) return;
    std::string text(message_);
    text.append(".").append(field).append(" ").append(why);
    refusal_ = Fault{FaultKind::kInput, std::move(text)};
  }
  template <class T>
  void at_most(std::string_view field, T value, T max) {
    if (value > max) refuse(field, "is " + std::to_string(value) + ", at most " + std::to_string(max) + " is allowed");
  }
  std::string blob(std::string_view field, std::string* from, std::size_t bytes_max) {
    if (from->size() > bytes_max) {
      refuse(field, "is " + std::to_string(from->size()) + " bytes, at most " + std::to_string(bytes_max) + " are allowed");
      return {};
    }
    return std::move(*from);
  }
  std::string text(std::string_view field, std::string* from, std::size_t bytes_max = kNameBytesMax) {
    std::string taken = blob(field, from, bytes_max);
    if (!is_utf8(taken)) refuse(field, "is not UTF-8");
    return taken;
  }
  // A name that becomes part of a file's: it must not lead out of its folder.
  std::string file_name(std::string_view field, std::string* from) {
    std::string taken = text(field, from);
    if (taken == "." || taken == ".." || taken.find('/') != taken.npos || taken.find('\0') != taken.npos) {
      refuse(field, "is not a file name");
    }
    return taken;
  }
  // The same of a path below a folder.
  std::string output_path(std::string_view field, std::string* from) {
    std::string taken = blob(field, from, kOutputPathBytesMax);
    if (const auto good = check_output_path(taken); !good) refuse(field, "names no output: " + good.error().text);
    return taken;
  }
  std::string path(std::string_view field, std::string* from) {
    std::string taken = blob(field, from, kPathBytesMax);
    if (taken.find('\0') != taken.npos) refuse(field, "has a zero byte");
    return taken;
  }
  Duration duration(std::string_view field, std::int64_t ms) {
    if (ms < 0 || ms > kDurationMax.count()) {
      refuse(field, "is " + std::to_string(ms) + " ms, which is out of range");
      return Duration{0};
    }
    return Duration{ms};
  }
  template <class Enum>
  Enum enumerator(std::string_view field, std::uint32_t value, Enum last) {
    if (value < 1 || value > static_cast<std::uint32_t>(last))
      refuse(field, "is " + std::to_string(value) + ", which names nothing");
    return static_cast<Enum>(value);
  }
  bool count(std::string_view field, int size, std::size_t max) {
    if (static_cast<std::size_t>(size) <= max) return true;
    refuse(field, "has " + std::to_string(size) + " entries, at most " + std::to_string(max) + " are allowed");
    return false;
  }

 private:
  std::string_view message_;
  std::optional<Fault> refusal_;
};

// What lists are made of, declared ahead: the templates below would not find them in an unnamed namespace later.
void put(const RunningTask& from, pb::RunningTask& to);
void put(const ArtifactFacts& from, pb::ArtifactFacts& to);
void put(const RenditionProgress& from, pb::RenditionProgress& to);
void put(const ResultFile& from, pb::ResultFile& to);
void put(const JobStatus& from, pb::JobStatus& to);
void put(const WorkerStatus& from, pb::WorkerStatus& to);
void get(Taker& taker, const pb::RunningTask& from, RunningTask& to);
void get(Taker& taker, const pb::ArtifactFacts& from, ArtifactFacts& to);
void get(Taker& taker, pb::RenditionProgress& from, RenditionProgress& to);
void get(Taker& taker, pb::ResultFile& from, ResultFile& to);
void get(Taker& taker, pb::JobStatus& from, JobStatus& to);
void get(Taker& taker, pb::WorkerStatus& from, WorkerStatus& to);

template <class Wire, class List>
void put_list(const std::vector<Wire>& from, List* to, std::size_t max) {
  GOPMILL_CHECK(from.size() <= max);
  for (const Wire& one : from) put(one, *to->Add());
}
template <class Wire, class List>
void get_list(Taker& taker, std::string_view field, List* from, std::size_t max, std::vector<Wire>& to) {
  if (!taker.count(field, from->size(), max)) return;
  for (auto& one : *from) get(taker, one, to.emplace_back());
}

// Names of codecs.
template <class List>
void put_names(const std::vector<std::string>& from, List* to, std::size_t max) {
  GOPMILL_CHECK(from.size() <= max);
  for (const std::string& name : from) *to->Add() = clean_text(name, kCodecNameBytesMax);
}
template <class List>
void get_names(Taker& taker, std::string_view field, List* from, std::size_t max, std::vector<std::string>& to) {
  if (!taker.count(field, from->size(), max)) return;
  for (std::string& name : *from) to.push_back(taker.text(field, &name, kCodecNameBytesMax));
}

// ---- Shared ----

void put(const Fault& from, pb::Fault& to) {
  to.set_kind(static_cast<std::uint32_t>(from.kind));
  to.set_text(clean_text(from.text, kFaultBytesMax));
}
void get(Taker& taker, pb::Fault& from, Fault& to) {
  to.kind = taker.enumerator("fault.kind", from.kind(), FaultKind::kInternal);
  to.text = taker.text("fault.text", from.mutable_text(), kFaultBytesMax);
}

void put(const TaskId& from, pb::TaskId& to) {
  to.set_job(from.job.value);
  to.set_index(from.index);
}
TaskId taken(const pb::TaskId& from) { return {{from.job()}, from.index()}; }

void put(const Artifact& from, pb::Artifact& to) {
  to.set_kind(static_cast<std::uint32_t>(from.kind));
  to.set_job(from.job.value);
  to.set_index(from.index);
  to.set_attempt(from.attempt);
  to.set_part(from.part);
}
void get(Taker& taker, const pb::Artifact& from, Artifact& to) {
  to.kind = taker.enumerator("artifact.kind", from.kind(), ArtifactKind::kResult);
  to.job = {from.job()};
  to.index = from.index();
  to.attempt = from.attempt();
  to.part = from.part();
}

void put(const ArtifactFacts& from, pb::ArtifactFacts& to) {
  to.set_bytes(from.bytes);
  to.set_hash(from.hash);
}
void get(Taker& taker, const pb::ArtifactFacts& from, ArtifactFacts& to) {
  taker.at_most("facts.bytes", from.bytes(), kArtifactBytesMax);
  to = {from.bytes(), from.hash()};
}

// ---- Control: workers ----

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

// ---- Control: submitters ----

void put(const Submit& from, pb::Submit& to) {
  to.set_request(from.request);
  to.set_protocol(from.protocol);
  to.set_build(from.build);
  const Submission& wanted = from.submission;
  to.set_key(wanted.key);
  to.set_source_name(clean_text(wanted.source_name, kNameBytesMax));
  to.set_source_bytes(wanted.source_bytes);
  to.set_source_hash(wanted.source_hash);
  to.set_local_path(wanted.local_path);
  to.set_profile_name(clean_text(wanted.profile_name, kNameBytesMax));
  to.set_profile_yaml(wanted.profile_yaml);
  to.set_priority(wanted.priority);
  to.set_output_base(clean_text(wanted.output_base, kNameBytesMax));
  to.set_output_folder(wanted.output_folder);
  to.set_slots_max(wanted.slots_max);
}
void get(Taker& taker, pb::Submit& from, Submit& to) {
  to.request = from.request();
  to.protocol = from.protocol();
  to.build = taker.text("build", from.mutable_build(), kBuildBytesMax);
  Submission& wanted = to.submission;
  wanted.key = taker.text("key", from.mutable_key());
  wanted.source_name = taker.file_name("source_name", from.mutable_source_name());
  taker.at_most("source_bytes", from.source_bytes(), kArtifactBytesMax);
  wanted.source_bytes = from.source_bytes();
  wanted.source_hash = from.source_hash();
  wanted.local_path = taker.path("local_path", from.mutable_local_path());
  wanted.profile_name = taker.text("profile_name", from.mutable_profile_name());
  wanted.profile_yaml = taker.text("profile_yaml", from.mutable_profile_yaml(), kProfileYamlBytesMax);
  taker.at_most("priority", from.priority(), kPriorityMax);
  wanted.priority = from.priority();
  wanted.output_base = taker.file_name("output_base", from.mutable_output_base());
  wanted.output_folder = taker.path("output_folder", from.mutable_output_folder());
  wanted.slots_max = from.slots_max();
}

void put(const Submitted& from, pb::Submitted& to) {
  to.set_request(from.request);
  to.set_job(from.job.value);
  to.set_data_endpoint(from.data_endpoint);
  to.set_upload_wanted(from.upload_wanted);
}
void get(Taker& taker, pb::Submitted& from, Submitted& to) {
  to.request = from.request();
  to.job = {from.job()};
  to.data_endpoint = taker.text("data_endpoint", from.mutable_data_endpoint());
  to.upload_wanted = from.upload_wanted();
}

// Requests and answers that are a number, or a number and a job or a worker.
template <class Wire, class Pb>
  requires requires(Pb& to) { to.set_request(0); }
void put(const Wire& from, Pb& to) {
  to.set_request(from.request);
  if constexpr (requires { to.set_job(0); }) to.set_job(from.job.value);
  if constexpr (requires { to.set_worker(0); }) to.set_worker(from.worker.value);
}
template <class Wire, class Pb>
  requires requires(Pb& from) { from.set_request(0); }
void get(Taker& /*taker*/, const Pb& from, Wire& to) {
  to.request = from.request();
  if constexpr (requires { from.job(); }) to.job = {from.job()};
  if constexpr (requires { from.worker(); }) to.worker = {from.worker()};
}

void put(const MakeBackup& from, pb::MakeBackup& to) {
  to.set_request(from.request);
  to.set_name(from.name);
}
void get(Taker& taker, pb::MakeBackup& from, MakeBackup& to) {
  to.request = from.request();
  to.name = taker.file_name("name", from.mutable_name());
}

void put(const BackupReply& from, pb::BackupReply& to) {
  to.set_request(from.request);
  to.set_path(from.path);
  to.set_made(from.made);
}
void get(Taker& taker, pb::BackupReply& from, BackupReply& to) {
  to.request = from.request();
  to.path = taker.path("path", from.mutable_path());
  to.made = from.made();
}

void put(const RenditionProgress& from, pb::RenditionProgress& to) {
  to.set_name(clean_text(from.name, kNameBytesMax));
  to.set_frames_done(from.frames_done);
  to.set_frames_total(from.frames_total);
}
void get(Taker& taker, pb::RenditionProgress& from, RenditionProgress& to) {
  to.name = taker.text("renditions.name", from.mutable_name());
  to.frames_done = from.frames_done();
  to.frames_total = from.frames_total();
}

void put(const ResultFile& from, pb::ResultFile& to) {
  to.set_kind(static_cast<std::uint32_t>(from.kind));
  to.set_name(clean_text(from.name, kOutputPathBytesMax));
  to.set_sha256(from.sha256);
  put(from.facts, *to.mutable_facts());
}
void get(Taker& taker, pb::ResultFile& from, ResultFile& to) {
  to.kind = taker.enumerator("files.kind", from.kind(), OutputKind::kReport);
  to.name = taker.output_path("files.name", from.mutable_name());
  to.sha256 = taker.text("files.sha256", from.mutable_sha256());
  get(taker, from.facts(), to.facts);
}

void put(const JobStatus& from, pb::JobStatus& to) {
  to.set_job(from.job.value);
  to.set_source_name(clean_text(from.source_name, kNameBytesMax));
  to.set_profile_name(clean_text(from.profile_name, kNameBytesMax));
  to.set_output_base(clean_text(from.output_base, kNameBytesMax));
  to.set_output_folder(from.output_folder);
  to.set_state(static_cast<std::uint32_t>(from.state));
  to.set_priority(from.priority);
  to.set_submitted_unix_ms(from.submitted_unix_ms);
  to.set_elapsed_ms(from.elapsed.count());
  to.set_media_ms(from.media.count());
  to.set_tasks_done(from.tasks_done);
  to.set_tasks_total(from.tasks_total);
  to.set_tasks_running(from.tasks_running);
  to.set_attempts_lost(from.attempts_lost);
  to.set_workers_busy(from.workers_busy);
  to.set_slots_total(from.slots_total);
  to.set_work_done(from.work_done);
  if (from.eta >= Duration{0}) to.set_eta_ms(from.eta.count());
  put_list(from.renditions, to.mutable_renditions(), kRenditionsListed);
  if (from.fault) put(*from.fault, *to.mutable_fault());
  put_list(from.files, to.mutable_files(), kFilesListed);
  for (std::size_t i = 0; i < from.notes.size() && i < kNotesListed; ++i) to.add_notes(clean_text(from.notes[i], kNoteBytesMax));
  to.set_delivered(from.delivered);
}
void get(Taker& taker, pb::JobStatus& from, JobStatus& to) {
  to.job = {from.job()};
  to.source_name = taker.file_name("source_name", from.mutable_source_name());
  to.profile_name = taker.text("profile_name", from.mutable_profile_name());
  to.output_base = taker.file_name("output_base", from.mutable_output_base());
  to.output_folder = taker.path("output_folder", from.mutable_output_folder());
  to.state = taker.enumerator("state", from.state(), JobState::kPackaging);
  taker.at_most("priority", from.priority(), kPriorityMax);
  to.priority = from.priority();
  to.submitted_unix_ms = taker.duration("submitted_unix_ms", from.submitted_unix_ms()).count();
  to.elapsed = taker.duration("elapsed", from.elapsed_ms());
  to.media = taker.duration("media", from.media_ms());
  to.tasks_done = from.tasks_done();
  to.tasks_total = from.tasks_total();
  to.tasks_running = from.tasks_running();
  to.attempts_lost = from.attempts_lost();
  to.workers_busy = from.workers_busy();
  to.slots_total = from.slots_total();
  // Written so that NaN is refused too.
  if (!(from.work_done() >= 0 && from.work_done() <= 1)) taker.refuse("work_done", "is not between 0 and 1");
  to.work_done = from.work_done();
  if (from.has_eta_ms()) to.eta = taker.duration("eta", from.eta_ms());
  get_list(taker, "renditions", from.mutable_renditions(), kRenditionsListed, to.renditions);
  if (from.has_fault()) get(taker, *from.mutable_fault(), to.fault.emplace());
  get_list(taker, "files", from.mutable_files(), kFilesListed, to.files);
  if (taker.count("notes", from.notes_size(), kNotesListed)) {
    for (std::string& note : *from.mutable_notes()) to.notes.push_back(taker.text("notes", &note, kNoteBytesMax));
  }
  to.delivered = from.delivered();
}

void put(const WorkerStatus& from, pb::WorkerStatus& to) {
  to.set_worker(from.worker.value);
  to.set_name(clean_text(from.name, kNameBytesMax));
  to.set_build(from.build);
  to.set_slots(from.slots);
  to.set_busy(from.busy);
  to.set_tasks_done(from.tasks_done);
  to.set_tasks_failed(from.tasks_failed);
  to.set_silent_ms(from.silent.count());
  to.set_state(static_cast<std::uint32_t>(from.state));
  to.set_aside_for_ms(from.aside_for.count());
  put_names(from.encoders, to.mutable_encoders(), kEncodersMax);
}
void get(Taker& taker, pb::WorkerStatus& from, WorkerStatus& to) {
  to.worker = {from.worker()};
  to.name = taker.text("workers.name", from.mutable_name());
  to.build = taker.text("workers.build", from.mutable_build(), kBuildBytesMax);
  to.slots = from.slots();
  to.busy = from.busy();
  to.tasks_done = from.tasks_done();
  to.tasks_failed = from.tasks_failed();
  to.silent = taker.duration("workers.silent", from.silent_ms());
  to.state = taker.enumerator("workers.state", from.state(), WorkerState::kUnreachable);
  to.aside_for = taker.duration("workers.aside_for", from.aside_for_ms());
  get_names(taker, "workers.encoders", from.mutable_encoders(), kEncodersMax, to.encoders);
}

void put(const JobReply& from, pb::JobReply& to) {
  to.set_request(from.request);
  put(from.job, *to.mutable_job());
  to.set_data_endpoint(from.data_endpoint);
}
void get(Taker& taker, pb::JobReply& from, JobReply& to) {
  to.request = from.request();
  get(taker, *from.mutable_job(), to.job);
  to.data_endpoint = taker.text("data_endpoint", from.mutable_data_endpoint());
}

void put(const JobsReply& from, pb::JobsReply& to) {
  to.set_request(from.request);
  put_list(from.jobs, to.mutable_jobs(), kJobsListed);
  // The envelope adds a tag and a length: at most 16 bytes.
  while (to.ByteSizeLong() + 16 > kMessageBytesMax) to.mutable_jobs()->RemoveLast();
}
void get(Taker& taker, pb::JobsReply& from, JobsReply& to) {
  to.request = from.request();
  get_list(taker, "jobs", from.mutable_jobs(), kJobsListed, to.jobs);
}

void put(const WorkersReply& from, pb::WorkersReply& to) {
  to.set_request(from.request);
  put_list(from.workers, to.mutable_workers(), kWorkersListed);
}
void get(Taker& taker, pb::WorkersReply& from, WorkersReply& to) {
  to.request = from.request();
  get_list(taker, "workers", from.mutable_workers(), kWorkersListed, to.workers);
}

// ---- Data ----

void put(const Fetch& from, pb::Fetch& to) {
  put(from.artifact, *to.mutable_artifact());
  to.set_offset(from.offset);
  to.set_credit(from.credit);
}
void put(const Grant& from, pb::Grant& to) {
  put(from.artifact, *to.mutable_artifact());
  to.set_offset(from.offset);
  to.set_credit(from.credit);
  to.set_received(from.received);
}
void get(Taker& taker, const pb::Fetch& from, Fetch& to) {
  get(taker, from.artifact(), to.artifact);
  taker.at_most("offset", from.offset(), kArtifactBytesMax);
  taker.at_most("credit", from.credit(), kCreditBytes);
  to.offset = from.offset();
  to.credit = from.credit();
}
void get(Taker& taker, const pb::Grant& from, Grant& to) {
  get(taker, from.artifact(), to.artifact);
  taker.at_most("offset", from.offset(), kArtifactBytesMax);
  taker.at_most("credit", from.credit(), kCreditBytes);
  taker.at_most("received", from.received(), kArtifactBytesMax);
  to.offset = from.offset();
  to.credit = from.credit();
  to.received = from.received();
}

void put(const Store& from, pb::Store& to) {
  put(from.artifact, *to.mutable_artifact());
  put(from.facts, *to.mutable_facts());
}
void get(Taker& taker, const pb::Store& from, Store& to) {
  get(taker, from.artifact(), to.artifact);
  get(taker, from.facts(), to.facts);
}

void put(Chunk& from, pb::Chunk& to) {
  GOPMILL_CHECK(from.bytes.size() <= kChunkBytes);
  put(from.artifact, *to.mutable_artifact());
  to.set_offset(from.offset);
  to.set_hash(from.hash);
  to.set_bytes(std::move(from.bytes));
}
void get(Taker& taker, pb::Chunk& from, Chunk& to) {
  get(taker, from.artifact(), to.artifact);
  taker.at_most("offset", from.offset(), kArtifactBytesMax);
  to.offset = from.offset();
  to.hash = from.hash();
  to.bytes = taker.blob("bytes", from.mutable_bytes(), kChunkBytes);
  if (to.bytes.empty()) taker.refuse("bytes", "is empty");
}

void put(const Stored& from, pb::Stored& to) { put(from.artifact, *to.mutable_artifact()); }
void get(Taker& taker, const pb::Stored& from, Stored& to) { get(taker, from.artifact(), to.artifact); }

void put(const Denied& from, pb::Denied& to) {
  put(from.artifact, *to.mutable_artifact());
  put(from.fault, *to.mutable_fault());
}
void get(Taker& taker, pb::Denied& from, Denied& to) {
  get(taker, from.artifact(), to.artifact);
  get(taker, *from.mutable_fault(), to.fault);
}

// ---- Envelopes ----

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

// protobuf makes an object of up to some hundred bytes for every two bytes of an empty repeated entry, before anything can
// be counted: 4 MiB of them would take 600 MiB. So fields are counted before parsing. Only the lists of a message, and those
// of the job statuses inside a JobReply or JobsReply, can be long; the count goes that deep.
class FieldCount {
 public:
  using Input = google::protobuf::io::CodedInputStream;
  enum class Level : std::uint8_t { kEnvelope, kMessage, kJob };

  // False: too many, or not a sequence of fields. Groups are refused: proto3 has none, and skipping them needs recursion.
  bool fits(Input& in, Level level) {
    for (;;) {
      const std::uint32_t tag = in.ReadTag();
      if (tag == 0) return in.ConsumedEntireMessage();
      if (++fields_ > kFieldsMax) return false;
      const int field = static_cast<int>(tag >> 3);
      std::uint64_t number = 0;
      int size = 0;
      bool fit = false;
      switch (tag & 7) {
        case 0: fit = in.ReadVarint64(&number); break;
        case 1: fit = in.Skip(8); break;
        case 2: fit = in.ReadVarintSizeAsInt(&size) && fits_inside(in, level, field, size); break;
        case 5: fit = in.Skip(4); break;
        default: break;
      }
      if (!fit) return false;
    }
  }

 private:
  // 40 fields that are no lists are more than a JobStatus has.
  static constexpr std::size_t kFieldsMax = kJobsListed * (40 + kRenditionsListed + kFilesListed + kNotesListed);
  static constexpr int kJobField = pb::JobsReply::kJobsFieldNumber;
  static_assert(kJobField == pb::JobReply::kJobFieldNumber);

  bool fits_inside(Input& in, Level level, int field, int size) {
    if (level == Level::kEnvelope) {
      has_jobs_ = field == pb::Control::kJobReplyFieldNumber || field == pb::Control::kJobsReplyFieldNumber;
    } else if (level == Level::kJob || !has_jobs_ || field != kJobField) {
      return in.Skip(size);
    }
    const Input::Limit outer = in.PushLimit(size);
    const bool fit = fits(in, level == Level::kEnvelope ? Level::kMessage : Level::kJob);
    in.PopLimit(outer);
    return fit;
  }

  std::size_t fields_ = 0;
  bool has_jobs_ = false;
};

bool fields_fit(std::string_view bytes) {
  FieldCount::Input in(reinterpret_cast<const std::uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
  return FieldCount().fits(in, FieldCount::Level::kEnvelope);
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
