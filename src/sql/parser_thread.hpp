#pragma once

#include <functional>

namespace opsh::sql {

/// Runs `job` on the thread that does all scanning and parsing, and waits for it; what it throws is thrown here.
///
/// libpg_query recurses without a limit, so this thread has a deep stack; with the limit on the length of a text
/// (scanner.hpp) nothing that an author writes can overflow it. Calls are serialised. The thread starts at the first
/// use and waits, without using the CPU, until the process ends; it does not exist in a child made by fork().
void on_parser_thread(const std::function<void()>& job);

}  // namespace opsh::sql
