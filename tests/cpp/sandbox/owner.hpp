#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "proc/child.hpp"

namespace test {

/// What an owner of a sandbox said about it.
struct Owned {
  pid_t server = -1;
  pid_t supervisor = -1;
  std::filesystem::path directory;
};

/// This test program once more, in a process of its own, running the hidden test of that tag ([.owner] holds a sandbox
/// until it is killed, [.detacher] starts one that goes on).
opsh::proc::Child start_owner(const std::string& tag, const std::map<std::string, std::string>& environment = {},
                              const std::optional<opsh::proc::Account>& account = {});

/// Waits until the owner has its sandbox.
Owned read_owned(opsh::proc::Child& owner);

/// Whether the process lives; a zombie does not.
bool lives(pid_t pid);

/// Asks every 5 ms; whether it came true within the time.
template <typename Condition>
bool within(opsh::Seconds time, Condition condition) {
  auto deadline = opsh::Deadline::in(time);
  while (!condition()) {
    if (deadline.passed()) return false;
    ::usleep(5000);
  }
  return true;
}

/// Nothing is left of it: no process, no directory.
bool gone(const Owned& owned);

/// Sets an environment variable for a while; an empty value unsets it.
class Variable {
 public:
  Variable(const char* name, const std::string& value);
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable();

 private:
  const char* name_;
  std::optional<std::string> before_;
};

/// A directory that is removed at the end.
class Scratch {
 public:
  Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace test
