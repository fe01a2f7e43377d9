#pragma once

#include <string>

namespace gopmill {

// Everything besides source and profile that decides output bytes: gopmill's version and the linked media libraries' versions and
// configuration, as one line. One job never mixes builds.
std::string build_identity();

}  // namespace gopmill
