#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "views/report.h"

namespace gopmill {

// What a report says, for the person who waited for it: a table of the files in `folder`, what was checked, the notes.
std::vector<std::string> summary_lines(const ReportSummary& report, const std::filesystem::path& folder);

}  // namespace gopmill
