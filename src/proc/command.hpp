#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace opsh::proc {

/// Where a standard stream of a child goes.
enum class Stream {
  none,        ///< /dev/null
  pipe,        ///< a pipe to us
  inherit,     ///< ours
  descriptor,  ///< an open file or pipe that the command names
};

/// The variables of a child: those in `set`, and of ours the few that any program needs (image.cpp has the list). Never
/// PG*, a secret param, or what opsh does not know.
struct Environment {
  bool inherit = true;  ///< false: none of ours
  std::map<std::string, std::string> set = {};
};

/// A user that a child runs as. Only root can change users.
struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
};

/// The account of that name, or nothing.
std::optional<Account> find_account(const std::string& name);

/// A program to start, and the world that it starts in. It is never given to a shell.
///
/// A child has the default signal handlers, no blocked signals and no descriptor of ours but its standard streams and
/// `descriptors`. Unless it inherits our standard input it leads a process group of its own, so that the terminal's
/// Ctrl-C does not reach it and all that it started can be stopped with it.
struct Command {
  std::vector<std::string> argv;  ///< argv[0] is looked up in our PATH unless it has a slash
  Environment environment = {};
  std::filesystem::path directory = {};  ///< to work in; ours when empty
  Stream input = Stream::none;
  Stream output = Stream::pipe;
  Stream errors = Stream::pipe;
  int input_descriptor = -1;   ///< for Stream::descriptor; the caller's, open until the child runs
  int output_descriptor = -1;  ///< the same
  std::optional<Account> account = {};
  /// Sent to the child when the *thread* that started it ends; 0 for none.
  int death_signal = 0;
  std::vector<int> descriptors = {};  ///< the child keeps these, under the same numbers
};

/// The absolute path of a program: `name` itself when it has a slash, else the first match in PATH; nothing when there
/// is none that may be executed.
std::optional<std::filesystem::path> find_program(std::string_view name);

}  // namespace opsh::proc
