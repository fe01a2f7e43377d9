#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "media/av/decode/decoder.h"
#include "media/av/frame/burn.h"
#include "media/av/frame/filter.h"
#include "media/av/frame/weave.h"
#include "media/child/parent_line.h"
#include "media/steps/decode_clock.h"
#include "media/task/journal.h"
#include "media/task/task.h"
#include "media/timeline/wanted.h"

struct AVFrame;

namespace gopmill {

// What some renditions of one task are to encode, from one decode of its packets: each frame of their lists in order, in the
// rendition's size and colours. It holds all state there is between frames, so two of them over one input give the same
// frames: that is how an encoder sees them twice.
class TaskFrames {
 public:
  // `open`: which of the task's renditions; in what follows each is known by its place there. `task` and `parent` must outlive it.
  TaskFrames(const VideoTask& task, const std::vector<std::size_t>& open, ParentLine& parent);

  struct Taker {
    // What frame `at` of the rendition's list shows; it lives for the call.
    std::function<Result<>(std::size_t place, std::size_t at, AVFrame& frame)> take;
    // Needs the rendition no more of them? Decoding ends when none does.
    std::function<bool(std::size_t place)> complete;
    // What the parent is told: frames of the segment that every rendition has.
    std::function<std::uint64_t()> done;
  };
  // Once. Adds decoding to `result`. kInput where frames that were promised do not come, with their times.
  Result<> run(JournalReader& journal, const Taker& taker, TaskResult& result);

 private:
  [[nodiscard]] const std::vector<OutputFrame>& frames_of(std::size_t place) const {
    return task_.renditions[open_[place]].frames;
  }
  [[nodiscard]] bool all_complete(const Taker& taker) const;
  av::FrameFilter::OnFrame on_frame(const Taker& taker);
  Result<> decoded(AVFrame& frame, const Taker& taker);
  Result<> check_all_came(const Taker& taker, const av::Decoder& decoder) const;

  const VideoTask& task_;
  const std::vector<std::size_t> open_;
  ParentLine& parent_;
  av::FrameFilter filter_;
  av::Weaver weaver_;
  av::Burner burner_;
  WantedFrames wanted_;
  std::vector<std::size_t> cursors_;              // by place: the next frame whose source has not been decoded
  std::uint32_t body_first_ = 0, body_last_ = 0;  // packets of the body, by ordinal
  DecodeClock clock_;
  std::uint64_t decoded_ = 0;
  std::uint64_t done_ = 0;
};

}  // namespace gopmill
