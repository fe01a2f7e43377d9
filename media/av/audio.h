#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/result.h"
#include "media/task/journal.h"
#include "media/task/task.h"

struct AVFrame;

namespace gopmill::av {

// Makes libav use no instruction set beyond the baseline from now on, in the whole process: audio is computed in floating point,
// and SSE, AVX and FMA paths round differently. Call it before anything of libav is opened.
void use_plain_arithmetic();

// Blocks of planar floats: one pointer per channel, `samples` values each; they live for the call.
using OnAudio = std::function<Result<>(const float* const* planes, int samples)>;

// What a mix of several channels may come to: kSafe is scaled so that no input can clip; kWhole is as BS.775 writes it, for who
// listens to all of it and then chooses one gain.
enum class MixLevel : std::uint8_t { kSafe = 1, kWhole = 2 };

// Turns decoded audio of any rate, layout and sample format into planar float of one rate and channel count, mixing down as
// media/signal/mixing.h says. A layout that is not said is taken as the usual one for its number of channels. When the source changes its
// shape, what the resampler still holds comes out and a new one starts. No delay: the first sample out is the first sample in, and
// so many come out as the same time holds at the new rate, to the nearest. Not thread-safe.
class AudioConverter {
 public:
  AudioConverter(int sample_rate, int channels, MixLevel level);
  AudioConverter(AudioConverter&&) noexcept;
  ~AudioConverter();

  // From sample `skip` of the frame on. kInput if the audio cannot be converted at all.
  Result<> push(AVFrame& frame, int skip, const OnAudio& on_audio);
  // As if so many samples of the source's present rate had been silent. Precondition: push() was called.
  Result<> silence(std::int64_t samples, const OnAudio& on_audio);
  // What the resampler still holds. After this the next push starts a new one.
  Result<> finish(const OnAudio& on_audio);

 private:
  // Would push() go on with the resampler that is there?
  [[nodiscard]] bool continues(const AVFrame& frame) const;

  struct State;
  std::unique_ptr<State> state_;
};

const char* encoder_name(AudioCodec codec);  // libavcodec's: "aac"

// Encodes one continuous stream of audio: AAC-LC (libavcodec's own encoder) or Opus (libopus), bit-exact. Not thread-safe.
class AudioEncoder {
 public:
  using OnPacket = std::function<Result<>(JournalPacket)>;

  // kConfig if the encoder refuses the profile, with its words.
  static Result<AudioEncoder> open(const AudioTask& task);
  AudioEncoder(AudioEncoder&&) noexcept;
  ~AudioEncoder();

  // Base is 1/sample_rate; initial_padding is how many samples of priming come first.
  [[nodiscard]] const StreamParameters& parameters() const;
  // Times count from the first sample sent, which is at 0; the first packet's pts is -initial_padding. Durations are exact: the last
  // packet's is what is left of the audio.
  Result<> send(const float* const* planes, int samples, const OnPacket& on_packet);
  Result<> finish(const OnPacket& on_packet);
  [[nodiscard]] std::int64_t samples() const;  // sent so far

 private:
  struct State;
  explicit AudioEncoder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gopmill::av
