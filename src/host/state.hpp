#pragma once

namespace opsh::host {

/// Runs the program: makes the Lua state, gives it the native modules and its own Lua, and hands `argv` to the module
/// opsh.host.main. Returns the exit status.
int run(int argc, char** argv);

}  // namespace opsh::host
