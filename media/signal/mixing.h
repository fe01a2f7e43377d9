#pragma once

#include <optional>
#include <span>
#include <vector>

namespace gopmill {

// How many channels become fewer. PURE.
//
// ITU-R BS.775-3, Annex 4: centre and surround go to left and right at -3 dB, and from stereo to mono is another -3 dB each. A single
// surround is first two at -3 dB; two pairs of them (7.1) are first one, at -3 dB each. LFE is left out, as the recommendation does.
// Speakers it does not know are shared between their neighbours with equal power.

// Where a channel is to be played: the numbers of the bits of a WAVE channel mask, and above them libavutil's own (AVChannel, 5.1).
enum Speaker : int {
  kFrontLeft = 0,
  kFrontRight = 1,
  kFrontCentre = 2,
  kLowFrequency = 3,
  kBackLeft = 4,
  kBackRight = 5,
  kFrontLeftOfCentre = 6,
  kFrontRightOfCentre = 7,
  kBackCentre = 8,
  kSideLeft = 9,
  kSideRight = 10,
  kTopCentre = 11,
  kTopFrontLeft = 12,
  kTopFrontCentre = 13,
  kTopFrontRight = 14,
  kTopBackLeft = 15,
  kTopBackCentre = 16,
  kTopBackRight = 17,
  kStereoLeft = 29,
  kStereoRight = 30,
  kWideLeft = 31,
  kWideRight = 32,
  kSurroundDirectLeft = 33,
  kSurroundDirectRight = 34,
  kLowFrequency2 = 35,
  kTopSideLeft = 36,
  kTopSideRight = 37,
  kBottomFrontCentre = 38,
  kBottomFrontLeft = 39,
  kBottomFrontRight = 40,
};

// One row per output channel (1: mono; 2: left, right; 6: FL FR FC LFE BL BR), one gain per input channel in it.
using Mixing = std::vector<std::vector<double>>;

// Nothing where a speaker is unknown or there twice. Gains of a row may add up to more than 1.
std::optional<Mixing> mix_speakers(std::span<const int> in, int out);

// For channels that have no places: evenly, in turn to left and right, never louder than 1 together.
Mixing mix_evenly(int in, int out);

// Scaled down, if need be, so that full scale on all inputs stays full scale on every output.
Mixing without_clipping(Mixing mixing);

}  // namespace gopmill
