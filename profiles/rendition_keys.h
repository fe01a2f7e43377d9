#pragma once

#include <vector>

#include "base/result.h"
#include "profiles/profile.h"
#include "profiles/profile_tree.h"

namespace gopmill {

// The keys of a rendition: which there are, what each takes, and how `rendition` and `renditions` become a ladder. What they mean
// together is in rendition_rules.h. Private to profiles/.

// A rendition and the tree it came from, defaults inherited, for complaints that come later.
struct ReadRendition {
  RenditionProfile profile;
  TreeNode tree;
};

// Those of the profile that `root` is, complete, largest first. The fault is as load_profile promises.
Result<std::vector<ReadRendition>> read_renditions(const TreeNode& root, const Complaints& complaints);

}  // namespace gopmill
