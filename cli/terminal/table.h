#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace gopmill {

using TableRow = std::vector<std::string>;

// Rows in columns, each made printable and ended by a newline. Columns named in `right` are set against their right edge. Rows
// have the same number of cells.
std::string table_text(const std::vector<TableRow>& rows, const std::vector<std::size_t>& right);

}  // namespace gopmill
