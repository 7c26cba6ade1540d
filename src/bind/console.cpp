#include "bind/console.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/redact.hpp"

namespace opsh::bind::console {
namespace {

/// Writes all of it; returns 0 or the errno of what went wrong.
int write_all(int fd, std::string_view given) noexcept {
  std::string without;
  if (redact::holds(given)) without = redact::redacted(given);
  std::string_view text = without.empty() ? given : without;
  while (!text.empty()) {
    ssize_t count = ::write(fd, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      // Standard streams can be made non-blocking by whoever shares them.
      pollfd watched{fd, POLLOUT, 0};
      ::poll(&watched, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

/// A terminal that shows nothing of what is typed, for as long as this lives.
class Unechoed {
 public:
  explicit Unechoed(int fd) : fd_(fd) {
    if (::tcgetattr(fd_, &before_) != 0) return;
    termios now = before_;
    now.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = ::tcsetattr(fd_, TCSAFLUSH, &now) == 0;
  }
  Unechoed(const Unechoed&) = delete;
  Unechoed& operator=(const Unechoed&) = delete;
  ~Unechoed() {
    if (changed_) ::tcsetattr(fd_, TCSAFLUSH, &before_);
  }
  bool changed() const { return changed_; }

 private:
  int fd_;
  termios before_{};
  bool changed_ = false;
};

}  // namespace

void write_out(std::string_view text) {
  switch (int error = write_all(STDOUT_FILENO, text)) {
    case 0:
      return;
    case EPIPE:
    case EBADF:
    case EIO:
      throw Error{"output.closed", "standard output is closed"};
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      throw Error{"output.full", fmt::format("cannot write to standard output: {}", std::strerror(error)),
                  "make room where it goes, then run it again"};
    default:
      throw Error{"output.failed", fmt::format("cannot write to standard output: {}", std::strerror(error))};
  }
}

void write_error(std::string_view text) noexcept {
  write_all(STDERR_FILENO, text);
}

Terminal terminal(int fd) {
  if (!::isatty(fd)) return {};
  winsize size{};
  const bool known = ::ioctl(fd, TIOCGWINSZ, &size) == 0;
  return {true, known ? size.ws_col : 0, known ? size.ws_row : 0};
}

std::optional<std::string> ask_hidden(std::string_view prompt) {
  Descriptor terminal{::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)};
  if (!terminal) return std::nullopt;
  Unechoed unechoed{terminal.get()};
  if (!unechoed.changed()) return std::nullopt;
  write_all(terminal.get(), prompt);
  std::string line;
  // A line at a time is what a terminal gives, and the end of input before one is no answer.
  while (!line.ends_with('\n')) {
    std::array<pollfd, 2> watched{pollfd{terminal.get(), POLLIN, 0}, pollfd{interrupt::descriptor(), POLLIN, 0}};
    ::poll(watched.data(), watched.size(), -1);
    if (interrupt::heeded()) {
      write_all(terminal.get(), "\n");
      throw Error{"interrupted", "interrupted while asking for a secret"};
    }
    std::array<char, 4096> typed{};
    ssize_t count = watched[0].revents ? ::read(terminal.get(), typed.data(), typed.size()) : 0;
    if (watched[0].revents && count <= 0 && errno != EINTR) break;
    if (count > 0) line.append(typed.data(), static_cast<std::size_t>(count));
  }
  write_all(terminal.get(), "\n");
  if (!line.ends_with('\n')) return std::nullopt;
  line.pop_back();
  return line;
}

}  // namespace opsh::bind::console
