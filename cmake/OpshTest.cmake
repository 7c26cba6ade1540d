# Makes the test files of opsh tests of ctest's, each file one:
#
#     enable_testing()
#     include(/usr/share/opsh/cmake/OpshTest.cmake)
#     opsh_add_tests(scripts)
#
# ctest -j runs files beside each other, so each of them runs its tests one after the other.

# opsh_add_test(NAME name FILE file [PROGRAM program] [PROPERTIES name value...])
#
# One file, from the current source directory on, where it also works. `program` is opsh, unless PATH's is meant.
function(opsh_add_test)
  cmake_parse_arguments(PARSE_ARGV 0 test "" "NAME;FILE;PROGRAM" "PROPERTIES")
  if(NOT test_PROGRAM)
    find_program(OPSH_PROGRAM opsh REQUIRED)
    set(test_PROGRAM ${OPSH_PROGRAM})
  endif()
  add_test(NAME ${test_NAME} COMMAND ${test_PROGRAM} test --jobs 1 ${test_FILE}
           WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  if(test_PROPERTIES)
    set_tests_properties(${test_NAME} PROPERTIES ${test_PROPERTIES})
  endif()
endfunction()

# opsh_add_tests(folder [PREFIX prefix] [PROGRAM program] [PROPERTIES name value...])
#
# Every file *_test.lua in the folder and those below it. A test is called as its file is, behind the prefix
# ("opsh: "): "opsh: scripts/close_orders/test/close_orders_test".
function(opsh_add_tests folder)
  cmake_parse_arguments(PARSE_ARGV 1 tests "" "PREFIX;PROGRAM" "PROPERTIES")
  if(NOT DEFINED tests_PREFIX)
    set(tests_PREFIX "opsh: ")
  endif()
  file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} ${folder}/*_test.lua)
  foreach(file IN LISTS files)
    string(REGEX REPLACE "\\.lua$" "" name ${file})
    opsh_add_test(NAME "${tests_PREFIX}${name}" FILE ${file} PROGRAM "${tests_PROGRAM}" PROPERTIES ${tests_PROPERTIES})
  endforeach()
endfunction()
