#include "media/av/audio.h"

extern "C" {
#include <libavutil/channel_layout.h>
#include <libavutil/cpu.h>
#include <libswresample/swresample.h>
}

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "media/av/handles.h"
#include "media/signal/mixing.h"
#include "media/task/timeline.h"

namespace gopmill::av {

namespace {

constexpr int kChannelsMax = 8;      // of the output; the profile allows 1, 2 and 6
constexpr int kBlockSamples = 4096;  // of silence, made at a time
constexpr float kLoudest = 16.0F;    // 24 dB above full scale: louder is damage, not music

struct FreeResampler {
  void operator()(SwrContext* context) const { swr_free(&context); }
};
using Resampler = std::unique_ptr<SwrContext, FreeResampler>;

// A channel layout as an owner.
struct Layout {
  AVChannelLayout value{};
  Layout() = default;
  Layout(const Layout&) = delete;
  Layout& operator=(const Layout&) = delete;
  ~Layout() { av_channel_layout_uninit(&value); }
  void usual_for(int channels) {
    av_channel_layout_uninit(&value);
    av_channel_layout_default(&value, channels);
  }
  void copy_from(const AVChannelLayout& other) { GOPMILL_CHECK(av_channel_layout_copy(&value, &other) >= 0); }
};

struct Shape {
  int sample_rate = 0;
  int format = -1;
  Layout layout;
};

float tame(float value) { return std::isfinite(value) ? std::clamp(value, -kLoudest, kLoudest) : 0.0F; }

void take_layout(const AVFrame& frame, Layout& layout) {
  if (frame.ch_layout.order == AV_CHANNEL_ORDER_UNSPEC && frame.ch_layout.nb_channels == 3) {
    // libavutil would call the third one LFE, and nobody would hear it; in WAVE files it is the centre.
    layout.copy_from(AV_CHANNEL_LAYOUT_SURROUND);
  } else if (frame.ch_layout.order == AV_CHANNEL_ORDER_UNSPEC) {
    layout.usual_for(frame.ch_layout.nb_channels);
  } else {
    layout.copy_from(frame.ch_layout);
  }
}

constexpr bool is(AVChannel channel, Speaker speaker) { return static_cast<int>(channel) == static_cast<int>(speaker); }
static_assert(is(AV_CHAN_FRONT_LEFT, kFrontLeft) && is(AV_CHAN_SIDE_LEFT, kSideLeft) &&
              is(AV_CHAN_TOP_BACK_RIGHT, kTopBackRight) && is(AV_CHAN_STEREO_LEFT, kStereoLeft) &&
              is(AV_CHAN_BOTTOM_FRONT_RIGHT, kBottomFrontRight));

Mixing mixing_of(const AVChannelLayout& in, int out, MixLevel level) {
  std::vector<int> speakers;
  for (int i = 0; i < in.nb_channels; ++i)
    speakers.push_back(av_channel_layout_channel_from_index(&in, static_cast<unsigned>(i)));
  std::optional<Mixing> mixing = mix_speakers(speakers, out);
  if (!mixing) return mix_evenly(in.nb_channels, out);
  return level == MixLevel::kSafe ? without_clipping(std::move(*mixing)) : std::move(*mixing);
}

}  // namespace

void use_plain_arithmetic() { av_force_cpu_flags(0); }

struct AudioConverter::State {
  int sample_rate = 0;
  Layout out;
  Resampler resampler;  // none: nothing pushed since the last finish()
  Shape shape;          // what it takes
  MixLevel level = MixLevel::kSafe;
  std::int64_t taken = 0;  // samples by this resampler, at the source's rate
  std::int64_t given = 0;  // by it, at ours
  LastWords words;

  Result<> start(const AVFrame& frame);
  Result<> give(const float* const* planes, int samples, const OnAudio& on_audio);
  Result<> round_off(const OnAudio& on_audio);
  Result<> convert(const std::uint8_t** planes, int samples, const OnAudio& on_audio);
};

AudioConverter::AudioConverter(int sample_rate, int channels, MixLevel level) : state_(std::make_unique<State>()) {
  GOPMILL_CHECK(channels >= 1 && channels <= kChannelsMax);
  state_->sample_rate = sample_rate;
  state_->level = level;
  state_->out.usual_for(channels);
}
AudioConverter::AudioConverter(AudioConverter&&) noexcept = default;
AudioConverter::~AudioConverter() = default;

Result<> AudioConverter::State::start(const AVFrame& frame) {
  if (frame.sample_rate < 1 || frame.ch_layout.nb_channels < 1 || frame.ch_layout.nb_channels > kSourceChannelsMax) {
    return fail(FaultKind::kInput, "audio of " + std::to_string(frame.sample_rate) + " Hz and " +
                                       std::to_string(frame.ch_layout.nb_channels) + " channels");
  }
  take_layout(frame, shape.layout);
  shape.sample_rate = frame.sample_rate;
  shape.format = frame.format;
  LastWords::clear();
  SwrContext* made = nullptr;
  int error = swr_alloc_set_opts2(&made, &out.value, AV_SAMPLE_FMT_FLTP, sample_rate, &shape.layout.value,
                                  static_cast<AVSampleFormat>(shape.format), shape.sample_rate, 0, nullptr);
  resampler.reset(made);
  if (error >= 0) {
    const auto columns = static_cast<std::size_t>(shape.layout.value.nb_channels);
    std::vector<double> matrix;
    for (const std::vector<double>& row : mixing_of(shape.layout.value, out.value.nb_channels, level)) {
      GOPMILL_CHECK(row.size() == columns);
      matrix.insert(matrix.end(), row.begin(), row.end());
    }
    error = swr_set_matrix(made, matrix.data(), static_cast<int>(columns));
  }
  if (error >= 0) error = swr_init(made);
  if (error < 0) {
    resampler.reset();
    return std::unexpected(fault_of(FaultKind::kInput, "the audio cannot be converted", error));
  }
  return {};
}

// Gives the resampler `samples` of input, or with null planes the end of it, and hands out what comes.
Result<> AudioConverter::State::convert(const std::uint8_t** planes, int samples, const OnAudio& on_audio) {
  const auto channels = static_cast<std::size_t>(out.value.nb_channels);
  std::array<std::vector<float>, kChannelsMax> block;
  std::array<std::uint8_t*, kChannelsMax> to{};
  std::array<const float*, kChannelsMax> from{};
  taken += samples;
  for (;;) {
    const int space = std::max(1, swr_get_out_samples(resampler.get(), samples));
    for (std::size_t c = 0; c < channels; ++c) {
      block[c].resize(static_cast<std::size_t>(space));
      from[c] = block[c].data();
      to[c] = reinterpret_cast<std::uint8_t*>(block[c].data());
    }
    const int got = swr_convert(resampler.get(), to.data(), space, planes, samples);
    if (got < 0) return std::unexpected(fault_of(FaultKind::kInput, "the audio cannot be converted", got));
    for (std::size_t c = 0; c < channels; ++c) {
      // Encoders refuse what is not a number, and it spreads; files of floats may hold anything.
      for (int i = 0; i < got; ++i) block[c][static_cast<std::size_t>(i)] = tame(block[c][static_cast<std::size_t>(i)]);
    }
    if (got > 0) TRY(give(from.data(), got, on_audio));
    // The space was enough for all of the input; only the end of it may come in several parts.
    if (planes || got == 0) return {};
  }
}

// No more than the time of what was taken: at its end libswresample gives what its filter still holds, a few samples more or less.
Result<> AudioConverter::State::give(const float* const* planes, int samples, const OnAudio& on_audio) {
  const std::int64_t due = rescale(taken, {1, shape.sample_rate}, {1, sample_rate});
  const int part = static_cast<int>(std::clamp<std::int64_t>(due - given, 0, samples));
  given += part;
  return part > 0 ? on_audio(planes, part) : Result<>();
}

Result<> AudioConverter::State::round_off(const OnAudio& on_audio) {
  const std::int64_t lack = rescale(taken, {1, shape.sample_rate}, {1, sample_rate}) - given;
  if (lack <= 0) return {};
  const std::vector<float> quiet(static_cast<std::size_t>(lack), 0.0F);
  std::array<const float*, kChannelsMax> from{};
  from.fill(quiet.data());
  return give(from.data(), static_cast<int>(lack), on_audio);
}

bool AudioConverter::continues(const AVFrame& frame) const {
  const State& s = *state_;
  if (!s.resampler || frame.sample_rate != s.shape.sample_rate || frame.format != s.shape.format) return false;
  Layout layout;
  take_layout(frame, layout);
  return av_channel_layout_compare(&layout.value, &s.shape.layout.value) == 0;
}

Result<> AudioConverter::push(AVFrame& frame, int skip, const OnAudio& on_audio) {
  State& s = *state_;
  if (!continues(frame)) {
    TRY(finish(on_audio));
    TRY(s.start(frame));
  }
  if (skip >= frame.nb_samples) return {};
  const bool planar = av_sample_fmt_is_planar(static_cast<AVSampleFormat>(frame.format)) != 0;
  const auto step = static_cast<std::size_t>(av_get_bytes_per_sample(static_cast<AVSampleFormat>(frame.format))) *
                    static_cast<std::size_t>(planar ? 1 : frame.ch_layout.nb_channels);
  std::vector<const std::uint8_t*> planes(static_cast<std::size_t>(planar ? frame.ch_layout.nb_channels : 1));
  for (std::size_t i = 0; i < planes.size(); ++i) planes[i] = frame.extended_data[i] + step * static_cast<std::size_t>(skip);
  return s.convert(planes.data(), frame.nb_samples - skip, on_audio);
}

Result<> AudioConverter::silence(std::int64_t samples, const OnAudio& on_audio) {
  State& s = *state_;
  GOPMILL_CHECK(s.resampler);
  const auto format = static_cast<AVSampleFormat>(s.shape.format);
  const int channels = s.shape.layout.value.nb_channels;
  const int planes = av_sample_fmt_is_planar(format) ? channels : 1;
  const auto plane_bytes = static_cast<std::size_t>(av_get_bytes_per_sample(format)) *
                           static_cast<std::size_t>(planes == 1 ? channels : 1) * kBlockSamples;
  // Unsigned bytes are silent at 128, everything else at 0.
  const bool is_unsigned = format == AV_SAMPLE_FMT_U8 || format == AV_SAMPLE_FMT_U8P;
  const std::vector<std::uint8_t> quiet(plane_bytes, is_unsigned ? 0x80 : 0);
  std::vector<const std::uint8_t*> from(static_cast<std::size_t>(planes), quiet.data());
  for (std::int64_t left = samples; left > 0; left -= kBlockSamples) {
    TRY(s.convert(from.data(), static_cast<int>(std::min<std::int64_t>(left, kBlockSamples)), on_audio));
  }
  return {};
}

Result<> AudioConverter::finish(const OnAudio& on_audio) {
  State& s = *state_;
  if (!s.resampler) return {};
  TRY(s.convert(nullptr, 0, on_audio));
  TRY(s.round_off(on_audio));
  s.resampler.reset();
  s.taken = s.given = 0;
  return {};
}

// ---- Encoding ----

struct AudioEncoder::State {
  LastWords words;
  CodecContext context;
  Packet packet = make_packet();
  Frame frame = make_frame();  // being filled, up to the encoder's frame size
  StreamParameters parameters;
  int channels = 0;
  int filled = 0;
  std::int64_t samples = 0;
  std::int64_t given = 0;  // samples the packets so far show, priming included
  std::uint32_t packets = 0;
  bool ended = false;

  Result<> encode(AVFrame* full, const OnPacket& on_packet);
  Result<> take(const OnPacket& on_packet);
};

const char* encoder_name(AudioCodec codec) { return codec == AudioCodec::kOpus ? "libopus" : "aac"; }

AudioEncoder::AudioEncoder(std::unique_ptr<State> state) : state_(std::move(state)) {}
AudioEncoder::AudioEncoder(AudioEncoder&&) noexcept = default;
AudioEncoder::~AudioEncoder() = default;
const StreamParameters& AudioEncoder::parameters() const { return state_->parameters; }
std::int64_t AudioEncoder::samples() const { return state_->samples; }

Result<AudioEncoder> AudioEncoder::open(const AudioTask& task) {
  auto state = std::make_unique<State>();
  LastWords::clear();
  const bool opus = task.profile.codec == AudioCodec::kOpus;
  const char* const name = encoder_name(task.profile.codec);
  const AVCodec* codec = avcodec_find_encoder_by_name(name);
  if (!codec) return fail(FaultKind::kMachine, std::string("this build of FFmpeg has no encoder ") + name);
  state->context.reset(avcodec_alloc_context3(codec));
  GOPMILL_CHECK(state->context);
  AVCodecContext& context = *state->context;
  context.sample_rate = task.sample_rate;
  context.time_base = {1, task.sample_rate};
  context.bit_rate = task.profile.bitrate;
  context.flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;
  context.thread_count = 1;
  av_channel_layout_default(&context.ch_layout, task.channels);
  // libopus takes interleaved floats, the others planar ones.
  context.sample_fmt = opus ? AV_SAMPLE_FMT_FLT : AV_SAMPLE_FMT_FLTP;
  if (const int error = avcodec_open2(&context, codec, nullptr); error < 0) {
    return std::unexpected(fault_of(FaultKind::kConfig, std::string(codec->name) + " refuses its settings", error));
  }
  const CodecParameters par(avcodec_parameters_alloc());
  GOPMILL_CHECK(par && avcodec_parameters_from_context(par.get(), &context) >= 0);
  state->parameters = parameters_of(*par, context.time_base);
  state->channels = task.channels;
  AVFrame& frame = *state->frame;
  frame.format = context.sample_fmt;
  frame.sample_rate = context.sample_rate;
  frame.nb_samples = context.frame_size;
  if (av_channel_layout_copy(&frame.ch_layout, &context.ch_layout) < 0 || av_frame_get_buffer(&frame, 0) < 0) {
    return fail(FaultKind::kMachine, "out of memory for a block of audio");
  }
  return AudioEncoder(std::move(state));
}

Result<> AudioEncoder::State::take(const OnPacket& on_packet) {
  const int padding = parameters.initial_padding;
  const std::int64_t end = ended ? samples + padding : INT64_MAX;
  for (;;) {
    const int error = avcodec_receive_packet(context.get(), packet.get());
    if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return {};
    if (error < 0) return std::unexpected(fault_of(FaultKind::kMachine, "the encoder failed", error));
    // Durations are counted here and not taken from the encoder: libopus leaves the last one whole.
    const std::int64_t shows = std::min<std::int64_t>(context->frame_size, end - given);
    JournalPacket out;
    out.ordinal = packets;
    out.pts = out.dts = given - padding;
    out.duration = shows;
    out.key = true;
    out.bytes.assign(reinterpret_cast<const char*>(packet->data), static_cast<std::size_t>(packet->size));
    av_packet_unref(packet.get());
    // A packet after the end of the audio is only the encoder's own tail.
    if (shows <= 0) continue;
    given += shows;
    ++packets;
    TRY(on_packet(std::move(out)));
  }
}

Result<> AudioEncoder::State::encode(AVFrame* full, const OnPacket& on_packet) {
  const int error = avcodec_send_frame(context.get(), full);
  if (error < 0) return std::unexpected(fault_of(FaultKind::kMachine, "the encoder refuses a block of audio", error));
  return take(on_packet);
}

Result<> AudioEncoder::send(const float* const* planes, int samples, const OnPacket& on_packet) {
  State& s = *state_;
  const int size = s.context->frame_size;
  for (int done = 0; done < samples;) {
    if (av_frame_make_writable(s.frame.get()) < 0) return fail(FaultKind::kMachine, "out of memory for a block of audio");
    const int part = std::min(samples - done, size - s.filled);
    for (int c = 0; c < s.channels; ++c) {
      const float* from = planes[c] + done;
      if (s.context->sample_fmt == AV_SAMPLE_FMT_FLTP) {
        std::memcpy(reinterpret_cast<float*>(s.frame->data[c]) + s.filled, from, static_cast<std::size_t>(part) * sizeof(float));
        continue;
      }
      float* to = reinterpret_cast<float*>(s.frame->data[0]) + static_cast<std::ptrdiff_t>(s.filled) * s.channels + c;
      for (int i = 0; i < part; ++i) to[static_cast<std::ptrdiff_t>(i) * s.channels] = from[i];
    }
    done += part;
    s.filled += part;
    if (s.filled < size) break;
    s.frame->pts = s.samples;
    s.samples += size;
    s.filled = 0;
    TRY(s.encode(s.frame.get(), on_packet));
  }
  return {};
}

Result<> AudioEncoder::finish(const OnPacket& on_packet) {
  State& s = *state_;
  const int filled = std::exchange(s.filled, 0);
  s.samples += filled;
  s.ended = true;
  if (filled > 0) {
    s.frame->pts = s.samples - filled;
    s.frame->nb_samples = filled;
    TRY(s.encode(s.frame.get(), on_packet));
  }
  TRY(s.encode(nullptr, on_packet));
  if (s.given != s.samples + s.parameters.initial_padding) {
    return fail(FaultKind::kMachine, "the encoder gave " + std::to_string(s.given - s.parameters.initial_padding) + " of " +
                                         std::to_string(s.samples) + " samples");
  }
  return {};
}

}  // namespace gopmill::av
