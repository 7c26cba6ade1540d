#include "proc/image.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string_view>

#include "base/error.hpp"

namespace opsh::proc {
namespace {

/// What programs need to find themselves, their user, their language and their terminal; and which opsh to be. All else
/// is somebody's business with opsh: passwords, tokens, whatever a shell was given.
bool is_harmless(std::string_view name) {
  constexpr std::string_view known[] = {
      "COLORTERM",       "EDITOR",  "HOME",         "LANG",        "LANGUAGE", "LESS",
      "LD_LIBRARY_PATH", "LOGNAME", "OPSH_LUA_DIR", "OPSH_PG_BIN", "PAGER",    "PATH",
      "SHELL",           "TERM",    "TMPDIR",       "TZ",          "USER",     "VISUAL"};
  return std::ranges::find(known, name) != std::end(known) || name.starts_with("LC_") || name.starts_with("XDG_") ||
         name.ends_with("SAN_OPTIONS");
}

std::vector<std::string> variables_of(const Environment& environment) {
  std::vector<std::string> variables;
  for (char** entry = environ; environment.inherit && *entry; ++entry) {
    std::string_view text = *entry;
    std::string_view name = text.substr(0, text.find('='));
    if (is_harmless(name) && !environment.set.contains(std::string{name})) variables.emplace_back(text);
  }
  for (const auto& [name, value] : environment.set) variables.push_back(name + "=" + value);
  return variables;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

void reset_signals() {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Lifts a descriptor above the standard streams, so that placing one stream does not overwrite another's source.
int lifted(int fd, int flags) {
  int source = fd < 0 ? ::open("/dev/null", flags | O_CLOEXEC) : fd;
  return source < 0 ? -1 : ::fcntl(source, F_DUPFD_CLOEXEC, 3);
}

bool place(const Streams& streams) {
  int input = lifted(streams.input, O_RDONLY);
  int output = lifted(streams.output, O_WRONLY);
  int errors = lifted(streams.errors, O_WRONLY);
  return input >= 0 && output >= 0 && errors >= 0 && ::dup2(input, 0) >= 0 && ::dup2(output, 1) >= 0 &&
         ::dup2(errors, 2) >= 0;
}

bool change_account(const Account& account) {
  return ::setgroups(1, &account.gid) == 0 && ::setgid(account.gid) == 0 && ::setuid(account.uid) == 0;
}

}  // namespace

Image::Image(Command command) : command_(std::move(command)) {
  if (command_.argv.empty() || command_.argv.front().empty())
    throw Error{"process.not_found", "no program was named", "give the program and its arguments as a list"};
  const std::string name = command_.argv.front();
  for (const auto& argument : command_.argv)
    if (argument.find('\0') != std::string::npos)
      throw Error{"process.start", fmt::format("cannot start {}: an argument has a NUL byte in it", name)};
  auto found = find_program(name);
  if (!found)
    throw Error{"process.not_found", fmt::format("there is no program {}", name),
                name.find('/') == std::string::npos ? "install it, or put its directory into PATH"
                                                    : "check the path, and that it may be executed"};
  path_ = found->string();
  variables_ = variables_of(command_.environment);
  argv_ = pointers(command_.argv);
  envp_ = pointers(variables_);
}

Failure Image::become(const Streams& streams, pid_t parent) const noexcept {
  if (command_.input != Stream::inherit) ::setpgid(0, 0);
  reset_signals();
  if (!place(streams)) return {"dup2", errno};
  // Marked and not closed: the pipe over which a failure is told must live until the program runs.
  if (::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) != 0) return {"close_range", errno};
  for (int kept : command_.descriptors) ::fcntl(kept, F_SETFD, 0);
  if (!command_.directory.empty() && ::chdir(command_.directory.c_str()) != 0) return {"chdir", errno};
  if (command_.account && !change_account(*command_.account)) return {"setuid", errno};
  if (command_.death_signal != 0) {
    // After the change of user, which clears it; and the parent may be gone before it was set.
    if (::prctl(PR_SET_PDEATHSIG, command_.death_signal) != 0) return {"prctl", errno};
    if (::getppid() != parent) return {"getppid", ESRCH};
  }
  ::execve(path_.c_str(), argv_.data(), envp_.data());
  return {"execve", errno};
}

}  // namespace opsh::proc
