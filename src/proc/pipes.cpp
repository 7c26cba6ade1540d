#include "proc/pipes.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include "base/error.hpp"

namespace opsh::proc {
namespace {

/// Holds SIGPIPE back in this thread. A library has no right to change the handler for the whole process.
class PipeSignalHeld {
 public:
  PipeSignalHeld() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  PipeSignalHeld(const PipeSignalHeld&) = delete;
  PipeSignalHeld& operator=(const PipeSignalHeld&) = delete;
  ~PipeSignalHeld() {
    int saved = errno;
    timespec now{};
    if (!was_pending_) sigtimedwait(&pipe_, nullptr, &now);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = saved;
  }

 private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

}  // namespace

Descriptor above_streams(Descriptor descriptor) {
  if (!descriptor || descriptor.get() > STDERR_FILENO) return descriptor;
  return Descriptor{::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1)};
}

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    throw Error{"process.start", fmt::format("cannot make a pipe: {}", std::strerror(errno))};
  return {above_streams(Descriptor{ends[0]}), above_streams(Descriptor{ends[1]})};
}

void set_nonblocking(int fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

std::optional<std::string> read_available(int fd) {
  std::array<char, 65536> buffer{};
  ssize_t count = 0;
  do count = ::read(fd, buffer.data(), buffer.size());
  while (count < 0 && errno == EINTR);
  if (count >= 0) return std::string{buffer.data(), static_cast<std::size_t>(count)};
  if (errno == EAGAIN) return std::nullopt;
  throw Error{"process.read", fmt::format("cannot read from a child process: {}", std::strerror(errno))};
}

std::size_t write_available(int fd, std::string_view text) {
  PipeSignalHeld held;
  ssize_t count = ::write(fd, text.data(), text.size());
  if (count >= 0) return static_cast<std::size_t>(count);
  if (errno == EAGAIN || errno == EINTR) return 0;
  throw Error{"process.input", fmt::format("cannot write to a child process: {}", std::strerror(errno))};
}

bool wait_ready(int fd, short events, Deadline deadline) {
  while (true) {
    pollfd watched{fd, events, 0};
    int ready = ::poll(&watched, 1, deadline.poll_milliseconds());
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR)
      throw Error{"process.read", fmt::format("cannot wait for a child process: {}", std::strerror(errno))};
    if (deadline.passed()) return false;
  }
}

}  // namespace opsh::proc
