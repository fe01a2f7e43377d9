#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "media/av/decode/claims.h"
#include "media/package/mp4_boxes.h"
#include "media/task/journal.h"
#include "media/task/task.h"

namespace gopmill {

// The checks of verify() on what a finished file has beside video and audio: the same two readers, boxes and libav.
class SideTrackCheck {
 public:
  // `plan` null: the file is judged by itself.
  explicit SideTrackCheck(const RenditionPlan* plan) : plan_(plan) {}

  // Is this track one of text, or of chapters? If so it is this class's.
  bool take(const Mp4Layout& layout, const Mp4Track& track, std::uint32_t stream);
  // Its packets are to be heard.
  [[nodiscard]] bool has(std::uint32_t stream) const { return texts_.contains(stream); }
  // A packet of a text track, as libav's demuxer gives it.
  void hear(std::uint32_t stream, const JournalPacket& packet);
  [[nodiscard]] std::vector<Check> finish(const av::Claims& claims) const;

 private:
  struct Text {
    const Mp4Track* boxes = nullptr;
    std::vector<std::string> samples;                          // as heard
    std::vector<std::pair<std::int64_t, std::int64_t>> times;  // by the boxes: start and duration
    std::string fault;
  };
  [[nodiscard]] std::string text_fault(const Text& text, const TextTrack& planned) const;
  void check_texts(std::vector<Check>& checks) const;
  void check_chapters(const av::Claims& claims, std::vector<Check>& checks) const;
  void check_tags(const av::Claims& claims, std::vector<Check>& checks) const;

  const RenditionPlan* const plan_;
  std::map<std::uint32_t, Text> texts_;  // by stream
  std::optional<std::uint32_t> chapters_;
};

}  // namespace gopmill
