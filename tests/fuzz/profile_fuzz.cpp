// Any bytes as a profile file: loading ends in a profile or in one complaint about this file, and a profile that loads
// survives being written and read again. Build with clang++ -fsanitize=fuzzer,address,undefined;
// profiles/*.yaml are the corpus to begin with.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "profiles/ladder.h"
#include "profiles/profile.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace gopmill;
  const std::string_view yaml(reinterpret_cast<const char*>(bytes), size);
  // One sibling, with the same bytes under another name, so that chains and cycles of files are reached too.
  const ProfileContext context{.parent = [yaml](std::string_view extends, std::string_view) -> Result<ParentFile> {
    return ParentFile{std::string(extends), std::string(yaml)};
  }};
  const Result<Profile> profile = load_profile(yaml, "fuzz.yaml", context);
  if (!profile) {
    GOPMILL_CHECK(profile.error().kind == FaultKind::kConfig);
    GOPMILL_CHECK(profile.error().text.find('\n') == std::string::npos);
    return 0;
  }
  const std::string written = to_yaml(*profile);
  const Result<Profile> again = load_profile(written, "written.yaml", {});
  GOPMILL_CHECK(again.has_value());
  GOPMILL_CHECK(*again == *profile);
  GOPMILL_CHECK(to_yaml(*again) == written);
  for (const Rung& rung : fit_ladder(*profile, {.width = 1919, .height = 803}).rungs) {
    GOPMILL_CHECK(rung.width % 2 == 0 && rung.height % 2 == 0 && rung.width >= kFrameSideMin && rung.height >= kFrameSideMin);
  }
  return 0;
}
