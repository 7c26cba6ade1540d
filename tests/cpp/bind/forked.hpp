#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>

#include "base/descriptor.hpp"
#include "base/interrupt.hpp"
#include "bind/console.hpp"
#include "support/catch.hpp"

namespace test {

/// How a forked process ended, and what it wrote.
struct Ended {
  int status = -1;  ///< exit status, or -1
  int signal = 0;
  std::string output;
  std::string errors;
};

/// For what would end the test process, or change it for good. Test macros have no effect in there.
inline Ended forked(const std::function<void()>& act) {
  auto temporary = [] {
    char name[] = "/tmp/opsh-bind-XXXXXX";
    opsh::Descriptor file{::mkstemp(name)};
    ::unlink(name);
    return file;
  };
  auto content = [](const opsh::Descriptor& file) {
    std::string text(static_cast<std::size_t>(::lseek(file.get(), 0, SEEK_END)), '\0');
    REQUIRE(::pread(file.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    return text;
  };
  opsh::Descriptor output = temporary(), errors = temporary();
  pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    for (int number : {SIGABRT, SIGTERM, SIGINT, SIGSEGV}) std::signal(number, SIG_DFL);
    std::signal(SIGPIPE, SIG_IGN);
    ::dup2(output.get(), STDOUT_FILENO);
    ::dup2(errors.get(), STDERR_FILENO);
    act();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  // Both processes share the descriptor that tells of interrupts.
  std::uint64_t count = 0;
  [[maybe_unused]] auto drained = ::read(opsh::interrupt::descriptor(), &count, sizeof count);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, WIFSIGNALED(status) ? WTERMSIG(status) : 0, content(output),
          content(errors)};
}

/// In a forked process: ends it with status 1 and the text, unless that is empty.
inline void expect_none(const std::string& problem) {
  if (problem.empty()) return;
  opsh::bind::console::write_error(problem);
  ::_exit(1);
}

}  // namespace test
