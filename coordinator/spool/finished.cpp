#include "coordinator/spool/finished.h"

#include "base/archive.h"

namespace gopmill {

namespace wire {
template <class A>
void fields(A& a, RenditionProgress& v) {
  a(v.name, v.frames_done, v.frames_total);
}
template <class A>
void fields(A& a, ResultFile& v) {
  a(v.name, v.sha256, v.facts.bytes, v.facts.hash);
}
}  // namespace wire

template <class A>
void fields(A& a, Finished& v) {
  std::int64_t media_ms = v.media.count();
  a(media_ms, v.renditions, v.files, v.notes);
  v.media = Duration(media_ms);
}

std::string encode_finished(Finished finished) { return encode(finished); }
Result<Finished> decode_finished(const std::string& bytes) { return decode<Finished>(bytes, "what was kept of a finished job"); }

}  // namespace gopmill
