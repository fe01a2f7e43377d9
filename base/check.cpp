#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace gopmill::detail {

void check_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "gopmill: broken assumption at %s:%d: %s\n", file, line, expression);
  std::abort();
}

}  // namespace gopmill::detail
