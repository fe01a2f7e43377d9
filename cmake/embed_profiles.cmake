# The shipped profiles are part of the binary: a worker or a submitter needs nothing beside it.
file(GLOB GOPMILL_PROFILE_FILES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/profiles/*.yaml)
set(GOPMILL_EMBEDDED_PROFILES ${CMAKE_BINARY_DIR}/generated/embedded_profiles.cpp)
add_custom_command(
  OUTPUT ${GOPMILL_EMBEDDED_PROFILES}
  COMMAND ${CMAKE_COMMAND} -DOUTPUT=${GOPMILL_EMBEDDED_PROFILES} "-DFILES=${GOPMILL_PROFILE_FILES}"
          -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
  DEPENDS ${GOPMILL_PROFILE_FILES} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
  VERBATIM)
