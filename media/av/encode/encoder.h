#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "media/encoder/encoder_start.h"
#include "media/task/journal.h"
#include "media/task/task.h"

struct AVFrame;

namespace gopmill::av {

// Encodes the frames of one rendition of one segment. Built so that segments join: key frames only where they are
// asked for and always as IDR, one thread (thread counts change bytes), bit-exact paths where the encoder has them
// (x264 cpu-independent), parameter sets that do not depend on the segment (x264 stitchable, no HRD), headers out of band.
// Not thread-safe.
class VideoEncoder {
 public:
  using OnPacket = std::function<Result<>(JournalPacket)>;

  // kConfig if the encoder refuses a setting, naming it.
  static Result<VideoEncoder> open(const EncoderSettings& settings, const EncoderStart& start);
  VideoEncoder(VideoEncoder&&) noexcept;
  VideoEncoder& operator=(VideoEncoder&&) noexcept;
  ~VideoEncoder();

  // Known from the start: extradata is written before the first frame.
  [[nodiscard]] const StreamParameters& parameters() const;
  // `frame` (size and format as in the settings) is shown at `pts`, ticks of settings.base.
  Result<> send(AVFrame& frame, std::int64_t pts, bool key, const OnPacket& on_packet);
  Result<> finish(const OnPacket& on_packet);

 private:
  struct State;
  explicit VideoEncoder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// What is wrong with a rendition's preset, codec profile, level or options, asked of the encoder itself by opening it. Also refuses
// encoder parameters that would break joins or bytes (threads, key frames, HRD). Nothing of a media file is involved.
std::optional<EncoderComplaint> complaint_about(const RenditionProfile& rendition);

}  // namespace gopmill::av
