#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gopmill {

// What report.json says, for the person who waited for it: a table of the files, what was checked, the notes.
// kInput where `report` is no report.
Result<std::vector<std::string>> summary_lines(std::string_view report, const std::filesystem::path& folder);

inline constexpr std::uint64_t kReportBytesMax = 256ULL << 20;  // a line per segment: a day's source takes 5 MB

}  // namespace gopmill
