#include "profiles/profile_keys.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "profiles/profile_values.h"
#include "profiles/profile_words.h"
#include "profiles/rendition_keys.h"
#include "profiles/rendition_rules.h"
#include "profiles/track_keys.h"
#include "profiles/written_value.h"

namespace gopmill {
namespace {

constexpr std::size_t kDescriptionMax = 500;  // A paragraph; shown in lists.
constexpr Rational kGopMin{1, 10};            // Two or three frames; shorter is all key frames, which is another kind of file.
constexpr Rational kGopMax{10, 1};            // Players seek by GOPs; Apple asks for 2 s (HLS authoring 1.13).
constexpr Rational kSegmentMax{60, 1};        // What is encoded again when a worker dies.
constexpr Rational kSegmentGoal{10, 1};       // The default, as near as whole GOPs come.

constexpr std::string_view kProfileKeys[] = {"name",    "device",    "description", "extends",   "gop",
                                             "segment", "joins",     "telecine",    "damage",    "container",
                                             "audio",   "subtitles", "metadata",    "rendition", "renditions"};

constexpr auto kContainerWords = std::to_array<Word<std::string_view>>({{"mp4", "mp4"}});

Result<> read_times(const TreeNode& root, Profile& profile, const Complaints& complaints) {
  const TreeEntry* const gop = root.find("gop");
  const TreeEntry* const segment = root.find("segment");
  if (gop != nullptr) {
    profile.gop = TRY(WrittenValue(*gop, complaints)
                          .in_range<Rational>(parse_seconds, kGopMin, kGopMax, "seconds such as 2 or 1.92, from 0.1 to 10"));
  }
  const auto gops = [&](Rational seconds) { return seconds.num * profile.gop.den / (seconds.den * profile.gop.num); };
  const auto times = [&](std::int64_t count) { return Rational{profile.gop.num * count, profile.gop.den}; };
  if (segment == nullptr) {
    profile.segment = times(std::max<std::int64_t>(gops(kSegmentGoal), 1));
    return {};
  }
  profile.segment = TRY(WrittenValue(*segment, complaints)
                            .in_range<Rational>(parse_seconds, kGopMin, kSegmentMax, "seconds such as 10, from 0.1 to 60"));
  const std::int64_t count = gops(profile.segment);
  if (count >= 1 && times(count) == profile.segment) return {};
  // Whoever wrote the nearer file is told; where both are as near, about the segment.
  const bool about_gop = gop != nullptr && gop->place.file < segment->place.file;
  if (about_gop)
    return WrittenValue(*gop, complaints).wrong("a whole part of the segment of " + seconds_text(profile.segment) + " s");
  return WrittenValue(*segment, complaints)
      .wrong("a whole multiple of the gop of " + seconds_text(profile.gop) + " s",
             seconds_text(times(std::max<std::int64_t>(count, 1))));
}

Result<Profile> read_head(const TreeNode& root, const Complaints& complaints, std::string_view name_if_none) {
  Profile profile;
  TRY(check_keys(root, kProfileKeys, complaints));
  profile.name = name_if_none;
  if (const auto* entry = root.find("name")) profile.name = TRY(WrittenValue(*entry, complaints).name());
  if (!is_name(profile.name)) return complaints.wrong(root.place, "name", "1 to 32 characters of a-z, 0-9 and -", "nothing");
  if (const auto* entry = root.find("device")) profile.device = TRY(WrittenValue(*entry, complaints).name());
  if (const auto* entry = root.find("description"))
    profile.description = TRY(WrittenValue(*entry, complaints).text(kDescriptionMax, true));
  TRY(read_times(root, profile, complaints));
  if (const auto* entry = root.find("joins")) profile.joins = TRY(WrittenValue(*entry, complaints).one_of(kJoinsWords));
  if (const auto* entry = root.find("telecine")) profile.telecine = TRY(WrittenValue(*entry, complaints).one_of(kTelecineWords));
  if (const auto* entry = root.find("damage")) profile.damage = TRY(WrittenValue(*entry, complaints).one_of(kDamageWords));
  if (const auto* entry = root.find("container"))
    profile.container = TRY(WrittenValue(*entry, complaints).one_of(kContainerWords));
  profile.audio = AudioProfile{};
  if (const auto* entry = root.find("audio")) profile.audio = TRY(read_audio(*entry, complaints));
  if (const auto* entry = root.find("subtitles")) profile.subtitles = TRY(read_subtitles(*entry, complaints));
  if (const auto* entry = root.find("metadata")) profile.metadata = TRY(read_metadata(*entry, complaints));
  return profile;
}

}  // namespace

Result<Profile> read_profile(const TreeNode& root, const Complaints& complaints, std::string_view name_if_none,
                             const EncoderCheck& check_encoder) {
  Profile profile = TRY(read_head(root, complaints, name_if_none));
  const std::vector<ReadRendition> renditions = TRY(read_renditions(root, complaints));
  if (renditions.empty() && !profile.audio) {
    return complaints.wrong(root.find("renditions")->value.place, "renditions", "at least one rendition where audio is none",
                            "an empty list");
  }
  for (const ReadRendition& rendition : renditions) {
    if (check_encoder) {
      if (const auto complaint = check_encoder(rendition.profile)) return encoder_fault(*complaint, rendition.tree, complaints);
    }
    profile.renditions.push_back(rendition.profile);
  }
  return profile;
}

}  // namespace gopmill
