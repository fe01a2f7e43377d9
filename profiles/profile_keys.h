#pragma once

#include <string_view>

#include "base/result.h"
#include "profiles/profile.h"
#include "profiles/profile_tree.h"

namespace gopmill {

// The keys of a profile: which there are, what each takes, what it is when left out, and which do not go together. Those of a
// rendition are in rendition_keys.h, those of audio, subtitles and metadata in track_keys.h. docs/profiles.md says the same for
// people. Private to profiles/.

// `root` is one file's tree with what it extends already inherited. `name_if_none`: the profile's name where the file has
// none; may be unfit for one, and is then refused. The fault is as load_profile promises.
Result<Profile> read_profile(const TreeNode& root, const Complaints& complaints, std::string_view name_if_none,
                             const EncoderCheck& check_encoder);

}  // namespace gopmill
