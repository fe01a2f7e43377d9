#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "media/av/decode/claims.h"
#include "media/av/decode/decoder.h"
#include "media/av/frame/frame.h"
#include "media/package/joined.h"
#include "media/package/mp4_boxes.h"
#include "media/steps/verify/side_track_check.h"
#include "media/task/task.h"

// A finished file as the checks of verify() see it: the plan, what our own reader of boxes found, and what libav made of it.

namespace gopmill {

// What libav's demuxer and decoders make of one track, as it goes by.
struct HeardTrack {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> first_difference;  // packet whose times or key flag are not what the boxes say
  std::optional<av::Decoder> decoder;
  std::uint64_t decoded = 0;                  // frames or samples
  std::optional<std::int64_t> first_decoded;  // pts of audio; ordinal of frames
  std::int64_t last_ordinal = -1;
  bool in_order = true;                 // frames come out in presentation order
  std::optional<av::FrameFacts> frame;  // the first
};

struct FinishedTrack {
  const Mp4Track* boxes = nullptr;
  Mp4Presentation shown;
  HeardTrack heard;
};

// What libav made of the file as a whole.
struct HeardFile {
  av::Claims claims;
  std::string truncation;    // why it ends too soon; empty: it does not
  std::size_t turned = 0;    // tracks of video that are to be shown turned
  bool decoded_all = false;  // else only the first frame was
};

// Its parts point at each other, so it stays where it is.
struct FinishedFile {
  explicit FinishedFile(const RenditionPlan* with_plan) : plan(with_plan), side_tracks(with_plan) {}
  FinishedFile(const FinishedFile&) = delete;
  FinishedFile& operator=(const FinishedFile&) = delete;

  // Sorts the tracks of `layout` into the members below. kInput where a track has no place there.
  Result<> find_tracks();

  // The plan, where it has video; else null.
  [[nodiscard]] const RenditionPlan* planned_video() const { return plan && plan->has_video ? plan : nullptr; }
  [[nodiscard]] const PlannedAudio* planned_audio(std::size_t index) const {
    return plan && index < plan->audio_tracks.size() ? &plan->audio_tracks[index] : nullptr;
  }
  [[nodiscard]] bool is_video(const FinishedTrack& track) const { return video && &track == &*video; }
  // "audio", or "audio 2" where there are several.
  [[nodiscard]] std::string audio_name(std::size_t index) const {
    return audio_tracks.size() > 1 ? "audio " + std::to_string(index + 1) : "audio";
  }

  const RenditionPlan* const plan;    // null: the file is judged by itself
  std::optional<LeakyBucket> bucket;  // what the video's packets go through, where the plan bounds them
  Mp4Layout layout;
  std::optional<FinishedTrack> video;
  std::deque<FinishedTrack> audio_tracks;  // in the file's order; never moves
  std::vector<FinishedTrack*> order;       // as in the file; null: of side_tracks
  SideTrackCheck side_tracks;
  HeardFile heard;
};

// How findings are worded.
std::string count_of(std::uint64_t count, const std::string& thing);
// Any track has one sample description alone: players handle no change of it.
Check one_description(std::string name, const Mp4Track& track);

}  // namespace gopmill
