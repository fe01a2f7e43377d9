#include "cli/terminal/summary.h"

#include <sstream>
#include <utility>

#include "cli/terminal/table.h"
#include "cli/terminal/talk.h"

namespace gopmill {

namespace {

TableRow row_of(const ReportSummary::Rendition& rendition, const std::filesystem::path& folder) {
  return {(folder / rendition.file).string(), bytes_text(rendition.bytes),
          rendition.frames > 0 ? std::to_string(rendition.frames) : "-", decimal_text(rendition.seconds, 2) + " s",
          rendition.bit_rate > 0 ? bit_rate_text(rendition.bit_rate) : "-"};
}

// "checked: 1080p: 9 of 9 hold (frames, timestamps, …)", and each that does not hold in full.
void add_checks(const ReportSummary::Rendition& rendition, std::vector<std::string>& lines) {
  std::string names;
  std::size_t held = 0;
  std::vector<std::string> not_held;
  for (const Check& check : rendition.checks) {
    names += (names.empty() ? "" : ", ") + check.name;
    if (check.passed) {
      ++held;
    } else {
      not_held.push_back((check.advisory ? "differs: " : "does not hold: ") + check.name + ": " + check.found);
    }
  }
  lines.push_back("checked: " + rendition.name + ": " + std::to_string(held) + " of " + std::to_string(rendition.checks.size()) +
                  " hold (" + names + ")");
  for (std::string& line : not_held) lines.push_back("  " + std::move(line));
}

}  // namespace

std::vector<std::string> summary_lines(const ReportSummary& report, const std::filesystem::path& folder) {
  std::vector<TableRow> rows{{"FILE", "SIZE", "FRAMES", "LENGTH", "BIT RATE"}};
  std::vector<std::string> checks;
  for (const ReportSummary::Rendition& rendition : report.renditions) {
    rows.push_back(row_of(rendition, folder));
    add_checks(rendition, checks);
  }
  std::vector<std::string> lines;
  std::istringstream table(table_text(rows, {1, 2, 3, 4}));
  for (std::string line; std::getline(table, line);) lines.push_back(line);
  lines.insert(lines.end(), checks.begin(), checks.end());
  for (const std::string& note : report.notes) lines.push_back("note: " + note);
  return lines;
}

}  // namespace gopmill
