#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "profiles/profile.h"

// Profiles as JSON.
// Field names are stable: fields are added, never renamed or removed. Times end in _ms (milliseconds), _s (seconds) or _unix_ms; text
// that is not UTF-8 has U+FFFD for what is not. No side effects.

namespace gopmill {

// name, device, description, gop_s, segment_s, container, audio (null or {codec bits_per_s channels tracks (default, all or
// [languages]) loudness_lufs (null: as the source) true_peak_dbtp}), renditions [{name
// codec height (null: the source's) fps fps_max quality bits_per_s maxrate bufsize preset profile level options}]
std::string profile_json(const Profile& profile);
std::string profiles_json(const std::vector<Profile>& profiles);

// file, good, error (null or text)
std::string profile_check_json(const std::string& file, const std::optional<Fault>& fault);

}  // namespace gopmill
