#include "cli/client/submission.h"

#include <utility>

#include "base/hash.h"
#include "cli/terminal/options.h"
#include "cli/terminal/talk.h"
#include "coordinator/jobs/source.h"
#include "media/build.h"
#include "media/steps/encoder_check.h"
#include "profiles/profile.h"

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

Result<wire::Submit> request_of(const SubmissionOrder& order, const std::string& source, int fd, const OutputPlace& place) {
  wire::Submit request;
  request.build = build_identity();
  // 128 random bits as text: nobody else's job has them.
  request.key = order.key.empty() ? random_routing_id() : order.key;
  request.source_name = std::filesystem::path(source).filename().string();
  request.priority = order.priority;
  request.slots_max = order.slots_max;
  request.output_base = place.base;
  request.output_folder = TRY(checked_path(place.folder)).string();
  TRY(source_of(order, source, fd)).describe_in(request);
  return request;
}

}  // namespace

Result<std::vector<Submission>> prepare(const SubmissionOrder& order) {
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
  std::vector<Submission> submissions;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    wire::Submit request = TRY(request_of(order, order.sources[i], sources[i].get(), places[i]));
    request.profile_name = profile.name;
    request.profile_yaml = yaml;
    submissions.push_back({std::move(request), std::move(sources[i]), std::move(places[i])});
  }
  return submissions;
}

Result<JobId> hand_in(FarmClient& client, const Submission& submission, Display& display, Interrupts& interrupts) {
  const wire::Submitted submitted = TRY(client.submit(submission.request));
  const wire::Submit& request = submission.request;
  const auto upload = Source::of(request).upload();
  if (!submitted.upload_wanted || !upload) return submitted.job;
  const auto sent = client.upload(
      submitted.data_endpoint, source_artifact(submitted.job), *upload, submission.source.get(),
      [&](std::uint64_t bytes) { display.show_upload(request.source_name, bytes, upload->bytes, monotonic_now()); });
  display.clear();
  if (sent) return submitted.job;
  Fault fault = sent.error();
  // The job can never run. Where even this does not arrive, the coordinator ends it by itself after a while without bytes.
  if (fault.kind == FaultKind::kCancelled) interrupts.take();
  const bool told = fault.kind != FaultKind::kUnavailable && client.cancel(submitted.job);
  const std::string job = "job " + std::to_string(submitted.job.value);
  fault.text =
      job + (told ? " was cancelled, its source was not sent whole: " : ": its source was not sent whole: ") + fault.text;
  return std::unexpected(std::move(fault));
}

}  // namespace gopmill
