#include "profiles/rendition_rules.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "profiles/codec_rules.h"
#include "profiles/profile_values.h"
#include "profiles/profile_words.h"

namespace gopmill {
namespace {

std::string_view pixel_word(PixelFormat format) { return word_of(kPixelWords, format); }

// Where to point for `key`: at its value, or at the rendition where the value is a default.
Place place_of(const TreeNode& tree, std::string_view key) {
  const TreeEntry* const entry = tree.find(key);
  return entry == nullptr ? tree.place : entry->value.place;
}

// What `key` has in the file, or the default it has without being there.
std::string found_at(const TreeNode& tree, std::string_view key, std::string_view otherwise) {
  const TreeEntry* const entry = tree.find(key);
  return entry == nullptr ? std::string(otherwise) : describe(entry->value);
}

Result<> check_rate(const RenditionProfile& rendition, const CodecRules& rules, const TreeNode& tree,
                    const Complaints& complaints) {
  const RateControl& rate = rendition.rate;
  if (rate.quality && rate.bitrate)
    return complaints.wrong(place_of(tree, "bitrate"), "bitrate", "either quality or bitrate", "both");
  if (!rate.quality && !rate.bitrate) return complaints.wrong(tree.place, "quality", "either quality or bitrate", "neither");
  if (rate.quality) {
    const bool fits = *rate.quality <= rules.quality_max && (!rules.quality_whole || std::trunc(*rate.quality) == *rate.quality);
    const std::string expected = std::string(rules.quality_whole ? "a whole number" : "a number") + " from 0 (best) to " +
                                 quality_text(rules.quality_max) + " for " + std::string(rules.word);
    if (!fits) return complaints.wrong(place_of(tree, "quality"), "quality", expected, found_at(tree, "quality", ""));
  }
  // A rate without a bucket, or a bucket that nothing drains, does nothing in most encoders and says so in none.
  if (rate.maxrate && !rate.bufsize) return complaints.wrong(place_of(tree, "maxrate"), "maxrate", "bufsize beside it", "none");
  if (rate.bufsize && !rate.maxrate) return complaints.wrong(place_of(tree, "bufsize"), "bufsize", "maxrate beside it", "none");
  if (rate.bitrate && rate.maxrate && *rate.maxrate < *rate.bitrate) {
    return complaints.wrong(place_of(tree, "maxrate"), "maxrate", "at least the bitrate of " + bits_text(*rate.bitrate),
                            found_at(tree, "maxrate", ""));
  }
  return {};
}

Result<> check_codec_profile(const RenditionProfile& rendition, const CodecRules& rules, const TreeNode& tree,
                             const Complaints& complaints) {
  if (rendition.codec_profile == "auto") return {};
  std::vector<std::string_view> names = {"auto"};
  const CodecProfile* named = nullptr;
  for (const CodecProfile& profile : rules.profiles) {
    if (std::ranges::find(names, profile.name) == names.end()) names.push_back(profile.name);
    if (profile.name != rendition.codec_profile) continue;
    if (profile.pixel_format == rendition.pixel_format) return {};
    named = &profile;
  }
  if (named == nullptr) {
    return complaints.wrong(place_of(tree, "profile"), "profile", "one of " + listed(names) + " for " + std::string(rules.word),
                            in_quotes(rendition.codec_profile), nearest_word(rendition.codec_profile, names));
  }
  const bool about_format = tree.find("pixel_format") != nullptr;
  const std::string_view key = about_format ? "pixel_format" : "profile";
  const std::string wanted(pixel_word(named->pixel_format));
  const std::string expected = about_format ? wanted + " with profile " + in_quotes(rendition.codec_profile)
                                            : "pixel_format " + wanted + " beside " + in_quotes(rendition.codec_profile);
  return complaints.wrong(place_of(tree, key), key, expected, in_quotes(pixel_word(rendition.pixel_format)));
}

// 1024 steps are the fewest in which PQ and HLG show no bands (BT.2100 table 9).
Result<> check_dynamic_range(const RenditionProfile& rendition, const TreeNode& tree, const Complaints& complaints) {
  if (rendition.dynamic_range == DynamicRange::kSdr || rendition.pixel_format == PixelFormat::kYuv420p10) return {};
  const bool about_format = tree.find("pixel_format") != nullptr;
  return complaints.wrong(place_of(tree, about_format ? "pixel_format" : "dynamic_range"),
                          about_format ? "pixel_format" : "dynamic_range",
                          about_format ? "yuv420p10 with dynamic_range 'hdr'" : "pixel_format yuv420p10 beside 'hdr'",
                          in_quotes(pixel_word(rendition.pixel_format)));
}

// "4" is written "4.0" from here on.
Result<std::string> complete_level(const RenditionProfile& rendition, const CodecRules& rules, const TreeNode& tree,
                                   const Complaints& complaints) {
  if (rendition.level.empty() || rendition.level == "auto") return "auto";
  const std::string level = rendition.level.find('.') == std::string::npos ? rendition.level + ".0" : rendition.level;
  if (std::ranges::find(rules.levels, level) != rules.levels.end()) return level;
  return complaints.wrong(place_of(tree, "level"), "level",
                          "one of auto, " + listed(rules.levels) + " for " + std::string(rules.word), in_quotes(rendition.level));
}

}  // namespace

Result<RenditionProfile> complete_rendition(RenditionProfile rendition, const TreeNode& tree, const Complaints& complaints) {
  const CodecRules& rules = rules_of(rendition.codec);
  if (rendition.name.empty()) rendition.name = rendition.height ? std::to_string(*rendition.height) + "p" : "source";
  if (rendition.preset.empty()) rendition.preset = rules.preset;
  if (rendition.codec_profile.empty()) rendition.codec_profile = "auto";
  TRY(check_rate(rendition, rules, tree, complaints));
  if (rendition.fps && tree.find("fps_max") != nullptr)
    return complaints.wrong(place_of(tree, "fps_max"), "fps_max", "either fps (constant) or fps_max", "both");
  TRY(check_codec_profile(rendition, rules, tree, complaints));
  TRY(check_dynamic_range(rendition, tree, complaints));
  rendition.level = TRY(complete_level(rendition, rules, tree, complaints));
  return rendition;
}

std::unexpected<Fault> encoder_fault(const EncoderComplaint& complaint, const TreeNode& tree, const Complaints& complaints) {
  // The encoder may use the field's name for a key, as the header it was given does.
  std::string_view key = complaint.key;
  if (key == "codec_profile") key = "profile";
  if (key == "encoder_options") key = "options";
  Place place = place_of(tree, key);
  if (tree.find(key) == nullptr) {
    const TreeEntry* const options = tree.find("options");
    const TreeEntry* const option = options == nullptr ? nullptr : options->value.find(key);
    if (option != nullptr) place = option->place;
  }
  // An encoder's words may hold any bytes; a complaint is one line.
  std::string what = "key " + in_quotes(key) + ": ";
  std::ranges::replace_copy_if(complaint.why, std::back_inserter(what), is_ascii_control, ' ');
  if (!complaint.nearest.empty()) what += "; did you mean " + in_quotes(complaint.nearest) + "?";
  return complaints.at(place, what);
}

}  // namespace gopmill
