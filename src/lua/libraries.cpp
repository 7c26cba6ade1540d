#include "lua/libraries.hpp"

#include <luajit.h>

namespace opsh::lua {

Libraries libraries() {
  // The version that runs is known to Lua itself: jit.version.
  return {{"LuaJIT", LUAJIT_VERSION, ""}};
}

}  // namespace opsh::lua
