#pragma once

#include "base/result.h"
#include "profiles/profile.h"
#include "profiles/profile_tree.h"

namespace gopmill {

// What the keys of one rendition mean together: whether its codec allows them (codec_rules.h), which keys need or exclude
// each other, and what a rendition has where its file says nothing. Private to profiles/.

// `rendition` holds the values of `tree`, each right in itself. Returns it with nothing left empty.
Result<RenditionProfile> complete_rendition(RenditionProfile rendition, const TreeNode& tree, const Complaints& complaints);

// An encoder's complaint about the rendition of `tree`, as a fault that points at the guilty line.
std::unexpected<Fault> encoder_fault(const EncoderComplaint& complaint, const TreeNode& tree, const Complaints& complaints);

}  // namespace gopmill
