#include "coordinator/jobs/source.h"

#include "base/overloaded.h"

namespace gopmill {

Source Source::of(const wire::Submission& submission) {
  if (!submission.local_path.empty()) return Source(LocalSource{submission.local_path, submission.source_bytes});
  return Source(UploadedSource{{submission.source_bytes, submission.source_hash}});
}

void Source::describe_in(wire::Submission& submission) const {
  std::visit(Overloaded{
                 [&](const LocalSource& local) {
                   submission.source_bytes = local.bytes;
                   submission.source_hash = 0;
                   submission.local_path = local.path;
                 },
                 [&](const UploadedSource& uploaded) {
                   submission.source_bytes = uploaded.facts.bytes;
                   submission.source_hash = uploaded.facts.hash;
                   submission.local_path.clear();
                 },
             },
             kind_);
}

std::optional<wire::ArtifactFacts> Source::upload() const {
  return std::visit(Overloaded{
                        [](const LocalSource&) { return std::optional<wire::ArtifactFacts>(); },
                        [](const UploadedSource& uploaded) { return std::optional(uploaded.facts); },
                    },
                    kind_);
}

bool Source::needs_trust() const {
  return std::visit(Overloaded{[](const LocalSource&) { return true; }, [](const UploadedSource&) { return false; }}, kind_);
}

std::uint64_t Source::spool_bytes() const {
  return std::visit(Overloaded{
                        [](const LocalSource&) { return std::uint64_t{0}; },
                        [](const UploadedSource& uploaded) { return uploaded.facts.bytes; },
                    },
                    kind_);
}

Result<Fd> Source::open(const Spool& spool, JobId job) const {
  return std::visit(Overloaded{
                        [](const LocalSource& local) { return open_source(local.path); },
                        [&](const UploadedSource&) { return spool.open_file(source_artifact(job)); },
                    },
                    kind_);
}

bool Source::is_in(const Spool& spool, JobId job) const {
  return std::visit(Overloaded{
                        [](const LocalSource&) { return true; },
                        [&](const UploadedSource&) { return spool.has(source_artifact(job)); },
                    },
                    kind_);
}

}  // namespace gopmill
