#include "cli/terminal/table.h"

#include <algorithm>

#include "cli/terminal/talk.h"

namespace gopmill {

std::string table_text(const std::vector<TableRow>& rows, const std::vector<std::size_t>& right) {
  std::vector<TableRow> cells;
  std::vector<std::size_t> widths;
  for (const TableRow& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    TableRow& clean = cells.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i) {
      clean.push_back(printable(row[i]));
      widths[i] = std::max(widths[i], columns(clean[i]));
    }
  }
  std::string text;
  for (const TableRow& row : cells) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - columns(row[i]), ' ');
      const bool to_the_right = std::find(right.begin(), right.end(), i) != right.end();
      line += (i == 0 ? "" : "  ") + (to_the_right ? space + row[i] : row[i] + space);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace gopmill
