#pragma once

namespace gopmill::detail {
[[noreturn]] void check_failed(const char* expression, const char* file, int line);
}

// A promise of our own code. Cheap, on in release builds, ends the process. Never used on what comes from wire, disk or
// media: that is refused with a Fault.
#define GOPMILL_CHECK(expression) \
  ((expression) ? static_cast<void>(0) : ::gopmill::detail::check_failed(#expression, __FILE__, __LINE__))
