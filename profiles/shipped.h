#pragma once

#include <string_view>
#include <vector>

namespace gopmill {

// A profile compiled into the binary from profiles/*.yaml.
struct ShippedProfile {
  std::string_view name;  // the file's stem: "phone"
  std::string_view yaml;  // the file, whole
};

// All of them, by name. Generated at build time (cmake/embed.cmake).
const std::vector<ShippedProfile>& shipped_profiles();

}  // namespace gopmill
