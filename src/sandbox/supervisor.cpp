#include "sandbox/supervisor.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/error.hpp"
#include "proc/exit.hpp"
#include "proc/image.hpp"
#include "proc/pipes.hpp"
#include "sandbox/binaries.hpp"
#include "sandbox/supervision.hpp"

namespace opsh::sandbox {
namespace {

constexpr Seconds left_alone{5};

Error start_error(const char* what) {
  return {"sandbox.start", fmt::format("cannot start a sandbox: {}: {}", what, std::strerror(errno))};
}

bool send(const Descriptor& channel, Request request) {
  return ::send(channel.get(), &request, sizeof request, MSG_NOSIGNAL) == sizeof request;
}

proc::Command server_command(std::vector<std::string> argv, const std::optional<proc::Account>& account, int lock) {
  return {.argv = std::move(argv),
          .environment = server_environment(),
          .directory = "/",
          .account = account,
          .death_signal = SIGQUIT,
          .descriptors = {lock}};
}

}  // namespace

Supervisor::Supervisor(Directory directory, std::vector<std::string> server,
                       const std::optional<proc::Account>& account)
    : directory_(std::move(directory)) {
  const int lock = directory_.lock.get();
  const std::string log = directory_.log().string();
  proc::Image server_image{server_command(std::move(server), account, lock)};
  proc::Image removal_image{{.argv = {"rm", "-rf", "--", directory_.path.string()}}};
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) throw start_error("socketpair");
  channel_ = proc::above_streams(Descriptor{ends[0]});
  Descriptor theirs = proc::above_streams(Descriptor{ends[1]});

  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  process_ = ::fork();
  if (process_ == 0) supervise({theirs.get(), lock, log.c_str(), server_image, removal_image});
  int fork_error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = fork_error;
  if (process_ < 0) throw start_error("fork");
  // Only the sandbox's own processes hold the lock from here on: it is free when they are gone, while we live.
  directory_.lock.reset();
}

Supervisor::~Supervisor() {
  if (detached_) return;
  channel_.reset();
  int status = 0;
  while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
  }
  // It was killed, or could not do its work to the end.
  if (status != 0) remove_when_free(directory_.path, Deadline::in(left_alone));
}

void Supervisor::start_server() {
  if (!send(channel_, Request::start)) throw start_error("the supervisor is gone");
}

std::optional<std::string> Supervisor::server_end() {
  Report report;
  ssize_t count = ::recv(channel_.get(), &report, sizeof report, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  if (count != sizeof report) return "its supervisor is gone";
  if (report.failure.call)
    return fmt::format("it does not start: {} ({})", std::strerror(report.failure.error), report.failure.call);
  auto exit = proc::exit_of(report.wait_status);
  ended_well_ = exit.success();
  return exit.text();
}

bool Supervisor::stop_server(Deadline deadline) {
  ended_well_ = false;
  if (!send(channel_, Request::stop)) return false;
  while (!server_end())
    if (!proc::wait_ready(channel_.get(), POLLIN, deadline)) return false;
  return ended_well_;
}

void Supervisor::detach() {
  if (!send(channel_, Request::detach)) throw start_error("the supervisor is gone");
  detached_ = true;
}

}  // namespace opsh::sandbox
