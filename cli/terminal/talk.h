#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace gopmill {

// How the command speaks: stdout is data, stderr is talk. Functions without state.

// `text` on one line and harmless to a terminal: line ends become spaces, other control characters '?'. File names and
// fault texts of other machines go through this before a person reads them.
std::string printable(std::string_view text);

// One line on stderr. Lost where stderr is gone: there is nobody to tell.
void say(std::string_view line);

// "gopmill: …" on stderr, in one line.
void complain(std::string_view text);

// Bytes on stdout as they are. kMachine where they cannot be written (a full disk, a closed pipe).
Result<> print(std::string_view bytes);

// ---- Numbers as people read them ----

std::string duration_text(Duration duration);  // "0:07", "12:34", "1:02:03"; rounds down
std::string bytes_text(std::uint64_t bytes);   // "999 B", "1.2 kB", "34.5 MB": powers of 1000
std::string bit_rate_text(std::int64_t bits);  // "128 kb/s", "4.25 Mb/s"
std::string decimal_text(double value, int places);

// Columns of a terminal that `text` takes: one for each character, two for the wide ones of East Asia.
std::size_t columns(std::string_view text);
// `text` cut to at most `width` columns, whole characters only.
std::string cut_to(std::string_view text, std::size_t width);

}  // namespace gopmill
