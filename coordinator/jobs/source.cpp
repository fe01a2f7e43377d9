#include "coordinator/jobs/source.h"

namespace gopmill {

Source Source::of(const wire::Submission& submission) {
  if (!submission.local_path.empty()) return Source(LocalSource{submission.local_path, submission.source_bytes});
  return Source(UploadedSource{{submission.source_bytes, submission.source_hash}});
}

void Source::describe_in(wire::Submission& submission) const {
  if (const auto* local = std::get_if<LocalSource>(&kind_)) {
    submission.source_bytes = local->bytes;
    submission.source_hash = 0;
    submission.local_path = local->path;
    return;
  }
  const wire::ArtifactFacts& facts = std::get<UploadedSource>(kind_).facts;
  submission.source_bytes = facts.bytes;
  submission.source_hash = facts.hash;
  submission.local_path.clear();
}

std::optional<wire::ArtifactFacts> Source::upload() const {
  const auto* uploaded = std::get_if<UploadedSource>(&kind_);
  return uploaded ? std::optional(uploaded->facts) : std::nullopt;
}

bool Source::needs_trust() const { return std::holds_alternative<LocalSource>(kind_); }

std::uint64_t Source::spool_bytes() const {
  const auto* uploaded = std::get_if<UploadedSource>(&kind_);
  return uploaded ? uploaded->facts.bytes : 0;
}

Result<Fd> Source::open(const Spool& spool, JobId job) const {
  if (const auto* local = std::get_if<LocalSource>(&kind_)) return open_source(local->path);
  return spool.open_file(source_artifact(job));
}

bool Source::is_in(const Spool& spool, JobId job) const {
  return std::holds_alternative<LocalSource>(kind_) || spool.has(source_artifact(job));
}

}  // namespace gopmill
