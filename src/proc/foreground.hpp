#pragma once

#include "proc/command.hpp"
#include "proc/exit.hpp"

namespace opsh::proc {

/// Runs a program that has our standard streams, and with them the terminal, until it ends. Ctrl-C and Ctrl-\ are its
/// business alone meanwhile, as with system(3). When we are asked to end in another way it gets SIGTERM, and is waited
/// for. Not for several threads at once.
/// Errors: "process.not_found", "process.start".
Exit run_in_foreground(Command command);

}  // namespace opsh::proc
