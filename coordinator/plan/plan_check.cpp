#include "coordinator/plan/plan_check.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "media/text/cue_text.h"

namespace gopmill {
namespace {

// What Timestamp and rescale() multiply must stay within 32 bits; no real time base, rate or aspect comes near.
constexpr std::int64_t kTermMax = std::numeric_limits<std::int32_t>::max();
constexpr std::uint64_t kPacketsPerFrameMax = 4;  // two fields, and hidden frames of VP9 and AV1; bounds a table of all packets
constexpr int kSampleRateMax = 768'000;           // the highest rate of DXD and of 32-bit PCM recorders

bool positive(Rational value) { return value.num > 0 && value.num <= kTermMax && value.den > 0 && value.den <= kTermMax; }

bool plausible_seconds(double seconds) { return std::isfinite(seconds) && std::abs(seconds) <= kSourceSecondsMax; }

std::unexpected<Fault> malformed(const std::string& what) {
  return fail(FaultKind::kInput, "the analysis contradicts itself: " + what);
}

Result<> check_frame(const VideoTrack& track) {
  if (track.width <= 0 || track.height <= 0) return fail(FaultKind::kInput, "the frame has no size");
  const std::string size = std::to_string(track.width) + "x" + std::to_string(track.height);
  if (track.width > kSourceWidthMax || track.height > kSourceHeightMax ||
      static_cast<std::int64_t>(track.width) * track.height > kSourcePixelsMax) {
    return fail(FaultKind::kInput,
                "a frame of " + size + " is larger than the limit of " + std::to_string(kSourcePixelsMax) + " pixels");
  }
  if (!positive(track.base)) return malformed("a video time base that is no length of time");
  if (!positive(track.sample_aspect)) return malformed("a sample aspect that is no ratio");
  if (track.orientation.quarter_turns > 3) return malformed("an orientation of more than three quarter turns");
  return {};
}

Result<> check_frames(const VideoTrack& track) {
  if (track.frames.size() > kSourceFramesMax) {
    return fail(FaultKind::kInput,
                std::to_string(track.frames.size()) + " frames are more than the limit of " + std::to_string(kSourceFramesMax));
  }
  if (track.packets > kSourceFramesMax * kPacketsPerFrameMax) {
    return fail(FaultKind::kInput, std::to_string(track.packets) + " video packets are more than the limit");
  }
  if (track.frames.empty()) return {};
  if (track.frames.front().pts != 0) return malformed("times of frames do not count from the first");
  const SourceFrame* before = nullptr;
  std::vector<bool> taken(track.packets);
  for (const SourceFrame& frame : track.frames) {
    if (before != nullptr && frame.pts <= before->pts) return malformed("times of frames do not rise");
    if (frame.packet >= track.packets) return malformed("a frame of a packet that is not there");
    // A task names frames by their packets, so a packet of two would show the wrong one without anybody noticing.
    if (taken[frame.packet])
      return fail(FaultKind::kInput, "packet " + std::to_string(frame.packet) + " of the video track holds two frames");
    taken[frame.packet] = true;
    before = &frame;
  }
  std::uint64_t fields = 0;
  for (const std::uint8_t count : track.film) {
    if (count < 1 || count > 3) return malformed("a film frame of more than three fields, or none");
    fields += count;
  }
  if (!track.film.empty() && fields != 2 * track.frames.size()) return malformed("film frames that are not the fields' sum");
  if (track.last_duration <= 0) return malformed("a last frame that is never shown");
  if (!plausible_seconds(Timestamp{before->pts, track.base}.seconds()) ||
      !plausible_seconds(Timestamp{before->pts, track.base}.seconds() + Timestamp{track.last_duration, track.base}.seconds())) {
    return fail(FaultKind::kInput, "the frame lasts longer than the limit of " +
                                       std::to_string(static_cast<int>(kSourceSecondsMax / 3600)) + " hours");
  }
  return {};
}

Result<> check_keys(const VideoTrack& track) {
  const KeyPacket* before = nullptr;
  for (const KeyPacket& key : track.keys) {
    if (key.packet >= track.packets) return malformed("a key packet that is not there");
    if (before != nullptr && key.packet <= before->packet) return malformed("key packets are not in file order");
    before = &key;
  }
  return {};
}

Result<> check_audio(const AudioTrack& track) {
  if (track.packets == 0) return {};  // An empty track is left out later, whatever it claims.
  if (track.sample_rate <= 0 || track.sample_rate > kSampleRateMax || track.channels <= 0 ||
      track.channels > kSourceChannelsMax) {
    return fail(FaultKind::kInput, "audio of " + std::to_string(track.channels) + " channels at " +
                                       std::to_string(track.sample_rate) + " Hz is not supported");
  }
  if (!positive(track.starts_after_video.base)) return malformed("an audio time base that is no length of time");
  if (!plausible_seconds(track.starts_after_video.seconds())) {
    return fail(FaultKind::kInput, "audio and video begin more than a day apart");
  }
  if (!plausible_seconds(track.seconds) || track.seconds < 0)
    return fail(FaultKind::kInput, "the audio lasts longer than the limit");
  return {};
}

bool is_clean(const std::string& text, std::size_t bytes_max) { return one_line(text, bytes_max) == text; }

bool is_language(const std::string& text) {
  return text.size() <= kLanguageBytesMax &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

bool plausible_us(std::int64_t us) { return plausible_seconds(static_cast<double>(us) / 1e6); }

Result<> check_bitmaps(const std::vector<Bitmap>& bitmaps) {
  if (bitmaps.size() > kBitmapsMax) return malformed("more bitmaps than the limit");
  std::size_t bytes = 0;
  const auto is_side = [](int side) { return side >= 1 && side <= kBitmapSideMax; };
  const auto is_place = [](int place) { return place >= -kBitmapSideMax && place <= kBitmapSideMax; };
  for (const Bitmap& bitmap : bitmaps) {
    if (!is_side(bitmap.width) || !is_side(bitmap.height) || bitmap.rects.size() > kBitmapRectsMax ||
        !plausible_us(bitmap.start) || !plausible_us(bitmap.end)) {
      return malformed("a bitmap beyond the limits");
    }
    for (const BitmapRect& rect : bitmap.rects) {
      bytes += rect.runs.size();
      if (!is_side(rect.width) || !is_side(rect.height) || !is_place(rect.x) || !is_place(rect.y) ||
          rect.palette.size() > kBitmapPaletteMax || bytes > kBitmapBytesMax) {
        return malformed("a bitmap beyond the limits");
      }
    }
  }
  return {};
}

// What is beside video and audio becomes names of files and text in files: it is looked at whole.
Result<> check_side_tracks(const SideTrackFacts& side_tracks) {
  std::size_t bytes = 0;
  for (const SubtitleTrack& track : side_tracks.subtitles) {
    if (!is_language(track.language) || !is_clean(track.title, kTrackTitleBytesMax) || track.cues.size() > kCuesMax)
      return malformed("a subtitle track beyond the limits");
    TRY(check_bitmaps(track.bitmaps));
    for (const Cue& cue : track.cues) {
      bytes += cue.text.size();
      if (cue.text.empty() || !is_cue_text(cue.text) || cue_settings(cue.settings) != cue.settings || !plausible_us(cue.start) ||
          !plausible_us(cue.end) || bytes > kSubtitleBytesMax) {
        return malformed("a subtitle that is no text with a time");
      }
    }
  }
  if (side_tracks.chapters.size() > kChaptersMax) return malformed("more chapters than the limit");
  for (const Chapter& chapter : side_tracks.chapters) {
    if (!is_clean(chapter.title, kChapterTitleBytesMax) || !plausible_us(chapter.start))
      return malformed("a chapter beyond the limits");
  }
  for (const auto& [name, value] : side_tracks.tags) {
    if (!is_clean(value, kTagBytesMax)) return malformed("a tag beyond the limits");
  }
  if (!is_clean(side_tracks.location, kTagBytesMax)) return malformed("a place beyond the limits");
  if (side_tracks.cover && side_tracks.cover->bytes.size() > kCoverBytesMax) return malformed("a cover beyond the limits");
  return {};
}

}  // namespace

Result<> check_facts(const SourceFacts& source) {
  const std::size_t streams = source.audio.size() + source.side_tracks.subtitles.size() + (source.video ? 1 : 0);
  if (streams > static_cast<std::size_t>(kSourceStreamsMax)) {
    return fail(FaultKind::kInput,
                std::to_string(streams) + " tracks are more than the limit of " + std::to_string(kSourceStreamsMax));
  }
  if (source.video) {
    TRY(check_frame(*source.video));
    TRY(check_frames(*source.video));
    TRY(check_keys(*source.video));
  }
  for (const AudioTrack& track : source.audio) TRY(check_audio(track));
  TRY(check_side_tracks(source.side_tracks));
  if (!source.audio.empty() && source.audio_chosen >= source.audio.size())
    return malformed("a chosen audio track that is not there");
  return {};
}

}  // namespace gopmill
