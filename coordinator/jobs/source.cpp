#include "coordinator/jobs/source.h"

namespace gopmill {

Source Source::of(const wire::Submit& submit) {
  if (!submit.local_path.empty()) return Source(LocalSource{submit.local_path, submit.source_bytes});
  return Source(UploadedSource{{submit.source_bytes, submit.source_hash}});
}

void Source::describe_in(wire::Submit& submit) const {
  if (const auto* local = std::get_if<LocalSource>(&kind_)) {
    submit.source_bytes = local->bytes;
    submit.source_hash = 0;
    submit.local_path = local->path;
    return;
  }
  const wire::ArtifactFacts& facts = std::get<UploadedSource>(kind_).facts;
  submit.source_bytes = facts.bytes;
  submit.source_hash = facts.hash;
  submit.local_path.clear();
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
