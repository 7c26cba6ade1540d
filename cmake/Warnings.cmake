# What every target of ours is compiled with. Headers of libraries are system headers, so these are about our code only.
add_library(opsh_warnings INTERFACE)
# -Wmaybe-uninitialized is off because g++ 12 reports std::optional and std::string of its own library.
target_compile_options(opsh_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
  -Wnon-virtual-dtor -Woverloaded-virtual -Werror
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
