#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "media/text/cue_piece.h"
#include "media/text/cue_text.h"
#include "media/text/cue_writer.h"

namespace gopmill {

namespace {

// What sources may write besides kEscapes.
constexpr auto kCharacterNames = std::to_array<Entity>(
    {{"&nbsp;", kHardBlank}, {"&lrm;", "\xE2\x80\x8E"}, {"&rlm;", "\xE2\x80\x8F"}, {"&quot;", "\""}, {"&apos;", "'"}});

// Null: `text` begins with none.
const Entity* entity_at(std::string_view text) {
  const auto begins = [&](const Entity& entity) { return text.starts_with(entity.name); };
  if (const auto found = std::ranges::find_if(kEscapes, begins); found != kEscapes.end()) return &*found;
  const auto found = std::ranges::find_if(kCharacterNames, begins);
  return found == kCharacterNames.end() ? nullptr : &*found;
}

}  // namespace

std::string cue_text_of_webvtt(std::string_view text) {
  const std::string clean = without_returns(text);
  CueWriter writer;
  StyleStack styles;
  for (std::string_view left = clean; !left.empty();) {
    std::size_t taken = 1;
    if (const Entity* const entity = entity_at(left)) {
      taken = entity->name.size();
      writer.text(entity->text);
    } else if (left[0] == '<' && left.find('>') != std::string_view::npos) {
      // Every '<' begins a tag, known or not.
      taken = left.find('>') + 1;
      if (const auto tag = tag_at(left)) styles.take(*tag);
      writer.style(styles.bits());
    } else {
      taken = std::max<std::size_t>(1, std::min(left.find_first_of("<&", 1), left.size()));
      writer.text(left.substr(0, taken));
    }
    left.remove_prefix(taken);
  }
  return std::move(writer).finish();
}

std::string cue_settings(std::string_view settings) {
  static constexpr auto kNames = std::to_array<std::string_view>({"vertical", "line", "position", "size", "align"});
  static constexpr std::size_t kSettingsMax = 5;
  std::string kept;
  std::vector<std::string_view> seen;
  while (!settings.empty() && seen.size() < kSettingsMax) {
    const std::size_t end = std::min(settings.find_first_of(" \t"), settings.size());
    const std::string_view setting = settings.substr(0, end);
    settings.remove_prefix(std::min(end + 1, settings.size()));
    const std::size_t colon = setting.find(':');
    if (colon == std::string_view::npos || setting.size() > 32) continue;
    const std::string_view name = setting.substr(0, colon);
    const std::string_view value = setting.substr(colon + 1);
    const bool plain = !value.empty() && std::ranges::all_of(value, [](char c) {
      return is_letter(c) || (c >= '0' && c <= '9') || c == '%' || c == '.' || c == ',' || c == '-';
    });
    if (!plain || std::ranges::find(kNames, name) == kNames.end() || std::ranges::find(seen, name) != seen.end()) continue;
    seen.push_back(name);
    kept.append(kept.empty() ? "" : " ").append(setting);
  }
  return kept;
}

}  // namespace gopmill
