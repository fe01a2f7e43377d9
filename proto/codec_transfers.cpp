// The data messages: bulk bytes and the credit for them.
#include <utility>

#include "base/check.h"
#include "proto/codec_messages.h"

namespace gopmill::wire {

void put(const Fetch& from, pb::Fetch& to) {
  put(from.artifact, *to.mutable_artifact());
  to.set_offset(from.offset);
  to.set_credit(from.credit);
}
void put(const Grant& from, pb::Grant& to) {
  put(from.artifact, *to.mutable_artifact());
  to.set_offset(from.offset);
  to.set_credit(from.credit);
  to.set_received(from.received);
}
void get(Taker& taker, const pb::Fetch& from, Fetch& to) {
  get(taker, from.artifact(), to.artifact);
  taker.at_most("offset", from.offset(), kArtifactBytesMax);
  taker.at_most("credit", from.credit(), kCreditBytes);
  to.offset = from.offset();
  to.credit = from.credit();
}
void get(Taker& taker, const pb::Grant& from, Grant& to) {
  get(taker, from.artifact(), to.artifact);
  taker.at_most("offset", from.offset(), kArtifactBytesMax);
  taker.at_most("credit", from.credit(), kCreditBytes);
  taker.at_most("received", from.received(), kArtifactBytesMax);
  to.offset = from.offset();
  to.credit = from.credit();
  to.received = from.received();
}

void put(const Store& from, pb::Store& to) {
  put(from.artifact, *to.mutable_artifact());
  put(from.facts, *to.mutable_facts());
}
void get(Taker& taker, const pb::Store& from, Store& to) {
  get(taker, from.artifact(), to.artifact);
  get(taker, from.facts(), to.facts);
}

void put(Chunk& from, pb::Chunk& to) {
  GOPMILL_CHECK(from.bytes.size() <= kChunkBytes);
  put(from.artifact, *to.mutable_artifact());
  to.set_offset(from.offset);
  to.set_hash(from.hash);
  to.set_bytes(std::move(from.bytes));
}
void get(Taker& taker, pb::Chunk& from, Chunk& to) {
  get(taker, from.artifact(), to.artifact);
  taker.at_most("offset", from.offset(), kArtifactBytesMax);
  to.offset = from.offset();
  to.hash = from.hash();
  to.bytes = taker.blob("bytes", from.mutable_bytes(), kChunkBytes);
  if (to.bytes.empty()) taker.refuse("bytes", "is empty");
}

void put(const Stored& from, pb::Stored& to) { put(from.artifact, *to.mutable_artifact()); }
void get(Taker& taker, const pb::Stored& from, Stored& to) { get(taker, from.artifact(), to.artifact); }

void put(const Denied& from, pb::Denied& to) {
  put(from.artifact, *to.mutable_artifact());
  put(from.fault, *to.mutable_fault());
}
void get(Taker& taker, pb::Denied& from, Denied& to) {
  get(taker, from.artifact(), to.artifact);
  get(taker, *from.mutable_fault(), to.fault);
}

}  // namespace gopmill::wire
