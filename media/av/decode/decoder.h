#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "media/task/journal.h"

struct AVFrame;

namespace gopmill::av {

// Decodes one stream, send/receive/EAGAIN/EOF written once. Identity, not time: a video packet is sent with its ordinal
// as its timestamp, so each frame says which packet it came from whatever the source's clock does; a decoder carries
// pts through reordering untouched (all of libavcodec's do). Not thread-safe.
// Why: docs/decisions/02-frame-identity.md.
class Decoder {
 public:
  struct Options {
    int threads = 1;  // decoder threads never change the frames
  };
  // Called for each frame or block of audio, in presentation order. The frame is libav's own and lives for the call.
  using OnFrame = std::function<Result<>(AVFrame&)>;

  // kInput if the codec is unknown or not on the allow-list (allow_list.h).
  static Result<Decoder> open(const StreamParameters& parameters, const Options& options);
  Decoder(Decoder&&) noexcept;
  ~Decoder();

  // Video frames come out with pts = ordinal of their packet. Audio frames with pts in the stream's base, or INT64_MIN.
  // A frame that the decoder could not make whole is marked: facts_of() calls it damaged. With one thread that includes
  // frames of refused packets that come all the same, and HEVC frames with a missing reference, which FFmpeg 5.1 only logs.
  // A packet the decoder refuses is counted and skipped: whether a promised frame is missing is the caller's to say.
  Result<> send(const JournalPacket& packet, const OnFrame& on_frame);
  Result<> finish(const OnFrame& on_frame);
  [[nodiscard]] std::uint64_t refused() const;
  [[nodiscard]] std::string last_refusal() const;  // FFmpeg's words for the last one
  // FFmpeg's newest warning or error, whether it refused anything or not; empty if there was none.
  [[nodiscard]] std::string complaint() const;

 private:
  struct State;
  explicit Decoder(std::unique_ptr<State> state);
  Result<bool> drain(const OnFrame& on_frame);
  void listen();
  void refuse(int error);
  std::unique_ptr<State> state_;
};

}  // namespace gopmill::av
