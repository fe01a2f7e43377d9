#pragma once

#include "base/result.h"
#include "profiles/profile.h"
#include "profiles/profile_tree.h"

namespace gopmill {

// What the keys of one rendition mean together: what each codec allows, which keys need or exclude each other, and what a
// rendition has where its file says nothing. Private to profiles/.

// The end of the longest quality scale (AV1's and VP9's); each codec's own is checked by complete_rendition.
inline constexpr double kQualityMax = 63;

// `rendition` holds the values of `tree`, each right in itself. Returns it with nothing left empty.
Result<RenditionProfile> complete_rendition(RenditionProfile rendition, const TreeNode& tree, const Complaints& complaints);

// An encoder's complaint about the rendition of `tree`, as a fault that points at the guilty line.
std::unexpected<Fault> encoder_fault(const EncoderComplaint& complaint, const TreeNode& tree, const Complaints& complaints);

}  // namespace gopmill
