#include "proc/child.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/error.hpp"
#include "proc/image.hpp"
#include "proc/pipes.hpp"

namespace opsh::proc {
namespace {

Error start_error(const Image& image, const Failure& failure) {
  const std::string& name = image.command().argv.front();
  if (std::strcmp(failure.call, "chdir") == 0)
    return {"process.start", fmt::format("cannot start {} in {}: {}", name, image.command().directory.string(),
                                         std::strerror(failure.error))};
  if (std::strcmp(failure.call, "execve") == 0 && failure.error == ENOENT)
    return {"process.not_found",
            fmt::format("cannot start {}: it, or the interpreter that it names, is not there", name),
            fmt::format("look at the first line of {}", image.path())};
  return {"process.start", fmt::format("cannot start {}: {} ({})", name, std::strerror(failure.error), failure.call)};
}

std::string read_next(int fd, Deadline deadline) {
  if (fd < 0) return {};
  while (true) {
    if (auto text = read_available(fd)) return *text;
    if (!wait_ready(fd, POLLIN, deadline)) throw Error{"process.deadline", "a child process wrote nothing in time"};
  }
}

/// Both ends of one standard stream: the child's, and ours when there is a pipe.
struct Joint {
  Descriptor theirs;
  Descriptor ours;
  int number = -1;  ///< what Streams wants
};

Joint join(Stream kind, int inherited, int named = -1) {
  if (kind == Stream::none) return {};
  if (kind == Stream::inherit) return {{}, {}, inherited};
  if (kind == Stream::descriptor) return {{}, {}, named};
  Pipe pipe = make_pipe();
  Joint joint;
  joint.theirs = std::move(inherited == 0 ? pipe.read : pipe.write);
  joint.ours = std::move(inherited == 0 ? pipe.write : pipe.read);
  if (inherited != 0) set_nonblocking(joint.ours.get());
  joint.number = joint.theirs.get();
  return joint;
}

}  // namespace

Child Child::start(Command command) {
  Image image{std::move(command)};
  return start(image);
}

Child Child::start(const Image& image) {
  const Command& command = image.command();
  Joint input = join(command.input, 0, command.input_descriptor);
  Joint output = join(command.output, 1, command.output_descriptor);
  Joint errors = join(command.errors, 2);
  Pipe told = make_pipe();
  const pid_t parent = ::getpid();

  // Signals wait until the child has the default handlers: one of ours must not run in it.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  pid_t pid = ::fork();
  if (pid == 0) {
    Failure failure = image.become({input.number, output.number, errors.number}, parent);
    [[maybe_unused]] auto written = ::write(told.write.get(), &failure, sizeof failure);
    ::_exit(127);
  }
  int fork_error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0)
    throw Error{"process.start", fmt::format("cannot start {}: {}", command.argv.front(), std::strerror(fork_error))};

  Child child;
  child.pid_ = pid;
  child.leads_group_ = command.input != Stream::inherit;
  child.process_ = Descriptor{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  int pidfd_error = errno;
  child.input_ = std::move(input.ours);
  child.output_ = std::move(output.ours);
  child.errors_ = std::move(errors.ours);
  told.write.reset();
  Failure failure;
  ssize_t count = 0;
  do count = ::read(told.read.get(), &failure, sizeof failure);
  while (count < 0 && errno == EINTR);
  if (count == sizeof failure) throw start_error(image, failure);
  if (!child.process_)
    throw Error{"process.start", fmt::format("cannot watch {}: {}", command.argv.front(), std::strerror(pidfd_error)),
                "opsh needs Linux 5.11 or newer, with pidfd_open allowed"};
  return child;
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      leads_group_(other.leads_group_),
      process_(std::move(other.process_)),
      input_(std::move(other.input_)),
      output_(std::move(other.output_)),
      errors_(std::move(other.errors_)),
      exit_(std::exchange(other.exit_, std::nullopt)) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this == &other) return *this;
  finish();
  pid_ = std::exchange(other.pid_, -1);
  leads_group_ = other.leads_group_;
  process_ = std::move(other.process_);
  input_ = std::move(other.input_);
  output_ = std::move(other.output_);
  errors_ = std::move(other.errors_);
  exit_ = std::exchange(other.exit_, std::nullopt);
  return *this;
}

Child::~Child() {
  finish();
}

void Child::finish() noexcept {
  if (pid_ < 0 || exit_) return;
  signal_group(SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

bool Child::running() {
  return pid_ > 0 && !wait(Deadline::in(Seconds{0}));
}

void Child::signal(int number) {
  if (pid_ > 0 && !exit_) ::kill(pid_, number);
}

void Child::signal_group(int number) {
  signal(number);
  // The group can outlive its leader, and its number is not given away while it has members or we have not waited.
  if (pid_ > 0 && !exit_ && leads_group_) ::kill(-pid_, number);
}

Exit Child::wait() {
  return *wait(Deadline{});
}

std::optional<Exit> Child::wait(Deadline deadline) {
  if (exit_) return exit_;
  if (pid_ < 0) return Exit{};
  if (!wait_ready(process_.get(), POLLIN, deadline)) return std::nullopt;
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  exit_ = exit_of(status);
  return exit_;
}

std::string Child::read_output(Deadline deadline) {
  return read_next(output_.get(), deadline);
}

std::string Child::read_errors(Deadline deadline) {
  return read_next(errors_.get(), deadline);
}

void Child::write(std::string_view text) {
  if (!input_) throw Error{"process.input", "the input of the child process is closed"};
  while (!text.empty()) {
    text.remove_prefix(write_available(input_.get(), text));
    if (!text.empty()) wait_ready(input_.get(), POLLOUT, Deadline{});
  }
}

}  // namespace opsh::proc
