#pragma once

#include "lua/stack.hpp"

namespace opsh::host {

/// From here on SIGINT, SIGTERM and SIGHUP ask the program to stop: waits end, and running Lua is stopped by a hook. A
/// second one ends the process at once, which the ledger makes safe. SIGPIPE and SIGXFSZ are ignored: writing reports
/// what they would.
void catch_interrupts(lua_State* L);

/// Why Lua is stopped.
enum class Stop { interrupt, memory, time };

/// Raises an error in the Lua that runs, at its next instruction, and goes on doing so until end_interrupt(): no
/// script's pcall can eat it. Async-signal-safe.
void stop_lua(Stop why);

/// Whether the prompt waits for its person. From the first call on a signal that comes meanwhile does nothing but ask.
void wait_idle(bool now);

/// Whether a signal came that ends the prompt as well: SIGTERM, SIGHUP.
bool asked_to_end();

/// Takes the hook away, once control is back at the top.
void end_interrupt(lua_State* L);

/// Calls `seen` at each line of Lua from here on, except while an interrupt is on its way.
void follow_lines(lua_State* L, lua_Hook seen);

}  // namespace opsh::host
