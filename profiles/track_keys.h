#pragma once

#include <optional>

#include "base/result.h"
#include "profiles/profile.h"
#include "profiles/profile_tree.h"

namespace gopmill {

// The keys of what goes with the video: audio, subtitles and metadata. Private to profiles/. `entry` is the whole of it, a map
// or "none"; the fault is as load_profile promises.

Result<std::optional<AudioProfile>> read_audio(const TreeEntry& entry, const Complaints& complaints);
Result<SubtitleProfile> read_subtitles(const TreeEntry& entry, const Complaints& complaints);
Result<MetadataProfile> read_metadata(const TreeEntry& entry, const Complaints& complaints);

}  // namespace gopmill
