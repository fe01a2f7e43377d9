# Writes OUTPUT: the version and a digest of every file that goes into the binary, so that two builds of different sources never
# take each other for the same.
set(all "")
foreach(file IN LISTS FILES)
  file(SHA256 ${file} digest)
  string(APPEND all ${digest})
endforeach()
string(SHA256 id "${all}")
string(SUBSTRING ${id} 0 12 id)
file(WRITE ${OUTPUT} "#pragma once\n#define GOPMILL_VERSION \"${VERSION}\"\n#define GOPMILL_SOURCE_ID \"${id}\"\n")
