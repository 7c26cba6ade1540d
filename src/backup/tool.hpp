#pragma once

#include <string>
#include <vector>

#include "backup/tools.hpp"
#include "base/error.hpp"
#include "proc/child.hpp"

namespace opsh::backup {

/// pg_dump or pg_restore at work. It has no terminal and does not see its Ctrl-C. When the Tool is destroyed, or this
/// process ends, it gets SIGTERM, so that it has the server cancel what it asked for: one that is killed while it waits
/// for a lock leaves a session that goes on waiting. After two seconds it is killed, with what it started.
class Tool {
 public:
  /// With a `sink`, an open file of the caller's, what it prints goes there, through a pipe: it cannot tell, nor go
  /// back. Errors: "backup.tool" when it does not start.
  Tool(const Program& program, proc::Command command, int sink = -1);
  Tool(const Tool&) = delete;
  Tool& operator=(const Tool&) = delete;
  ~Tool();

  bool running() { return child_.running(); }
  /// Waits until it says or prints something, until it has ended, or until the deadline. What it says is kept, the last
  /// 64 KiB. Errors: "interrupted"; "backup.dump" when what it prints cannot be written.
  void wait(Deadline deadline);

  /// Once it has ended. Error: `kind`, with `sentence` ("cannot dump the database app"), its first error and, as
  /// detail, all that it said: there may be values of rows in it.
  void require_success(const char* kind, const std::string& sentence, const std::string& hint);
  /// The lines that it wrote on standard error.
  std::vector<std::string> said() const;

 private:
  void listen();
  void pass_on();

  std::string name_;
  proc::Child child_;
  std::string errors_;
  bool errors_ended_ = false;
  int sink_;
  bool output_ended_;
};

/// The first error in what a program wrote on standard error, without the program's name; else the last line.
std::string first_error(const std::string& errors);

}  // namespace opsh::backup
