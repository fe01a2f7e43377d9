#pragma once

#include <string>

namespace gopmill::av {

std::string short_versions();  // "lavc 59.37.100 lavf 59.27.100", for people

// Every loaded library that can change output bytes, by name and by its linker's build id: two machines with the same
// text run the same code. libavcodec alone does not tell x264's or x265's version.
std::string library_builds();

}  // namespace gopmill::av
