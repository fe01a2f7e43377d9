#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "media/task/task.h"
#include "media/timeline/losses.h"

// The frames a segment was promised, and which of them came. PURE.

namespace gopmill {

class WantedFrames {
 public:
  explicit WantedFrames(const VideoTask& task);

  enum class Use : std::uint8_t {
    kDrop,  // nobody wants it, or the job has failed and only the extent of the damage is still asked
    kShow,
  };
  struct Verdict {
    Use use = Use::kDrop;
    std::size_t index = 0;  // into VideoTask::sources
  };
  // A frame of this packet was decoded.
  Verdict take(std::uint32_t packet, bool damaged);

  // Where the profile refuses damage: the fault that names every promised frame that did not come or came damaged, with
  // `reason`, the decoder's words. Precondition: everything was decoded.
  [[nodiscard]] Fault fault(const std::string& reason) const;
  // Where it salvages: promised frames that did not come. The analysis lists those it knew of; the others are these.
  [[nodiscard]] std::vector<Loss> losses(const std::string& reason) const;
  [[nodiscard]] bool any_damaged() const { return any_damaged_; }

 private:
  enum class State : std::uint8_t { kMissing, kWhole, kDamaged };
  void show_at(std::size_t source, std::int64_t time);
  [[nodiscard]] std::vector<Loss> gather(State state, DamageKind kind, const std::string& reason) const;

  const VideoTask& task_;
  std::unordered_map<std::uint32_t, std::size_t> places_;  // packet ordinal → place in task_.sources
  std::vector<State> states_;
  std::vector<std::int64_t> times_;  // ticks of the task's base at which each is shown first; -1: only looked at
  bool any_damaged_ = false;
};

}  // namespace gopmill
