#include "cli/terminal/summary.h"

#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/terminal/table.h"
#include "cli/terminal/talk.h"

namespace gopmill {

namespace {

using Json = nlohmann::json;

TableRow row_of(const Json& rendition, const std::filesystem::path& folder) {
  const std::int64_t video = rendition.value("video_bits_per_s", std::int64_t{0});
  const std::int64_t audio = rendition.value("audio_bits_per_s", std::int64_t{0});
  const std::uint64_t frames = rendition.value("frames", std::uint64_t{0});
  return {(folder / rendition.value("file", "")).string(), bytes_text(rendition.value("bytes", std::uint64_t{0})),
          frames > 0 ? std::to_string(frames) : "-", decimal_text(rendition.value("seconds", 0.0), 2) + " s",
          video + audio > 0 ? bit_rate_text(video + audio) : "-"};
}

// "checked: 1080p: 9 of 9 hold (frames, timestamps, …)", and each that does not hold in full.
void add_checks(const Json& rendition, std::vector<std::string>& lines) {
  std::string names;
  std::size_t held = 0;
  std::vector<std::string> not_held;
  const Json checks = rendition.value("checks", Json::array());
  for (const Json& check : checks) {
    const std::string name = check.value("name", "");
    names += (names.empty() ? "" : ", ") + name;
    if (check.value("passed", false)) {
      ++held;
    } else {
      not_held.push_back("does not hold: " + name + ": " + check.value("found", ""));
    }
  }
  lines.push_back("checked: " + rendition.value("name", "") + ": " + std::to_string(held) + " of " +
                  std::to_string(checks.size()) + " hold (" + names + ")");
  for (std::string& line : not_held) lines.push_back("  " + std::move(line));
}

}  // namespace

Result<std::vector<std::string>> summary_lines(std::string_view report, const std::filesystem::path& folder) {
  try {
    const Json json = Json::parse(report);
    std::vector<TableRow> rows{{"FILE", "SIZE", "FRAMES", "LENGTH", "BIT RATE"}};
    std::vector<std::string> checks;
    for (const Json& rendition : json.at("renditions")) {
      rows.push_back(row_of(rendition, folder));
      add_checks(rendition, checks);
    }
    std::vector<std::string> lines;
    std::istringstream table(table_text(rows, {1, 2, 3, 4}));
    for (std::string line; std::getline(table, line);) lines.push_back(line);
    lines.insert(lines.end(), checks.begin(), checks.end());
    for (const Json& note : json.value("notes", Json::array())) lines.push_back("note: " + note.get<std::string>());
    return lines;
  } catch (const Json::exception& error) {
    return fail(FaultKind::kInput, std::string("the report cannot be read: ") + error.what());
  }
}

}  // namespace gopmill
