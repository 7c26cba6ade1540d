#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <exception>
#include <string>

#include "support/peer.hpp"

namespace faults {

/// The broken control: it remembers how far it is after each COMMIT, as scripts do that keep their cursor beside the
/// data. An end between the two makes the next start do the batch again. A process of its own; returns its pid.
inline pid_t start_with_late_ledger(const std::string& conninfo, int rows, int batch) {
  pid_t pid = ::fork();
  if (pid != 0) return pid;
  try {
    test::Peer session{conninfo};
    int position = std::stoi(*session.run("select coalesce(max(position), 0) from late_ledger")[0][0]);
    for (; position < rows; position += batch) {
      std::string first = std::to_string(position + 1), last = std::to_string(position + batch);
      session.run("begin; update counters set n = n + 1 where id between " + first + " and " + last + "; commit");
      session.run("insert into late_ledger values (" + last + ")");
    }
  } catch (const std::exception&) {
    _exit(1);
  }
  _exit(0);
}

/// Whether a process that we forked came to its end.
inline bool came_through(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace faults
