# cmake -D root=... -D version=... -D output=... -P VersionScript.cmake
# Writes the source of src/host/version.hpp; touches the file only when it says something else.
find_program(GIT git)
# OPSH_COMMIT is that of a copy without its history.
set(commit "$ENV{OPSH_COMMIT}")
if(GIT AND EXISTS ${root}/.git)
  execute_process(COMMAND ${GIT} --no-optional-locks -C ${root} describe --always --abbrev=12 --dirty --exclude=*
                  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
file(CONFIGURE OUTPUT ${output} @ONLY CONTENT [[
#include "host/version.hpp"

namespace opsh::host {

std::string_view version() { return "@version@"; }

std::string_view commit() { return "@commit@"; }

}  // namespace opsh::host
]])
