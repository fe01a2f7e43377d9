#include "proto/source.h"

namespace gopmill {

Source Source::of(const wire::Submission& submission) {
  if (!submission.local_path.empty()) return Source(LocalSource{submission.local_path, submission.source_bytes});
  return Source(UploadedSource{{submission.source_bytes, submission.source_hash}});
}

void Source::describe_in(wire::Submission& submission) const {
  match(
      [&](const LocalSource& local) {
        submission.source_bytes = local.bytes;
        submission.source_hash = 0;
        submission.local_path = local.path;
      },
      [&](const UploadedSource& uploaded) {
        submission.source_bytes = uploaded.facts.bytes;
        submission.source_hash = uploaded.facts.hash;
        submission.local_path.clear();
      });
}

std::optional<wire::ArtifactFacts> Source::upload() const {
  return match([](const LocalSource&) { return std::optional<wire::ArtifactFacts>(); },
               [](const UploadedSource& uploaded) { return std::optional(uploaded.facts); });
}

bool Source::needs_trust() const {
  return match([](const LocalSource&) { return true; }, [](const UploadedSource&) { return false; });
}

std::uint64_t Source::spool_bytes() const {
  return match([](const LocalSource&) { return std::uint64_t{0}; },
               [](const UploadedSource& uploaded) { return uploaded.facts.bytes; });
}

}  // namespace gopmill
