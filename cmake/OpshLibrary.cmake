# opsh_library(<folder> USES <folders>... LIBRARIES <targets>...)
# Makes the static library opsh_<folder> from src/<folder>/*.cpp.
function(opsh_library folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES;LIBRARIES")
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${folder}/*.cpp)
  list(TRANSFORM arg_USES PREPEND opsh_)
  add_library(opsh_${folder} STATIC ${sources})
  target_include_directories(opsh_${folder} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(opsh_${folder} PUBLIC ${arg_USES} ${arg_LIBRARIES} PRIVATE opsh_warnings)
  if(fmt::fmt IN_LIST arg_LIBRARIES)
    opsh_precompile(opsh_${folder})
  endif()
endfunction()

# Reads fmt and what of the standard library it brings once for all of them: a quarter of the time of a build. tools/tidy
# does without, so that a missing include is found.
function(opsh_precompile library)
  get_property(owner GLOBAL PROPERTY opsh_precompiled)
  if(owner)
    target_precompile_headers(${library} REUSE_FROM ${owner})
  else()
    target_precompile_headers(${library} PRIVATE <chrono> <functional> <map> <memory> <optional> <string> <string_view>
                              <variant> <vector> <fmt/format.h>)
    set_property(GLOBAL PROPERTY opsh_precompiled ${library})
  endif()
endfunction()
