#include "base/build.h"

#include "build_id.h"  // generated: GOPMILL_VERSION, GOPMILL_SOURCE_ID

namespace gopmill {

std::string gopmill_version() { return std::string(GOPMILL_VERSION) + "+" + GOPMILL_SOURCE_ID; }

}  // namespace gopmill
