#include "owner.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "sandbox/detached.hpp"
#include "sandbox/directory.hpp"
#include "sandbox/server.hpp"
#include "support/catch.hpp"

namespace test {

using namespace opsh;

proc::Child start_owner(const std::string& tag, const std::map<std::string, std::string>& environment,
                        const std::optional<proc::Account>& account) {
  proc::Command command{.argv = {"/proc/self/exe", tag}, .directory = "/", .account = account};
  command.environment.set = environment;
  return proc::Child::start(std::move(command));
}

Owned read_owned(proc::Child& owner) {
  std::string said;
  auto at = std::string::npos;
  auto deadline = Deadline::in(Seconds{20});
  while (at == std::string::npos || said.find('\n', at) == std::string::npos) {
    std::string more = owner.read_output(deadline);
    if (more.empty()) throw std::runtime_error{"the owner ended: " + said + owner.read_errors(deadline)};
    said += more;
    at = said.find("owned ");
  }
  Owned owned;
  std::string word;
  std::istringstream{said.substr(at)} >> word >> owned.server >> owned.supervisor >> owned.directory;
  return owned;
}

bool lives(pid_t pid) {
  std::ifstream file{fmt::format("/proc/{}/stat", pid)};
  std::string text;
  std::getline(file, text);
  auto end = text.rfind(')');
  return end != std::string::npos && text.size() > end + 2 && text[end + 2] != 'Z';
}

bool gone(const Owned& owned) {
  return !lives(owned.server) && !lives(owned.supervisor) && !std::filesystem::exists(owned.directory);
}

Variable::Variable(const char* name, const std::string& value) : name_(name) {
  if (const char* before = std::getenv(name)) before_ = before;
  value.empty() ? ::unsetenv(name) : ::setenv(name, value.c_str(), 1);
}

Variable::~Variable() {
  before_ ? ::setenv(name_, before_->c_str(), 1) : ::unsetenv(name_);
}

Scratch::Scratch() {
  std::string pattern = "/tmp/opsh-test-XXXXXX";
  if (!::mkdtemp(pattern.data())) throw std::runtime_error{"no scratch directory"};
  path_ = pattern;
}

Scratch::~Scratch() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

namespace {

void say(pid_t server, const std::filesystem::path& directory) {
  auto supervisor = sandbox::supervisor_of(directory);
  std::printf("owned %d %d %s\n", server, supervisor.value_or(-1), directory.c_str());
  std::fflush(stdout);
}

}  // namespace

}  // namespace test

TEST_CASE("holds a sandbox until it is killed", "[.owner]") {
  auto server = opsh::sandbox::Server::start();
  test::say(server.pid(), server.directory());
  ::pause();
}

TEST_CASE("starts a sandbox that goes on", "[.detacher]") {
  auto running = opsh::sandbox::start_detached({}, std::getenv("OPSH_TEST_STATE"));
  test::say(running.pid, running.directory);
}
