#pragma once

#include <string>

namespace gopmill {

// What decides output bytes besides source and profile: gopmill's version and source hash. Linked media libraries are
// added by media/build.h. Workers of another build are refused.
std::string gopmill_version();

}  // namespace gopmill
