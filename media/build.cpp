#include "media/build.h"

#include "base/build.h"
#include "base/hash.h"
#include "media/av/versions.h"

namespace gopmill {

std::string build_identity() {
  const std::string libraries = av::library_builds();
  return "gopmill " + gopmill_version() + " " + av::short_versions() + " libs " +
         sha256_hex(std::as_bytes(std::span(libraries))).substr(0, 12);
}

}  // namespace gopmill
