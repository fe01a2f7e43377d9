#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

// What the files of a job are called. Each kind has one template; the planner fills it, and whoever receives the files asks it
// what may be in the way. PURE.

namespace gopmill {

// The numbers are those of the wire and of what the spool keeps.
enum class OutputKind : std::uint8_t {
  kRendition = 1,  // BASE_RENDITION.mp4
  kSubtitles = 2,  // BASE.LANGUAGE.vtt, BASE.LANGUAGE.forced.vtt, BASE.LANGUAGE.2.vtt
  kReport = 3,     // report.json; a job has one
};
std::string_view output_kind_word(OutputKind kind);  // "rendition", "subtitles", "report"

// Where an output lies below the folder of its job: a relative path, '/' between its parts.
// kInput with the reason unless it is 1 to kOutputPathBytesMax bytes of UTF-8 without control characters, in at most
// kOutputPathPartsMax parts, none of them empty, ".", ".." or longer than kOutputPartBytesMax.
Result<> check_output_path(std::string_view path);
inline constexpr std::size_t kOutputPathBytesMax = 1024;
inline constexpr std::size_t kOutputPathPartsMax = 8;
inline constexpr std::size_t kOutputPartBytesMax = 255;  // a file name's limit on Linux

// Values of the fields {base}, {rendition} and {variant}: a subtitle track's language with what tells it from others.
using OutputFields = std::vector<std::pair<std::string_view, std::string>>;

// The path of an output of this kind. `fields` has just the fields of its template. kInput where a value has a '/' or the path
// is not one that check_output_path() takes.
Result<std::string> output_path(OutputKind kind, const OutputFields& fields);
// Whether an output of this kind may have this path; `fields` has those that are known.
bool may_be_output(OutputKind kind, std::string_view path, const OutputFields& fields);
// The folder in which the template puts its files, relative to the job's: "" for the job's own.
std::string output_parent(OutputKind kind);

}  // namespace gopmill
