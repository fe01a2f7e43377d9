#include "cli/client/submission.h"

#include <utility>

#include "base/hash.h"
#include "cli/terminal/options.h"
#include "cli/terminal/talk.h"
#include "media/steps/encoder_check.h"
#include "profiles/profile.h"
#include "proto/job_state.h"
#include "proto/source.h"

namespace gopmill {

namespace {

Result<Fd> open_checked(const std::string& source) {
  Fd fd = TRY(open_source(source));
  if (TRY(file_size(fd.get())) == 0) return fail(FaultKind::kInput, source + " is empty");
  return fd;
}

Result<std::filesystem::path> checked_path(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (error) return fail(FaultKind::kNoInput, "cannot tell where " + path.string() + " is: " + error.message());
  if (absolute.string().size() > wire::kPathBytesMax)
    return fail(FaultKind::kUsage, "the path " + absolute.string() + " is too long");
  return absolute;
}

Result<Source> source_of(const SubmissionOrder& order, const std::string& path, int fd) {
  const std::uint64_t bytes = TRY(file_size(fd));
  if (order.by_path) return Source(LocalSource{TRY(checked_path(path)).string(), bytes});
  return Source(UploadedSource{{bytes, TRY(file_hash(fd))}});
}

Result<wire::Submission> submission_of(const SubmissionOrder& order, const std::string& source, int fd,
                                       const OutputPlace& place) {
  wire::Submission submission;
  // 128 random bits as text: nobody else's job has them.
  submission.key = order.key.empty() ? random_routing_id() : order.key;
  submission.source_name = std::filesystem::path(source).filename().string();
  submission.priority = order.priority;
  submission.slots_max = order.slots_max;
  submission.output_base = place.base;
  submission.output_folder = TRY(checked_path(place.folder)).string();
  TRY(source_of(order, source, fd)).describe_in(submission);
  return submission;
}

}  // namespace

Result<std::vector<PreparedSource>> prepare(const SubmissionOrder& order) {
  if (!order.key.empty() && order.sources.size() > 1)
    return fail(FaultKind::kUsage, "--key names one request: submit one source with it");
  if (order.key.size() > wire::kNameBytesMax)
    return fail(FaultKind::kUsage, "the key is longer than " + std::to_string(wire::kNameBytesMax) + " bytes");
  std::vector<Fd> sources;
  for (const std::string& source : order.sources) sources.push_back(TRY(open_checked(source)));
  Profile profile = TRY(find_profile(order.profile, encoder_check()));
  if (order.salvage) profile.damage = Damage::kSalvage;
  const std::string yaml = to_yaml(profile);
  std::vector<OutputPlace> places = TRY(place_outputs(order.sources, order.folder));
  for (const OutputPlace& place : places) {
    if (!order.replace) TRY(check_free(place, profile));
    TRY(OutputFolder::open(place.folder));  // and removed again: the files come much later
  }
  std::vector<PreparedSource> prepared;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    wire::Submission submission = TRY(submission_of(order, order.sources[i], sources[i].get(), places[i]));
    submission.profile_name = profile.name;
    submission.profile_yaml = yaml;
    prepared.push_back({std::move(submission), std::move(sources[i]), std::move(places[i])});
  }
  return prepared;
}

Result<JobId> hand_in(FarmClient& client, const PreparedSource& prepared, Display& display, Interrupts& interrupts) {
  const wire::Submission& submission = prepared.submission;
  const wire::Submitted submitted = TRY(client.submit(submission));
  const auto upload = Source::of(submission).upload();
  if (!submitted.upload_wanted || !upload) return submitted.job;
  const auto sent = client.upload(
      submitted.data_endpoint, source_artifact(submitted.job), *upload, prepared.source.get(),
      [&](std::uint64_t bytes) { display.show_upload(submission.source_name, bytes, upload->bytes, monotonic_now()); });
  display.clear();
  if (sent) return submitted.job;
  Fault fault = sent.error();
  // The same key may have come from elsewhere too, and that one was faster.
  if (const auto now = client.job(submitted.job); now && has_its_source(now->job.state)) return submitted.job;
  // The job can never run. Where even this does not arrive, the coordinator ends it by itself after a while without bytes.
  if (fault.kind == FaultKind::kCancelled) interrupts.take();
  const bool told = fault.kind != FaultKind::kUnavailable && client.cancel(submitted.job);
  const std::string job = "job " + std::to_string(submitted.job.value);
  fault.text =
      job + (told ? " was cancelled, its source was not sent whole: " : ": its source was not sent whole: ") + fault.text;
  return std::unexpected(std::move(fault));
}

}  // namespace gopmill
