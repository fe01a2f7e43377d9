// SVT-AV1 1.4, through libavcodec 5.1.

#include <string>

#include "media/encoder/encoder_facts.h"
#include "media/encoder/encoder_options.h"

namespace gopmill {

namespace {

// It plans no further than to the next key frame, which the body ends at; its largest mini-GOP after that lets it see that
// the video goes on (measured with presets 8 and 5: the same bytes as without a join).
constexpr std::uint32_t kMiniGop = 32;
// Faster presets give the very first frame 0.65 dB more than key frames inside the video (measured with presets 10 and 12;
// none with 8 and 5). As keys come at fixed distances, what warms it is a whole GOP.
constexpr std::uint32_t kPlainPresetMax = 8;
constexpr std::string_view kQuicker[] = {"13"};

constexpr std::string_view kReserved[] = {"lp", "keyint", "stats", "pass"};
constexpr std::string_view kListComplaints[] = {"Error parsing option"};

EncoderOptions options(const EncoderSettings& s, const EncoderStart&) {
  return {
      {"preset", s.preset},
      {"svtav1-params", with_own("lp=1" + hdr_parameters(s, "mastering-display", "content-light", true), s, "svtav1-params")}};
}

std::uint32_t lookahead(const EncoderSettings&) { return kMiniGop + 1; }

std::uint32_t memory(const EncoderSettings& encoder, Joins, std::uint64_t first) {
  return first > 0 && whole_number(encoder.preset).value_or(0) > kPlainPresetMax ? 1 : 0;
}

}  // namespace

// Qualities are whole numbers only. Its work doubles every 1.6 presets towards 0, measured at one point.
constinit const EncoderFacts kSvtAv1Facts{
    .encoder = Encoder::kSvtAv1,
    .name = "libsvtav1",
    .codec = VideoCodec::kAv1,
    .keys = KeyRequests::kAtIntervals,
    .end_before_close = true,
    .quiet_variable = "SVT_LOG",
    .quality = {.max = 63, .steps = 1, .measured_fine = 25, .measured_coarse = 45, .shared_finest = 10, .shared_coarsest = 60},
    .numbered = {.measured = 8, .pixel_ns = 78, .per_doubling = 1.6},
    .measuring_preset = "12",
    .quicker_presets = kQuicker,
    .own_list = "svtav1-params",
    .reserved_words = kReserved,
    .list_complaints = kListComplaints,
    .options = options,
    .lookahead_frames = lookahead,
    .memory = memory};

}  // namespace gopmill
