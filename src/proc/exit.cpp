#include "proc/exit.hpp"

#include <fmt/format.h>
#include <sys/wait.h>

#include <cstring>

namespace opsh::proc {

std::string Exit::text() const {
  if (signal != 0) return fmt::format("killed by signal {} ({})", signal, ::strsignal(signal));
  return fmt::format("exit status {}", status);
}

Exit exit_of(int wait_status) {
  if (WIFSIGNALED(wait_status)) return {0, WTERMSIG(wait_status)};
  return {WEXITSTATUS(wait_status), 0};
}

}  // namespace opsh::proc
