#include "media/av/decode/subtitle_decoder.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "base/check.h"
#include "media/av/handles.h"

namespace gopmill::av {

namespace {

// By name: text codecs of libavcodec are not opened here, whatever a file says.
constexpr auto kDecoders = std::to_array<std::string_view>({"pgssub", "dvdsub", "dvbsub"});

struct Subtitle {
  AVSubtitle value{};
  Subtitle() = default;
  Subtitle(const Subtitle&) = delete;
  Subtitle& operator=(const Subtitle&) = delete;
  ~Subtitle() { avsubtitle_free(&value); }
};

// Rows of palette indexes as runs.
std::string runs_of(const AVSubtitleRect& rect) {
  std::string runs;
  std::uint8_t colour = 0;
  int count = 0;
  const auto flush = [&] {
    if (count > 0) runs += {static_cast<char>(count), static_cast<char>(colour)};
    count = 0;
  };
  for (int y = 0; y < rect.h; ++y) {
    const std::uint8_t* row = rect.data[0] + static_cast<std::ptrdiff_t>(y) * rect.linesize[0];
    for (int x = 0; x < rect.w; ++x) {
      if (row[x] != colour || count == 255) flush();
      colour = row[x];
      ++count;
    }
  }
  flush();
  return runs;
}

}  // namespace

struct SubtitleDecoder::State {
  LastWords words;
  CodecContext context;
  Packet packet = make_packet();
  int width = 0, height = 0;  // of the frame
};

SubtitleDecoder::SubtitleDecoder(std::unique_ptr<State> state) : state_(std::move(state)) {}
SubtitleDecoder::SubtitleDecoder(SubtitleDecoder&&) noexcept = default;
SubtitleDecoder::~SubtitleDecoder() = default;

Result<SubtitleDecoder> SubtitleDecoder::open(const StreamParameters& parameters, int width, int height) {
  auto state = std::make_unique<State>();
  const CodecParameters par = TRY(to_codec_parameters(parameters));
  const AVCodec* codec = avcodec_find_decoder(par->codec_id);
  if (!codec || std::ranges::find(kDecoders, std::string_view(codec->name)) == kDecoders.end())
    return fail(FaultKind::kInput, "subtitles of codec '" + parameters.codec + "' are not frames gopmill reads");
  state->context.reset(avcodec_alloc_context3(codec));
  GOPMILL_CHECK(state->context);
  if (const int error = avcodec_parameters_to_context(state->context.get(), par.get()); error < 0)
    return std::unexpected(fault_of(FaultKind::kInput, "cannot use the subtitle track's parameters", error));
  state->context->pkt_timebase = to_av(parameters.base);
  state->context->flags |= AV_CODEC_FLAG_BITEXACT;
  if (const int error = avcodec_open2(state->context.get(), codec, nullptr); error < 0)
    return std::unexpected(fault_of(FaultKind::kInput, "cannot open the decoder for " + parameters.codec, error));
  state->width = width;
  state->height = height;
  return SubtitleDecoder(std::move(state));
}

Result<std::optional<Bitmap>> SubtitleDecoder::send(const JournalPacket& packet) {
  State& s = *state_;
  av_packet_unref(s.packet.get());
  if (av_new_packet(s.packet.get(), static_cast<int>(packet.bytes.size())) < 0)
    return fail(FaultKind::kMachine, "out of memory for a packet");
  std::memcpy(s.packet->data, packet.bytes.data(), packet.bytes.size());
  s.packet->pts = packet.pts == INT64_MIN ? AV_NOPTS_VALUE : packet.pts;
  s.packet->duration = packet.duration;
  Subtitle subtitle;
  int got = 0;
  if (avcodec_decode_subtitle2(s.context.get(), &subtitle.value, &got, s.packet.get()) < 0 || got == 0)
    return std::optional<Bitmap>();
  Bitmap bitmap;
  bitmap.start = subtitle.value.start_display_time;
  const std::uint32_t end = subtitle.value.end_display_time;
  bitmap.end = end == UINT32_MAX || end <= subtitle.value.start_display_time ? INT64_MAX : static_cast<std::int64_t>(end);
  bitmap.width = s.context->width > 0 ? s.context->width : s.width;
  bitmap.height = s.context->height > 0 ? s.context->height : s.height;
  for (unsigned i = 0; i < subtitle.value.num_rects && bitmap.rects.size() < kBitmapRectsMax; ++i) {
    const AVSubtitleRect& rect = *subtitle.value.rects[i];
    if (rect.type != SUBTITLE_BITMAP || !rect.data[0] || !rect.data[1] || rect.w < 1 || rect.h < 1 || rect.w > kBitmapSideMax ||
        rect.h > kBitmapSideMax || std::abs(rect.x) > kBitmapSideMax || std::abs(rect.y) > kBitmapSideMax) {
      continue;
    }
    BitmapRect out{rect.x, rect.y, rect.w, rect.h, {}, runs_of(rect)};
    out.palette.resize(kBitmapPaletteMax);
    const auto colours = static_cast<std::size_t>(std::clamp<int>(rect.nb_colors, 0, kBitmapPaletteMax));
    std::memcpy(out.palette.data(), rect.data[1], colours * sizeof(std::uint32_t));
    bitmap.rects.push_back(std::move(out));
  }
  return std::optional(std::move(bitmap));
}

}  // namespace gopmill::av
