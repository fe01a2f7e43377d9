#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "base/time.h"
#include "proto/messages.h"

// Moves one artifact over the data socket, in either direction, through a channel that may lose, double, delay and reorder
// messages. Pure state machines: they read no file, no socket and no clock; their owner does what they ask. Not
// thread-safe; copyable or movable values.
//
// How it works. The receiver opens windows, [offset, offset + credit) of the artifact: by Fetch on a download, by Grant on
// an upload. A window asks for exactly its bytes, once, so the sender sends nothing unasked and needs no memory of what it
// sent. The first window is kCreditBytes long; each time kAskBytes have arrived the receiver opens as many behind the last,
// so that up to kCreditBytes are always on their way; near the end such a window is short or empty and, on an upload, still
// goes out, to tell how far we are. The receiver takes chunks in order only. A chunk it has
// already is ignored; a chunk beyond the one it waits for, or one whose hash is wrong, means that bytes were lost: it opens a
// window at the byte it waits for, and the sender, seeing a window that does not continue the last one, goes there.
//
// Who keeps time. The coordinator is one end of every transfer and keeps no timer: it only answers. The other end, worker or
// submitter, repeats its request (Fetch from where it is, or Store) after `patience` without progress, and gives up after
// kNoProgressMax. Answers are idempotent, so repeating too early costs bytes, never truth.
//
//                 submitter, worker           coordinator
//   upload        Upload                      ReceivingTransfer
//   download      Download                    SendingTransfer

namespace gopmill {

inline constexpr std::uint64_t kAskBytes = wire::kCreditBytes / 4;  // a window message per MiB: 1,000 a second at 1 GB/s
// The shortest time without progress after which a request is repeated. On a link so slow that a chunk takes longer, the
// answers show that it was too early, and patience doubles.
inline constexpr Duration kPatienceMin{3000};
inline constexpr Duration kPatienceMax{20'000};
inline constexpr Duration kNoProgressMax{60'000};  // a coordinator restarts in seconds; after a minute it is gone

// [offset, offset + bytes) of the artifact; `bytes` is at most kChunkBytes.
struct Piece {
  std::uint64_t offset = 0;
  std::size_t bytes = 0;
  friend bool operator==(const Piece&, const Piece&) = default;
};

// What a Fetch or a Grant opens.
struct Window {
  std::uint64_t offset = 0;
  std::uint64_t credit = 0;
  friend bool operator==(const Window&, const Window&) = default;
};

// The message that carries `bytes`, read from `offset`, with its hash. At most kChunkBytes.
wire::Chunk make_chunk(const wire::Artifact& artifact, std::uint64_t offset, std::string bytes);

// "input of task 3/7", "source of job 3": for logs and faults.
std::string describe(const wire::Artifact& artifact);

// ---- Sending: what is asked for and not yet sent. Two numbers. ----

// The coordinator makes one when a Fetch arrives, with its authority checked, and keeps it while next() has something; then,
// or whenever it likes, it may forget it: the next Fetch makes it anew.
class SendingTransfer {
 public:
  explicit SendingTransfer(std::uint64_t artifact_bytes) : bytes_(artifact_bytes) {}

  // A Fetch or Grant arrived. Continues what is unsent, or starts again at its offset. Beyond the artifact's end, and
  // beyond kCreditBytes unsent, it opens nothing.
  void open(Window window);
  // What to read and send next, if anything is asked for; the same until advance().
  [[nodiscard]] std::optional<Piece> next() const;
  // That piece was sent. Where sending was refused for now (kFull), do not call this, and try again later.
  void advance();

 private:
  std::uint64_t bytes_;
  std::uint64_t next_ = 0;
  std::uint64_t end_ = 0;  // of the open windows
};

// ---- Receiving ----

class ReceivingTransfer {
 public:
  // `facts` as promised by whoever has the artifact. A caller that kept the first `offset` bytes of an earlier try goes on
  // there with their running hash.
  ReceivingTransfer(wire::Artifact artifact, wire::ArtifactFacts facts);
  ReceivingTransfer(wire::Artifact artifact, wire::ArtifactFacts facts, std::uint64_t offset, ArtifactHash so_far);

  // What a chunk led to.
  struct Taken {
    std::string write;  // to be written at `write_offset`; empty where the chunk was ignored
    std::uint64_t write_offset = 0;
    std::optional<Window> open;  // to be sent to the sender; of no credit near the end
    bool doubled = false;        // these bytes were here before
  };
  // The chunk must be of this artifact.
  Taken take(wire::Chunk chunk);
  // The window to begin with, and again whenever windows or chunks may have been lost. Nothing once whole.
  std::optional<Window> open_again();
  // The Grant that sends a window of take().
  [[nodiscard]] wire::Grant grant(Window window) const { return {artifact_, window.offset, window.credit, offset_}; }
  // The answer to a Store, first or repeated: Stored when `synced`, else a Grant from where we are; one of no credit at the
  // end while the caller still syncs. `synced`: whole, verdict() checked, and the file on disk.
  wire::Data answer_store(bool synced);

  // Everything below is here.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  [[nodiscard]] bool whole() const { return offset_ == facts_.bytes; }
  // Once whole: kMachine if the bytes are not those promised, although every chunk's hash was right: the sender's file
  // changed under it, or one of the two machines errs.
  [[nodiscard]] Result<> verdict() const;
  [[nodiscard]] const wire::Artifact& artifact() const { return artifact_; }
  [[nodiscard]] const wire::ArtifactFacts& facts() const { return facts_; }

 private:
  wire::Artifact artifact_;
  wire::ArtifactFacts facts_;
  ArtifactHash hash_;
  std::uint64_t offset_ = 0;
  std::uint64_t opened_ = 0;     // end of the last window
  std::uint64_t told_ = 0;       // offset_ when it was opened
  bool asked_for_lost_ = false;  // once per gap: what else was on its way behind it must not ask again
};

// ---- The timed ends, of worker and submitter ----

// When to repeat a request and when to give up; shared by both.
class TransferClock {
 public:
  explicit TransferClock(Instant now) : progressed_(now), asked_(now) {}
  void progress(Instant now) { progressed_ = asked_ = now; }
  void ask_again(Instant now);
  // The first sign after ask_again() of whether it was `too_early`, because progress was on its way: then patience doubles.
  void learn(bool too_early);
  [[nodiscard]] Instant due() const;
  [[nodiscard]] bool gives_up(Instant now) const { return now - progressed_ >= kNoProgressMax; }

 private:
  Instant progressed_;
  Instant asked_;
  Duration patience_ = kPatienceMin;
  bool repeated_ = false;
};

// Fetches one artifact from the coordinator.
class Download {
 public:
  // What to do now: write the bytes, then send the message.
  struct Step {
    std::string write;  // at write_offset; empty: nothing
    std::uint64_t write_offset = 0;
    std::optional<wire::Data> send;
  };
  Download(wire::Artifact artifact, wire::ArtifactFacts facts, Instant now);

  [[nodiscard]] Step start();
  // Every Chunk and Denied of this artifact; anything else is ignored, as is everything after the end.
  [[nodiscard]] Step handle(wire::Data message, Instant now);
  // Call at due() or later.
  [[nodiscard]] Step tick(Instant now);
  [[nodiscard]] Instant due() const { return clock_.due(); }

  // Every byte has been handed out and the whole has the promised hash.
  [[nodiscard]] bool done() const { return !fault_ && transfer_.whole(); }
  // It cannot go on: the coordinator's own fault (Denied), kMachine (wrong bytes) or kUnavailable (no progress).
  [[nodiscard]] const std::optional<Fault>& fault() const { return fault_; }
  [[nodiscard]] bool ended() const { return fault_ || transfer_.whole(); }
  [[nodiscard]] std::uint64_t offset() const { return transfer_.offset(); }

 private:
  [[nodiscard]] std::optional<wire::Data> fetch(std::optional<Window> window) const;  // none for an empty window
  void check_when_whole();

  ReceivingTransfer transfer_;
  TransferClock clock_;
  std::optional<Fault> fault_;
};

// Stores one artifact at the coordinator. The owner sends what steps return, and between messages, as long as the socket
// takes it, reads next() from the file, sends make_chunk() of it, and calls advance().
class Upload {
 public:
  Upload(wire::Artifact artifact, wire::ArtifactFacts facts, Instant now);

  [[nodiscard]] wire::Data start() const { return wire::Store{artifact_, facts_}; }
  // Every Grant, Stored and Denied of this artifact; anything else is ignored, as is everything after the end.
  void handle(const wire::Data& message, Instant now);
  // Call at due() or later. What to send, if anything.
  [[nodiscard]] std::optional<wire::Data> tick(Instant now);
  [[nodiscard]] Instant due() const { return clock_.due(); }

  [[nodiscard]] std::optional<Piece> next() const { return ended() ? std::nullopt : sending_.next(); }
  void advance() { sending_.advance(); }

  // The coordinator has it whole, checked and synced.
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] const std::optional<Fault>& fault() const { return fault_; }  // as Download::fault
  [[nodiscard]] bool ended() const { return done_ || fault_; }
  // The coordinator has said that everything below is there.
  [[nodiscard]] std::uint64_t offset() const { return received_; }

 private:
  wire::Artifact artifact_;
  wire::ArtifactFacts facts_;
  SendingTransfer sending_;
  TransferClock clock_;
  std::uint64_t received_ = 0;  // by the coordinator, as it last said
  bool heard_ = false;          // any Grant: the first counts as progress although it is at 0
  bool done_ = false;
  std::optional<Fault> fault_;
};

}  // namespace gopmill
