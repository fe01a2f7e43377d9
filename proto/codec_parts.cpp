// What several messages hold: faults, and the names and facts of tasks and artifacts.
#include "proto/codec_messages.h"

namespace gopmill::wire {

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

}  // namespace gopmill::wire
