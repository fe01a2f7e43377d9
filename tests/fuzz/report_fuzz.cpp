#include <cstddef>
#include <cstdint>
#include <string_view>

#include "views/report.h"

// A report comes from a coordinator that may be another build's, or anybody's.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)gopmill::read_report(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
