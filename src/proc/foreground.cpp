#include "proc/foreground.hpp"

#include <poll.h>

#include <array>
#include <csignal>
#include <utility>

#include "base/interrupt.hpp"
#include "proc/child.hpp"

namespace opsh::proc {
namespace {

/// The terminal sends its signals to the whole process group, so to us as well.
class TerminalSignalsIgnored {
 public:
  TerminalSignalsIgnored() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGINT, &ignore, &interrupt_);
    ::sigaction(SIGQUIT, &ignore, &quit_);
  }
  TerminalSignalsIgnored(const TerminalSignalsIgnored&) = delete;
  TerminalSignalsIgnored& operator=(const TerminalSignalsIgnored&) = delete;
  ~TerminalSignalsIgnored() {
    ::sigaction(SIGINT, &interrupt_, nullptr);
    ::sigaction(SIGQUIT, &quit_, nullptr);
  }

 private:
  struct sigaction interrupt_ {};
  struct sigaction quit_ {};
};

}  // namespace

Exit run_in_foreground(Command command) {
  command.input = command.output = command.errors = Stream::inherit;
  TerminalSignalsIgnored ignored;
  Child child = Child::start(std::move(command));
  bool asked = false;
  while (child.running()) {
    std::array<pollfd, 2> watched{pollfd{child.ended(), POLLIN, 0},
                                  pollfd{asked ? -1 : interrupt::descriptor(), POLLIN, 0}};
    ::poll(watched.data(), watched.size(), -1);
    if (watched[1].revents == 0 || asked) continue;
    asked = true;
    child.signal(SIGTERM);
  }
  return child.wait();
}

}  // namespace opsh::proc
