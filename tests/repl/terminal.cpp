#include "terminal.hpp"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

namespace repl {

Home::Home() {
  char made[] = "/tmp/opsh-repl-XXXXXX";
  if (!::mkdtemp(made)) throw std::runtime_error{"no directory for the test"};
  path_ = made;
}

Home::~Home() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Terminal::Terminal(const Home& home, std::vector<std::string> arguments, const std::filesystem::path& directory) {
  arguments.insert(arguments.begin(), OPSH_PROGRAM);
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  winsize size{24, 80, 0, 0};
  child_ = ::forkpty(&master_, nullptr, nullptr, &size);
  if (child_ < 0) throw std::runtime_error{"no pseudo-terminal"};
  if (child_ > 0) return;
  ::setenv("XDG_STATE_HOME", home.path().c_str(), 1);
  ::setenv("HOME", home.path().c_str(), 1);
  const char* kind = std::getenv("OPSH_TEST_TERM");
  ::setenv("TERM", kind ? kind : "xterm", 1);
  ::setenv("INPUTRC", "/dev/null", 1);
  // A pager waits for keys: none, unless a test wants one.
  const char* pager = std::getenv("OPSH_TEST_PAGER");
  ::setenv("PAGER", pager ? pager : "", 1);
  if (!directory.empty() && ::chdir(directory.c_str()) != 0) ::_exit(127);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

Terminal::~Terminal() {
  if (child_ > 0) {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  ::close(master_);
}

void Terminal::type(std::string_view keys) {
  if (::write(master_, keys.data(), keys.size()) != static_cast<ssize_t>(keys.size()))
    throw std::runtime_error{"the terminal takes no keys"};
}

/// False at the end.
bool Terminal::read_some(const opsh::Deadline& deadline) {
  pollfd watched{master_, POLLIN, 0};
  if (::poll(&watched, 1, deadline.poll_milliseconds()) <= 0) return !deadline.passed();
  std::array<char, 4096> buffer{};
  ssize_t count = ::read(master_, buffer.data(), buffer.size());
  if (count <= 0) return false;
  shown_.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

std::string Terminal::wait_for(std::string_view text, opsh::Seconds within) {
  opsh::Deadline deadline = opsh::Deadline::in(within);
  for (;;) {
    std::size_t at = shown_.find(text, seen_);
    if (at != std::string::npos) {
      std::string before = shown_.substr(seen_, at - seen_);
      seen_ = at + text.size();
      return before;
    }
    if (!read_some(deadline)) throw std::runtime_error{"waited for " + std::string{text} + " and saw " + shown_};
  }
}

bool Terminal::shows(std::string_view text, opsh::Seconds within) {
  opsh::Deadline deadline = opsh::Deadline::in(within);
  for (;;) {
    std::size_t at = shown_.find(text, seen_);
    if (at != std::string::npos) {
      seen_ = at + text.size();
      return true;
    }
    if (!read_some(deadline)) return false;
  }
}

void Terminal::paste(std::string_view text) {
  while (!text.empty()) {
    pollfd watched{master_, POLLOUT | POLLIN, 0};
    ::poll(&watched, 1, -1);
    if (watched.revents & POLLIN) read_some(opsh::Deadline::in(opsh::Seconds{1}));
    if (!(watched.revents & POLLOUT)) continue;
    ssize_t count = ::write(master_, text.data(), std::min<std::size_t>(text.size(), 1024));
    if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
  }
}

void Terminal::resize(unsigned short columns, unsigned short lines) {
  winsize size{lines, columns, 0, 0};
  ::ioctl(master_, TIOCSWINSZ, &size);
}

void Terminal::signal(int number) {
  ::kill(child_, number);
}

int Terminal::end() {
  opsh::Deadline deadline = opsh::Deadline::in(opsh::Seconds{10});
  while (read_some(deadline)) {
  }
  if (deadline.passed()) throw std::runtime_error{"it does not end, and showed " + shown_};
  int status = 0;
  ::waitpid(child_, &status, 0);
  child_ = -1;
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace repl
