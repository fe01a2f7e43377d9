#include "media/task/journal.h"

#include "base/archive.h"
#include "base/file.h"
#include "base/hash.h"

namespace gopmill {

namespace {

constexpr std::uint32_t kMagic = 0x314a4d47;      // "GMJ1"
constexpr std::uint32_t kTaskMagic = 0x31544d47;  // "GMT1"
constexpr std::uint32_t kSealMark = 0xffffffff;   // stands where a record's length would
constexpr std::size_t kPieceBytes = 256 * 1024;
constexpr std::uint32_t kRecordBytesMax = kPacketBytesMax + (1U << 20);

}  // namespace

template <class A>
void fields(A& a, StreamParameters& v) {
  a(v.media, v.codec, v.codec_tag, v.extradata, v.base, v.format, v.width, v.height, v.sample_aspect, v.profile, v.level,
    v.colour_range, v.primaries, v.transfer, v.matrix, v.chroma_location, v.video_delay, v.sample_rate, v.channels, v.block_align,
    v.frame_size, v.bits_per_coded_sample, v.bits_per_raw_sample, v.initial_padding, v.trailing_padding, v.seek_preroll,
    v.bit_rate, v.channel_layout);
}
template <class A>
void fields(A& a, SideData& v) {
  a(v.type, v.bytes);
}
template <class A>
void fields(A& a, JournalPacket& v) {
  a(v.ordinal, v.pts, v.dts, v.duration, v.key, v.discard, v.side_data, v.bytes);
}

namespace {

// A record: length, hash of the body, body.
void append_record(std::string& to, const std::string& body) {
  ArchiveWriter head;
  head(static_cast<std::uint32_t>(body.size()), chunk_hash(std::as_bytes(std::span(body))));
  to += head.bytes();
  to += body;
}

}  // namespace

Result<> JournalWriter::begin(const StreamParameters& parameters) {
  ArchiveWriter magic;
  magic(kMagic);
  pending_ = magic.bytes();
  append_record(pending_, encode(parameters));
  return flush();
}

Result<> JournalWriter::append(const JournalPacket& packet) {
  if (packet.bytes.size() > kPacketBytesMax) {
    return fail(FaultKind::kInput, "a packet of " + std::to_string(packet.bytes.size()) + " bytes is above the limit of " +
                                       std::to_string(kPacketBytesMax));
  }
  append_record(pending_, encode(packet));
  ++packets_;
  return pending_.size() >= kPieceBytes ? flush() : Result<>{};
}

Result<> JournalWriter::finish() {
  ArchiveWriter seal;
  seal(kSealMark, packets_);
  pending_ += seal.bytes();
  return flush();
}

Result<> JournalWriter::flush() {
  TRY(write_at(fd_, offset_, std::as_bytes(std::span(pending_))));
  offset_ += pending_.size();
  pending_.clear();
  return {};
}

Result<JournalReader> JournalReader::open(int fd, std::uint64_t offset) {
  JournalReader reader(fd, offset);
  TRY(reader.fill(sizeof kMagic));
  std::uint32_t magic = 0;
  std::memcpy(&magic, reader.ahead_.data(), sizeof magic);
  if (magic != kMagic) return fail(FaultKind::kInput, "not a packet journal");
  reader.ahead_at_ = sizeof magic;
  const std::string body = TRY(reader.record(kExtradataBytesMax + 64 * 1024));
  reader.parameters_ = TRY(decode<StreamParameters>(body, "the journal's stream parameters"));
  return reader;
}

Result<std::optional<JournalPacket>> JournalReader::next() {
  TRY(fill(sizeof(std::uint32_t)));
  std::uint32_t mark = 0;
  std::memcpy(&mark, ahead_.data() + ahead_at_, sizeof mark);
  if (mark != kSealMark) {
    const std::string body = TRY(record(kRecordBytesMax));
    ++packets_;
    return std::optional(TRY(decode<JournalPacket>(body, "packet " + std::to_string(packets_) + " of the journal")));
  }
  TRY(fill(sizeof mark + sizeof packets_));
  std::uint64_t count = 0;
  std::memcpy(&count, ahead_.data() + ahead_at_ + sizeof mark, sizeof count);
  if (count != packets_) {
    return fail(FaultKind::kInput,
                "the journal's seal says " + std::to_string(count) + " packets, " + std::to_string(packets_) + " are there");
  }
  return std::optional<JournalPacket>();
}

Result<std::string> JournalReader::record(std::uint32_t bytes_max) {
  std::uint32_t size = 0;
  std::uint64_t hash = 0;
  TRY(fill(sizeof size + sizeof hash));
  std::memcpy(&size, ahead_.data() + ahead_at_, sizeof size);
  std::memcpy(&hash, ahead_.data() + ahead_at_ + sizeof size, sizeof hash);
  if (size > bytes_max)
    return fail(FaultKind::kInput, "a journal record of " + std::to_string(size) + " bytes is above the limit");
  ahead_at_ += sizeof size + sizeof hash;
  TRY(fill(size));
  std::string body = ahead_.substr(ahead_at_, size);
  ahead_at_ += size;
  if (chunk_hash(std::as_bytes(std::span(body))) != hash) {
    return fail(FaultKind::kInput, "the journal's record " + std::to_string(packets_) + " does not match its hash");
  }
  return body;
}

// Makes at least `want` unread bytes available in ahead_.
Result<> JournalReader::fill(std::size_t want) {
  if (ahead_.size() - ahead_at_ >= want) return {};
  ahead_.erase(0, ahead_at_);
  ahead_at_ = 0;
  const std::size_t had = ahead_.size();
  ahead_.resize(std::max(want, had + kPieceBytes));
  const std::size_t got = TRY(read_at(fd_, offset_, std::as_writable_bytes(std::span(ahead_).subspan(had))));
  offset_ += got;
  ahead_.resize(had + got);
  if (ahead_.size() < want)
    return fail(FaultKind::kInput, "the journal ends early, after " + std::to_string(packets_) + " packets");
  return {};
}

Result<std::uint64_t> write_task_head(int fd, const std::string& request) {
  ArchiveWriter head;
  head(kTaskMagic, request);
  TRY(write_at(fd, 0, std::as_bytes(std::span(head.bytes()))));
  return head.bytes().size();
}

Result<TaskHead> read_task_head(int fd) {
  std::array<std::uint32_t, 2> head{};
  const std::size_t got = TRY(read_at(fd, 0, std::as_writable_bytes(std::span(head))));
  if (got != sizeof head || head[0] != kTaskMagic) return fail(FaultKind::kInput, "not a task input");
  if (head[1] > kTaskHeadBytesMax || head[1] > TRY(file_size(fd)))
    return fail(FaultKind::kInput, "the task's request is longer than its file");
  TaskHead task;
  task.request.resize(head[1]);
  task.request.resize(TRY(read_at(fd, sizeof head, std::as_writable_bytes(std::span(task.request)))));
  task.journal_offset = sizeof head + head[1];
  return task;
}

}  // namespace gopmill
