#include "profiles/profile_tree.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <iterator>
#include <utility>

#include "base/utf8.h"

namespace gopmill {
namespace {

// A complaint stays readable on one line of a terminal.
constexpr std::size_t kQuotedBytesMax = 60;
// Two slips of the finger; three turn one key into another.
constexpr std::size_t kDistanceMax = 2;

// What other programs call the same thing.
struct OtherName {
  std::string_view theirs;
  std::string_view ours;
};
constexpr auto kOtherNames = std::to_array<OtherName>({
    {"crf", "quality"},
    {"cq", "quality"},
    {"framerate", "fps"},
    {"pulldown", "telecine"},
    {"pix_fmt", "pixel_format"},
    {"h265", "hevc"},
    {"x265", "hevc"},
    {"x264", "h264"},
    {"avc", "h264"},
    {"keyint", "gop"},
    {"codec_profile", "profile"},
    {"encoder_options", "options"},
    {"ladder", "renditions"},
    {"yuv420p10le", "yuv420p10"},
    {"vbv_bufsize", "bufsize"},
    {"parent", "extends"},
    {"size", "height"},
    {"lines", "height"},
    {"resolution", "height"},
    {"defaults", "rendition"},
});

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

// Optimal string alignment: a swap of neighbours counts once. Three rows of the usual table.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

// `either_or`: quality and bitrate exclude each other here. Encoder options may well have both names.
void inherit_entries(TreeNode& node, const TreeNode& parent, bool either_or) {
  // Two keys that answer one question: who gives either has answered it.
  const auto answered_by = [&node](std::string_view key, std::string_view a, std::string_view b) {
    return (key == a && node.find(b) != nullptr) || (key == b && node.find(a) != nullptr);
  };
  std::vector<TreeEntry> inherited;
  for (const TreeEntry& entry : parent.entries) {
    TreeEntry* const own = node.find(entry.key);
    if (own == nullptr) {
      const bool answered = answered_by(entry.key, "quality", "bitrate") || answered_by(entry.key, "fps", "fps_max");
      if (!either_or || !answered) inherited.push_back(entry);
    } else if (own->value.kind == TreeNode::Kind::kMap && entry.value.kind == TreeNode::Kind::kMap) {
      inherit_entries(own->value, entry.value, entry.key != "options");
    }
  }
  std::ranges::move(inherited, std::back_inserter(node.entries));
}

}  // namespace

const TreeEntry* TreeNode::find(std::string_view key) const {
  const auto found = std::ranges::find(entries, key, &TreeEntry::key);
  return found == entries.end() ? nullptr : &*found;
}

TreeEntry* TreeNode::find(std::string_view key) {
  const auto found = std::ranges::find(entries, key, &TreeEntry::key);
  return found == entries.end() ? nullptr : &*found;
}

void inherit(TreeNode& node, const TreeNode& parent) { inherit_entries(node, parent, true); }

int Complaints::add_file(std::string name) {
  files_.push_back(std::move(name));
  return static_cast<int>(files_.size()) - 1;
}

std::unexpected<Fault> Complaints::at(Place place, std::string_view what) const {
  std::string text = files_[static_cast<std::size_t>(place.file)];
  text += ':' + std::to_string(place.line) + ':' + std::to_string(place.column) + ": ";
  return fail(FaultKind::kConfig, text.append(what));
}

std::unexpected<Fault> Complaints::wrong(Place place, std::string_view key, std::string_view expected, std::string_view found,
                                         std::string_view nearest) const {
  std::string what = "key " + in_quotes(key) + ": expected ";
  what.append(expected).append(", found ").append(found);
  if (!nearest.empty()) what += "; did you mean " + in_quotes(nearest) + "?";
  return at(place, what);
}

std::string in_quotes(std::string_view text) {
  std::string result = "'";
  bool cut = false;
  for (std::size_t i = 0; i < text.size() && !cut; ++i) {
    // Cut only where a character begins, so that the complaint is UTF-8 as the file was.
    cut = i >= kQuotedBytesMax && (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (!cut) result += is_ascii_control(text[i]) ? ' ' : text[i];
  }
  return result + (cut ? "…'" : "'");
}

std::string describe(const TreeNode& node) {
  switch (node.kind) {
    case TreeNode::Kind::kNothing: return "nothing";
    case TreeNode::Kind::kText: return in_quotes(node.text);
    case TreeNode::Kind::kList: return "a list";
    case TreeNode::Kind::kMap: return "a map";
  }
  return "nothing";
}

std::string listed(std::span<const std::string_view> words) {
  std::string text;
  for (const std::string_view word : words) {
    if (!text.empty()) text += ", ";
    text += word;
  }
  return text;
}

std::string_view nearest_word(std::string_view found, std::span<const std::string_view> words) {
  if (found.size() > kQuotedBytesMax) return {};
  const std::string wanted = lower(found);
  for (const OtherName& name : kOtherNames) {
    if (name.theirs == wanted && std::ranges::find(words, name.ours) != words.end()) return name.ours;
  }
  std::string_view nearest;
  std::size_t least = kDistanceMax + 1;
  for (const std::string_view word : words) {
    const std::size_t distance = edit_distance(wanted, lower(word));
    if (distance < least && 2 * distance < std::max(word.size(), wanted.size())) {
      least = distance;
      nearest = word;
    }
  }
  return nearest;
}

}  // namespace gopmill
