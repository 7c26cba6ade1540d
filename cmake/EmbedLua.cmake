# embed_lua(<target> <folder>=<module prefix>...)
# Makes a library with opsh::host::embedded_sources(): every Lua file of the folders as source, under its module name
# ("lua/runbook/plan.lua" with prefix opsh.host -> "opsh.host.runbook.plan"; "init.lua" names its folder) and with its
# path in this tree as chunk name; style sheets and JavaScript, which are no modules, under their path. Files are found
# by globbing: there is no list to keep.
function(embed_lua target)
  set(output ${CMAKE_BINARY_DIR}/generated/embedded_lua.cpp)
  set(files)
  set(extensions lua css js)
  foreach(pair IN LISTS ARGN)
    string(REGEX REPLACE "=.*" "" folder ${pair})
    list(TRANSFORM extensions PREPEND ${CMAKE_SOURCE_DIR}/${folder}/*. OUTPUT_VARIABLE patterns)
    file(GLOB_RECURSE found CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR} ${patterns})
    list(APPEND files ${found})
  endforeach()
  list(SORT files)
  list(TRANSFORM files PREPEND ${CMAKE_SOURCE_DIR}/ OUTPUT_VARIABLE paths)
  string(JOIN "|" folders ${ARGN})
  string(JOIN "|" names ${files})
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -D root=${CMAKE_SOURCE_DIR} "-Dfolders=${folders}" "-Dfiles=${names}" -D output=${output}
            -P ${CMAKE_SOURCE_DIR}/cmake/EmbedLuaScript.cmake
    DEPENDS ${paths} ${CMAKE_SOURCE_DIR}/cmake/EmbedLuaScript.cmake VERBATIM)
  add_library(${target} STATIC ${output})
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR}/src)
endfunction()
