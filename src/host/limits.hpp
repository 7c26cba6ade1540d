#pragma once

#include <cstddef>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "lua/memory.hpp"
#include "lua/stack.hpp"

/// How much memory Lua may take, and for how long it may run without calling opsh. What goes beyond is stopped like an
/// interrupt, with an error of its own.
namespace opsh::host {

/// Watches this thread and its Lua state from here on. `memory` outlives it, and is null where Lua takes no allocator
/// but its own.
void watch_lua(lua::Memory* memory);

void limit_memory(std::size_t bytes);

/// Seconds of the processor's time, so that waiting for a server does not count. What runs inside one function of Lua's
/// own, as a pattern can for hours, cannot be stopped: two seconds later the process ends, as with a second interrupt.
void limit_time(Seconds seconds);

/// From here on Lua that runs for more than a second says so in a line of the terminal, until it calls opsh.
void show_loops();

/// What is raised in Lua at these limits: "script.memory", "script.loop".
Error memory_error();
Error time_error();

/// Whether the memory's limit was reached since it was last made room.
bool memory_reached();

/// Makes room after the memory's limit was reached, once the script is no longer running.
void recover_memory(lua_State* L);

}  // namespace opsh::host
