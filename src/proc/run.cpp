#include "proc/run.hpp"

#include <poll.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "proc/child.hpp"
#include "proc/pipes.hpp"

namespace opsh::proc {
namespace {

constexpr Seconds grace{2};

/// One stream that is captured up to a limit.
struct Capture {
  int fd;
  std::size_t limit;
  std::string& text;
  bool& cut;

  /// Takes what is there; whether something came.
  bool take() {
    if (fd < 0) return false;
    auto more = read_available(fd);
    if (!more) return false;
    if (more->empty()) {
      fd = -1;
      return false;
    }
    std::size_t room = limit - text.size();
    cut = cut || more->size() > room;
    text.append(*more, 0, room);
    return true;
  }
};

void feed(Child& child, std::string_view& left) {
  try {
    left.remove_prefix(write_available(child.input(), left));
  } catch (const Error&) {
    left = {};  // a program may end without reading all of its input: that is its business
  }
  if (left.empty()) child.close_input();
}

/// Ends the process, gently first. Deadlines are no longer asked: it must go.
class Ending {
 public:
  explicit Ending(Child& child) : child_(child) {}

  bool begun() const { return begun_; }
  void begin() {
    begun_ = true;
    kill_at_ = Deadline::in(grace);
    child_.signal_group(SIGTERM);
  }
  int poll_milliseconds() const { return killed_ ? -1 : kill_at_.poll_milliseconds(); }
  void insist() {
    if (killed_ || !kill_at_.passed()) return;
    killed_ = true;
    child_.signal_group(SIGKILL);
  }

 private:
  Child& child_;
  Deadline kill_at_;
  bool begun_ = false;
  bool killed_ = false;
};

}  // namespace

Outcome run(Command command, const Terms& terms) {
  if (terms.input) command.input = Stream::pipe;
  Child child = Child::start(std::move(command));
  std::string_view left = terms.input ? std::string_view{*terms.input} : std::string_view{};
  if (child.input() >= 0) {
    set_nonblocking(child.input());
    if (left.empty()) child.close_input();
  }

  Outcome outcome;
  Capture output{child.output(), terms.output_limit, outcome.output, outcome.output_cut};
  Capture errors{child.errors(), terms.errors_limit, outcome.errors, outcome.errors_cut};
  Ending ending{child};
  while (child.running()) {
    const bool heed = !interrupt::shielded() && !ending.begun();
    std::array<pollfd, 5> watched{pollfd{child.ended(), POLLIN, 0}, pollfd{output.fd, POLLIN, 0},
                                  pollfd{errors.fd, POLLIN, 0}, pollfd{child.input(), POLLOUT, 0},
                                  pollfd{heed ? interrupt::descriptor() : -1, POLLIN, 0}};
    ::poll(watched.data(), watched.size(),
           ending.begun() ? ending.poll_milliseconds() : terms.deadline.poll_milliseconds());
    if (watched[3].revents != 0) feed(child, left);
    output.take();
    errors.take();
    if (ending.begun()) {
      ending.insist();
    } else if (interrupt::heeded() || terms.deadline.passed()) {
      outcome.stopped = interrupt::heeded() ? Stopped::interrupt : Stopped::deadline;
      ending.begin();
    }
  }
  // What it wrote is in the pipes, which hold at most 1 MiB each; a process that it left behind may write for ever.
  for (int reads = 0; reads < 32 && (output.take() || errors.take()); ++reads) {
  }
  outcome.exit = child.wait();
  return outcome;
}

}  // namespace opsh::proc
