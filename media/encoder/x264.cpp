// x264 r3095, through libavcodec 5.1.

#include <array>
#include <string>

#include "media/encoder/encoder_facts.h"
#include "media/encoder/encoder_options.h"
#include "media/encoder/x26x.h"

namespace gopmill {

namespace {

// Lookahead and B frames: x264 common/base.c param_apply_preset; what is not there has the defaults of medium.
constexpr PresetFacts kPresets[] = {
    {"ultrafast", 0, 0, 6}, {"superfast", 0, 3, 9}, {"veryfast", 10, 3, 15}, {"faster", 20, 3, 22},    {"fast", 30, 3, 28},
    {"medium", 40, 3, 33},  {"slow", 50, 3, 45},    {"slower", 60, 3, 80},   {"veryslow", 60, 8, 120}, {"placebo", 60, 16, 250}};
constexpr double kIpRatioGrain = 1.1;  // with `tune grain`

constexpr std::string_view kReserved[] = {"threads",         "lookahead-threads",
                                          "sliced-threads",  "keyint",
                                          "min-keyint",      "scenecut",
                                          "open-gop",        "nal-hrd",
                                          "stitchable",      "fps",
                                          "force-cfr",       "repeat-headers",
                                          "annexb",          "zones",
                                          "cpu-independent", "qpfile",
                                          "stats",           "pass",
                                          "dump-yuv"};
constexpr std::string_view kListComplaints[] = {"Error parsing option", "bad value"};

EncoderOptions options(const EncoderSettings& s, const EncoderStart& start) {
  EncoderOptions result{{"preset", s.preset}};
  if (s.codec_profile != "auto") result.emplace_back("profile", s.codec_profile);
  if (s.level != "auto") result.emplace_back("level", s.level);
  result.emplace_back("forced-idr", "1");
  std::string parameters =
      "stitchable=1:cpu-independent=1:threads=1:lookahead-threads=1:keyint=infinite:min-keyint=" + std::to_string(kNeverKey) +
      ":scenecut=0:open-gop=0:nal-hrd=none:fps=" + fraction(told_rate(s.frame_rate));
  if (s.rate.maxrate) parameters += std::string(":vbv-init=") + x26x::kBufferStart;
  parameters += x26x::zone("0,0", s, start);
  parameters += hdr_parameters(s, "mastering-display", "cll", false);
  result.emplace_back("x264-params", with_own(parameters, s, "x264-params"));
  return result;
}

// Needs mbtree, whose presence makes quantisers independent of what the frames cost.
std::optional<double> first_frame_factor_of(const EncoderSettings& encoder) {
  const std::string_view list = option_of(encoder, "x264-params");
  const std::string_view tune = option_of(encoder, "tune");
  if (!x26x::rate_control_is_plain(encoder, list)) return std::nullopt;
  if (x26x::lookahead_depth(encoder).lookahead == 0 || x26x::is_off(value_in_list(list, "mbtree")) ||
      value_in_list(list, "no-mbtree") || x26x::is_off(option_of(encoder, "mbtree")))
    return std::nullopt;
  double ratio = tune.find("grain") != std::string_view::npos ? kIpRatioGrain : x26x::kIpRatio;
  if (const auto own = value_in_list(list, "ipratio")) ratio = number(*own).value_or(0);
  // A cold first frame gets the quantiser of a P frame; later key frames that of the P frames before them over the ratio.
  return ratio > 0 ? std::optional(ratio) : std::nullopt;
}

// x264's note of its version and settings, an SEI message of its own (x264 encoder/set.c, x264_sei_version_write): NAL header, payload
// type "user data, unregistered", and after the payload's size the first bytes of x264's identifier.
constexpr std::uint8_t kSeiNal = 6;
constexpr std::uint8_t kUserDataPayload = 5;
constexpr std::array<std::uint8_t, 4> kX264Identifier{0xdc, 0x45, 0xe9, 0xbd};

bool starts_nal(std::string_view bytes, std::size_t at) {
  return at + 3 <= bytes.size() && bytes[at] == 0 && bytes[at + 1] == 0 && bytes[at + 2] == 1;
}

bool is_note(std::string_view nal) {
  const auto byte = [nal](std::size_t at) { return at < nal.size() ? static_cast<std::uint8_t>(nal[at]) : 0; };
  if ((byte(0) & 31U) != kSeiNal || byte(1) != kUserDataPayload) return false;
  std::size_t at = 2;
  while (byte(at) == 255) ++at;  // the size: as many 255s as fit, and the rest
  ++at;
  for (std::size_t i = 0; i < kX264Identifier.size(); ++i) {
    if (byte(at + i) != kX264Identifier[i]) return false;
  }
  return true;
}

// One encode of the whole video has the note once, and 700 bytes at each join are 0.7 % of a small rendition.
void drop_note(std::string& bytes) {
  std::size_t at = 0;
  while (at < bytes.size() && !starts_nal(bytes, at)) ++at;
  if (at == bytes.size() || !is_note(std::string_view(bytes).substr(at + 3))) return;
  std::size_t next = at + 3;
  while (next < bytes.size() && !starts_nal(bytes, next)) ++next;
  if (next == bytes.size()) return;
  bytes.erase(0, bytes[next - 1] == 0 ? next - 1 : next);  // a frame's first NAL has the long start code
}

}  // namespace

constinit const EncoderFacts kX264Facts{.encoder = Encoder::kX264,
                                        .name = "libx264",
                                        .codec = VideoCodec::kH264,
                                        .quality = x26x::kCrf51,
                                        .presets = kPresets,
                                        .measuring_preset = "veryfast",
                                        .quicker_presets = x26x::kQuickerPresets,
                                        .own_list = "x264-params",
                                        .reserved_words = kReserved,
                                        .list_complaints = kListComplaints,
                                        .options = options,
                                        .lookahead_frames = x26x::lookahead_frames,
                                        .first_frame_factor = first_frame_factor_of,
                                        .memory = x26x::memory,
                                        .strip_first_packet = drop_note};

}  // namespace gopmill
