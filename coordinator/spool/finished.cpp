#include "coordinator/spool/finished.h"

#include <string_view>

#include "base/archive.h"
#include "base/output_name.h"

namespace gopmill {

namespace wire {
template <class A>
void fields(A& a, RenditionProgress& v) {
  a(v.name, v.frames_done, v.frames_total);
}
template <class A>
void fields(A& a, ResultFile& v) {
  a(v.kind, v.name, v.sha256, v.facts.bytes, v.facts.hash);
}
}  // namespace wire

namespace {

// What gopmill wrote before files had kinds: they were told by their names.
struct FileWithoutKind {
  wire::ResultFile file;
};
template <class A>
void fields(A& a, FileWithoutKind& v) {
  a(v.file.name, v.file.sha256, v.file.facts.bytes, v.file.facts.hash);
}
struct FinishedWithoutKinds {
  std::int64_t media_ms = 0;
  std::vector<wire::RenditionProgress> renditions;
  std::vector<FileWithoutKind> files;
  std::vector<std::string> notes;
};
template <class A>
void fields(A& a, FinishedWithoutKinds& v) {
  a(v.media_ms, v.renditions, v.files, v.notes);
}

OutputKind kind_by_name(std::string_view name) {
  for (const OutputKind kind : {OutputKind::kReport, OutputKind::kSubtitles}) {
    if (may_be_output(kind, name, {})) return kind;
  }
  return OutputKind::kRendition;
}

}  // namespace

template <class A>
void fields(A& a, Finished& v) {
  std::int64_t media_ms = v.media.count();
  a(media_ms, v.renditions, v.files, v.notes);
  v.media = Duration(media_ms);
}

std::string encode_finished(Finished finished) { return encode(finished); }

Result<Finished> decode_finished(const std::string& bytes) {
  auto finished = decode<Finished>(bytes, "what was kept of a finished job");
  if (finished) return finished;
  auto before = decode<FinishedWithoutKinds>(bytes, "");
  if (!before) return finished;
  Finished known{Duration(before->media_ms), std::move(before->renditions), {}, std::move(before->notes)};
  for (FileWithoutKind& each : before->files) {
    each.file.kind = kind_by_name(each.file.name);
    known.files.push_back(std::move(each.file));
  }
  return known;
}

Result<Finished> recall_finished(const Spool& spool, JobId job) { return decode_finished(TRY(spool.load_finished(job))); }

}  // namespace gopmill
