// What libav's demuxer and decoders made of the file: whether they agree with the boxes, and with the plan.

#include "media/steps/verify/checks.h"

namespace gopmill {

namespace {

// A decoder gives whole frames of audio; what the last one has beyond the end is at most an Opus frame of 60 ms at 48 kHz.
constexpr std::int64_t kAudioTailMax = 2880;

}  // namespace

void check_reading(const FinishedFile& file, std::vector<Check>& checks) {
  const std::string& truncation = file.heard.truncation;
  std::string found;
  bool good = truncation.empty();
  for (const FinishedTrack* track : file.order) {
    if (!track) continue;
    const HeardTrack& heard = track->heard;
    found += (found.empty() ? "" : ", ") + count_of(heard.packets, "packet");
    if (heard.packets != track->shown.samples.size()) {
      good = false;
      found += " of " + std::to_string(track->shown.samples.size());
    } else if (heard.first_difference) {
      good = false;
      found += " of which number " + std::to_string(*heard.first_difference) + " has other times than the tables say";
    }
  }
  checks.push_back({"reading", good, truncation.empty() ? found : truncation});
}

void check_format(const FinishedFile& file, std::vector<Check>& checks) {
  if (!file.video) return;
  const std::optional<av::FrameFacts>& frame = file.video->heard.frame;
  for (std::size_t i = 0; i < file.heard.turned; ++i) checks.push_back({"rotation", false, "libav sees one"});
  if (!frame) {
    checks.push_back({"pixel format", false, "no frame can be decoded"});
    return;
  }
  const RenditionPlan* const plan = file.planned_video();
  const int depth = plan && plan->pixel_format == PixelFormat::kYuv420p10 ? 10 : 8;
  checks.push_back(
      {"pixel format", !plan || (frame->bit_depth == depth && frame->width == plan->width && frame->height == plan->height),
       std::to_string(frame->width) + "x" + std::to_string(frame->height) + ", " + std::to_string(frame->bit_depth) + " bits"});
}

void check_buffer(const FinishedFile& file, std::vector<Check>& checks) {
  if (!file.bucket || !file.video) return;
  const LeakyBucket& bucket = *file.bucket;
  const bool good = bucket.underflows() == 0;
  checks.push_back({"buffer", good,
                    good ? "never below " + std::to_string(static_cast<int>(bucket.lowest() * 100)) + " %"
                         : count_of(bucket.underflows(), "frame") + " late, the first at " +
                               fine_seconds_text(bucket.first_underflow()->seconds()) + ", by up to " +
                               std::to_string(-bucket.lowest()) + " buffers"});
  checks.back().advisory = file.plan != nullptr;  // a phone waits a moment; segments were encoded until they kept it
}

void check_decoding(const FinishedFile& file, std::vector<Check>& checks) {
  if (!file.heard.decoded_all) return;
  if (file.video) {
    const HeardTrack& heard = file.video->heard;
    checks.push_back({"decoding",
                      heard.decoded == file.video->shown.samples.size() && heard.decoder->refused() == 0 && heard.in_order,
                      count_of(heard.decoded, "frame") + " decoded, " + count_of(heard.decoder->refused(), "packet") +
                          " refused" + (heard.in_order ? "" : ", out of order") +
                          (heard.decoder->refused() > 0 ? ": " + heard.decoder->last_refusal() : "")});
  }
  for (std::size_t i = 0; i < file.audio_tracks.size(); ++i) {
    const HeardTrack& heard = file.audio_tracks[i].heard;
    const std::int64_t beyond = static_cast<std::int64_t>(heard.decoded) - file.audio_tracks[i].shown.lasts;
    const bool on_time = heard.first_decoded && *heard.first_decoded == file.audio_tracks[i].shown.starts;
    checks.push_back({file.audio_name(i) + " decoding",
                      heard.decoder->refused() == 0 && on_time && beyond >= 0 && beyond <= kAudioTailMax,
                      count_of(heard.decoded, "sample") + " decoded from " +
                          (heard.first_decoded ? std::to_string(*heard.first_decoded) : "nowhere") + " on, " +
                          count_of(heard.decoder->refused(), "packet") + " refused"});
  }
}

}  // namespace gopmill
