// x265 3.5, through libavcodec 5.1.

#include <algorithm>
#include <cmath>
#include <string>

#include "media/encoder/encoder_facts.h"
#include "media/encoder/encoder_options.h"
#include "media/encoder/x26x.h"

namespace gopmill {

namespace {

// Lookahead and B frames: x265 documentation, "Presets".
constexpr PresetFacts kPresets[] = {{"ultrafast", 5, 3, 20}, {"superfast", 10, 3, 25}, {"veryfast", 15, 4, 30},
                                    {"faster", 15, 4, 32},   {"fast", 15, 4, 40},      {"medium", 20, 4, 60},
                                    {"slow", 25, 4, 120},    {"slower", 40, 8, 300},   {"veryslow", 40, 8, 500},
                                    {"placebo", 60, 8, 800}};
// Those that put as many B frames between P frames as there may be (b-adapt 0); the others choose, and on natural films choose about three.
constexpr std::string_view kFixedBframes[] = {"ultrafast", "superfast", "veryfast", "faster", "fast"};
constexpr std::uint32_t kTypicalBframes = 3;
constexpr double kPbRatio = 1.3;        // P frames over B frames, bits
constexpr double kQCompress = 0.6;      // with cutree: what is left of the frame rate's say
constexpr double kTreeOffset = 13.5;    // quantiser steps that cutree takes from the rate factor, times 1 - qcompress
constexpr double kBaseDuration = 0.04;  // seconds a frame lasts for which the rate factor is meant
constexpr double kDurationMin = 0.01, kDurationMax = 1.0;
// x265 3.5 looks at no frame past a key that another follows at once, and has the buffer half full after it at any price. Before the next
// key such a frame is shown for long, so what came before was as well, and the buffer is nearly full.
constexpr const char* kBufferStartAlone = "0.9";

constexpr std::string_view kReserved[] = {"lookahead-threads",
                                          "keyint",
                                          "min-keyint",
                                          "scenecut",
                                          "open-gop",
                                          "hrd",
                                          "fps",
                                          "pools",
                                          "wpp",
                                          "frame-threads",
                                          "repeat-headers",
                                          "annexb",
                                          "chunk-start",
                                          "chunk-end",
                                          "zones",
                                          "zonefile",
                                          "qpfile",
                                          "stats",
                                          "pass",
                                          "csv",
                                          "analysis-save",
                                          "analysis-load"};
constexpr std::string_view kListComplaints[] = {"Unknown option", "Invalid value"};

EncoderOptions options(const EncoderSettings& s, const EncoderStart& start) {
  EncoderOptions result{{"preset", s.preset}};
  if (s.codec_profile != "auto") result.emplace_back("profile", s.codec_profile);
  result.emplace_back("forced-idr", "1");
  std::string parameters =
      "log-level=error:info=0:keyint=-1:min-keyint=1:scenecut=0:open-gop=0:pools=none:frame-threads=1:hrd=0:"
      "repeat-headers=0:aud=0:fps=" +
      fraction(told_rate(s.frame_rate));
  if (s.level != "auto") parameters += ":level-idc=" + s.level;
  if (s.rate.maxrate) parameters += std::string(":vbv-init=") + (start.alone ? kBufferStartAlone : x26x::kBufferStart);
  parameters += x26x::zone("0,1", s, start);  // x265 counts the frames done before this one (RateControl::getZone)
  parameters += hdr_parameters(s, "master-display", "max-cll", false);
  result.emplace_back("x265-params", with_own(parameters, s, "x265-params"));
  return result;
}

// x265 works as x264 does, but averages the quantisers of B frames too, and of all of them as whole numbers (ratecontrol.cpp,
// accumPQpUpdate): so it depends on how many B frames there are and on what is rounded. That is computed here, for full mini-GOPs
// of the presets that always fill them and for typical ones of the others.
std::optional<double> first_frame_factor_of(const EncoderSettings& encoder) {
  const std::string_view list = option_of(encoder, "x265-params");
  const std::string_view tune = option_of(encoder, "tune");
  if (!x26x::rate_control_is_plain(encoder, list) || tune.find("grain") != std::string_view::npos ||
      x26x::is_off(value_in_list(list, "cutree")) || value_in_list(list, "no-cutree") || value_in_list(list, "ipratio") ||
      tune.find("zerolatency") != std::string_view::npos)
    return std::nullopt;
  // A rendition with a bitrate gets a quality for each segment (coordinator/plan/plan_rate.h); whether there is a factor does not hang on it.
  const double quality = encoder.rate.quality.value_or(0);
  const double seconds = std::clamp(1 / encoder.frame_rate.value(), kDurationMin, kDurationMax);
  const double p = quality + (1 - kQCompress) * kTreeOffset + (1 - kQCompress) * x26x::in_steps(kBaseDuration / seconds);
  const double b = x26x::in_steps(kPbRatio);
  const auto whole = [](double q) { return std::floor(q + 0.5); };
  const bool fills = std::ranges::find(kFixedBframes, encoder.preset) != std::end(kFixedBframes);
  const std::uint32_t given = x26x::lookahead_depth(encoder).bframes;
  const std::uint32_t bframes = fills ? given : std::min(given, kTypicalBframes);
  double sum = whole(p);
  if (bframes == 1) sum += whole(p + b);
  if (bframes > 1) sum += whole(p + b / 2) + (bframes - 1) * whole(p + b);  // the middle one is a reference
  const double average = sum / (bframes + 1);
  return std::exp2((p - (average - x26x::in_steps(x26x::kIpRatio))) / 6);
}

}  // namespace

constinit const EncoderFacts kX265Facts{.encoder = Encoder::kX265,
                                        .name = "libx265",
                                        .codec = VideoCodec::kHevc,
                                        .quality = x26x::kCrf51,
                                        .presets = kPresets,
                                        .measuring_preset = "veryfast",
                                        .quicker_presets = x26x::kQuickerPresets,
                                        .own_list = "x265-params",
                                        .reserved_words = kReserved,
                                        .list_complaints = kListComplaints,
                                        .options = options,
                                        .lookahead_frames = x26x::lookahead_frames,
                                        .first_frame_factor = first_frame_factor_of,
                                        .memory = x26x::memory};

}  // namespace gopmill
