# The version and the commit, in a file that each build looks at; only opsh is linked again when they change.
set(version_source ${CMAKE_BINARY_DIR}/generated/version.cpp)
add_custom_target(version_source
  COMMAND ${CMAKE_COMMAND} -D root=${CMAKE_SOURCE_DIR} -D version=${PROJECT_VERSION} -D output=${version_source}
          -P ${CMAKE_SOURCE_DIR}/cmake/VersionScript.cmake
  BYPRODUCTS ${version_source} VERBATIM)
target_sources(opsh_host PRIVATE ${version_source})
add_dependencies(opsh_host version_source)
