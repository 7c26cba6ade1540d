#include "bind/console.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace opsh::bind::console {
namespace {

/// Writes all of it; returns 0 or the errno of what went wrong.
int write_all(int fd, std::string_view text) noexcept {
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
  return {true, ::ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0};
}

}  // namespace opsh::bind::console
