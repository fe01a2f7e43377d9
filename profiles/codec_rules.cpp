#include "profiles/codec_rules.h"

#include <algorithm>
#include <iterator>

#include "base/check.h"

namespace gopmill {

namespace {

constexpr auto k8 = PixelFormat::kYuv420p;
constexpr auto k10 = PixelFormat::kYuv420p10;

// Profiles: those with 4:2:0 frames that players have.
constexpr CodecProfile kH264Profiles[] = {{"baseline", k8}, {"main", k8}, {"high", k8}, {"high10", k10}};
constexpr CodecProfile kHevcProfiles[] = {{"main", k8}, {"main10", k10}};
constexpr CodecProfile kAv1Profiles[] = {{"main", k8}, {"main", k10}};
constexpr CodecProfile kVp9Profiles[] = {{"0", k8}, {"2", k10}};

// Levels: ITU-T H.264 table A-1 (1b, which no encoder takes by that name everywhere, left out), H.265 table A.8, AV1 annex A.3 (those
// defined), VP9 bitstream overview of levels.
constexpr std::string_view kH264Levels[] = {"1.0", "1.1", "1.2", "1.3", "2.0", "2.1", "2.2", "3.0", "3.1", "3.2",
                                            "4.0", "4.1", "4.2", "5.0", "5.1", "5.2", "6.0", "6.1", "6.2"};
constexpr std::string_view kHevcLevels[] = {"1.0", "2.0", "2.1", "3.0", "3.1", "4.0", "4.1",
                                            "5.0", "5.1", "5.2", "6.0", "6.1", "6.2"};
constexpr std::string_view kAv1Levels[] = {"2.0", "2.1", "3.0", "3.1", "4.0", "4.1", "5.0",
                                           "5.1", "5.2", "5.3", "6.0", "6.1", "6.2", "6.3"};
constexpr std::string_view kVp9Levels[] = {"1.0", "1.1", "2.0", "2.1", "3.0", "3.1", "4.0",
                                           "4.1", "5.0", "5.1", "5.2", "6.0", "6.1", "6.2"};

constexpr CodecRules kVideo[] = {{.codec = VideoCodec::kH264,
                                  .word = "h264",
                                  .quality_max = 51,
                                  .quality_whole = false,
                                  .preset = "medium",
                                  .profiles = kH264Profiles,
                                  .levels = kH264Levels},
                                 {.codec = VideoCodec::kHevc,
                                  .word = "hevc",
                                  .quality_max = 51,
                                  .quality_whole = false,
                                  .preset = "medium",
                                  .profiles = kHevcProfiles,
                                  .levels = kHevcLevels},
                                 {.codec = VideoCodec::kAv1,
                                  .word = "av1",
                                  .quality_max = 63,
                                  .quality_whole = true,
                                  .preset = "8",
                                  .profiles = kAv1Profiles,
                                  .levels = kAv1Levels},
                                 {.codec = VideoCodec::kVp9,
                                  .word = "vp9",
                                  .quality_max = 63,
                                  .quality_whole = true,
                                  .preset = "2",
                                  .profiles = kVp9Profiles,
                                  .levels = kVp9Levels}};

constexpr AudioCodecRules kAudio[] = {{.codec = AudioCodec::kAac, .word = "aac"}, {.codec = AudioCodec::kOpus, .word = "opus"}};

}  // namespace

std::span<const CodecRules> all_video_codecs() { return kVideo; }
std::span<const AudioCodecRules> all_audio_codecs() { return kAudio; }

const CodecRules& rules_of(VideoCodec codec) {
  const auto* const found = std::ranges::find(kVideo, codec, &CodecRules::codec);
  GOPMILL_CHECK(found != std::end(kVideo));
  return *found;
}

const AudioCodecRules& rules_of(AudioCodec codec) {
  const auto* const found = std::ranges::find(kAudio, codec, &AudioCodecRules::codec);
  GOPMILL_CHECK(found != std::end(kAudio));
  return *found;
}

std::string_view codec_word(VideoCodec codec) { return rules_of(codec).word; }
std::string_view codec_word(AudioCodec codec) { return rules_of(codec).word; }

}  // namespace gopmill
