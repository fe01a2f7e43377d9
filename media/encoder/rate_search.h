#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "media/task/task.h"

namespace gopmill {

// A coded frame of a body, as far as bits matter.
struct CodedFrame {
  std::int64_t pts = 0;
  std::uint32_t bytes = 0;
  bool key = false;
};

// Finds the quality at which one segment of a rendition keeps what it was granted, by encoding it again where it must. PURE.
//
// Two promises, both of the whole file and both kept by each segment alone, so that no segment waits for another:
// - The decoder's buffer (maxrate, bufsize) never runs dry. A segment may count on kBufferJoinFullness at its first frame, must
//   not underflow from there, and must leave as much for the next one; then by induction the joined stream never
//   underflows. An encoder keeps the first half by itself; where it overdraws at the end, quality is lowered.
// - A bitrate is met over the whole file. The plan gave each segment a share of it by its measured difficulty, and the size is brought within
//   kBudgetSlack of the share: by interpolation in the logarithm of the size, which quality moves almost linearly.
// Why: docs/decisions/09-buffer-model.md.
class RateSearch {
 public:
  // `task` must outlive it.
  explicit RateSearch(const RenditionTask& task);

  // To encode with next; nullopt: the rendition is not coded by quality.
  [[nodiscard]] std::optional<double> quality() const { return quality_; }
  // Takes what came out, the body in decode order. True: encode again with quality(). False: it will do, or there is no
  // better try left; `granted()` tells.
  bool wants_another(const std::vector<CodedFrame>& body);
  [[nodiscard]] bool granted() const { return granted_; }
  [[nodiscard]] std::uint32_t tries() const { return tries_; }

 private:
  struct Point {
    double quality = 0;
    double size_log2 = 0;
  };
  [[nodiscard]] double missing_bits(const std::vector<CodedFrame>& body) const;
  [[nodiscard]] double quality_for(double size_log2) const;
  bool move_to(double quality);

  const RenditionTask& task_;
  std::optional<double> quality_;
  std::vector<Point> seen_;
  std::uint32_t tries_ = 0;
  bool granted_ = true;
};

inline constexpr double kBudgetSlack = 0.02;   // of the share: the promise for the whole file, where errors partly cancel
inline constexpr std::uint32_t kTriesMax = 5;  // encodes of one segment; measured: two for a budget, seldom three

}  // namespace gopmill
