#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "media/task/timeline.h"
#include "media/timeline/frame_list.h"

// What of a source is lost, gathered into ranges and told to people. PURE.
// Why: docs/decisions/18-damage.md.

namespace gopmill {

// Losses of one track as they are found. What touches the newest range of its kind becomes part of it.
class LossList {
 public:
  // Of each kind in rising order of `from`. Beyond kLossesMax ranges the newest of the kind is widened, so nothing goes unsaid.
  void add(Loss loss);
  [[nodiscard]] bool empty() const { return losses_.empty(); }
  [[nodiscard]] const std::vector<Loss>& all() const { return losses_; }

 private:
  std::vector<Loss> losses_;
};

// For machines: "frames missing", "frames damaged", "audio damaged", "cut off".
std::string_view word_of(DamageKind kind);
// "15 frames from 4.004 s to 4.471 s cannot be decoded: Invalid NAL unit size".
std::string describe(const Loss& loss);

// Why a source is refused, and what its owner can do: the first few losses, how many more there are, and --salvage.
// Precondition: `losses` is not empty.
std::string refusal(const std::vector<Loss>& losses);

// What happened while a video track was decoded.
struct DecodeEvents {
  std::vector<std::uint32_t> refused;    // ordinals of packets the decoder would not take, rising
  std::vector<std::uint32_t> concealed;  // ordinals of frames that came out with parts guessed
  std::string reason;                    // FFmpeg's newest words
};

// Frames that did not come, and frames that came damaged, of a track of which everything in `decoded` was decoded. Not
// lost are: what stands before the first key packet and its leading frames (the recording starts inside a GOP), what is
// outside of an edit list, and packets that by the nature of the track give no frame of their own (second fields).
// A packet without a frame counts only after some damage, up to a key packet that decodes: what a whole stream does
// not show, it does not show by intent. Times count from `first_raw`, ticks of `base` as the packets' are.
std::vector<Loss> frame_losses(const std::vector<PacketFacts>& packets, const DecodedFrames& decoded, const DecodeEvents& events,
                               Rational base, std::int64_t first_raw);

// The same where only packets were read: those that the container itself marks as damaged.
std::vector<Loss> marked_losses(const std::vector<PacketFacts>& packets, Rational base, std::int64_t first_raw);

}  // namespace gopmill
