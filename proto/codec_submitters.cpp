// The control messages between the coordinator and submitters: jobs, their state and their files; workers as
// people see them; backups.
#include "proto/codec_messages.h"

namespace gopmill::wire {

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

}  // namespace gopmill::wire
