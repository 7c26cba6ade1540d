#include "base/interrupt.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace opsh::interrupt {
namespace {
std::atomic<bool> asked{false};
std::atomic<int> shields{0};
constexpr int interrupted = 130;
std::atomic<int> second_exit_code{interrupted};
char second_message[512] = "";
thread_local std::string cancelled;

/// Not under the number of a standard stream that is closed: what is printed there would be an interrupt.
int make_event() {
  int made = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  int moved = ::fcntl(made, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  ::close(made);
  return moved;
}

const int event = make_event();

/// Of this thread; null for what the operator asks.
thread_local Aside* of_thread = nullptr;

void signal_event(int descriptor) {
  std::uint64_t one = 1;
  [[maybe_unused]] auto written = ::write(descriptor, &one, sizeof one);
}
}  // namespace

/// Where this thread's request is.
struct Current {
  static std::atomic<bool>& asked() { return of_thread ? of_thread->asked_ : interrupt::asked; }
  static std::atomic<int>& shields() { return of_thread ? of_thread->shields_ : interrupt::shields; }
  static int event() { return of_thread ? of_thread->event_ : interrupt::event; }
};

Aside::Aside() : event_(make_event()) {}

Aside::~Aside() {
  ::close(event_);
}

void Aside::request() {
  asked_.store(true);
  signal_event(event_);
}

Aside::Here::Here(Aside& aside) {
  of_thread = &aside;
}

Aside::Here::~Here() {
  of_thread = nullptr;
}

bool requested() {
  return Current::asked().load();
}

int descriptor() {
  return Current::event();
}

void request() {
  int saved = errno;
  asked.store(true);
  signal_event(event);
  errno = saved;
}

void note_cancelled(std::string_view sqlstate) {
  cancelled = sqlstate;
}

std::string cancelled_as() {
  return cancelled;
}

void clear() {
  cancelled.clear();
  asked.store(false);
  std::uint64_t count = 0;
  [[maybe_unused]] auto taken = ::read(event, &count, sizeof count);
}

Shield::Shield() {
  ++Current::shields();
}

Shield::~Shield() {
  --Current::shields();
}

bool shielded() {
  return Current::shields().load() > 0;
}

bool heeded() {
  return requested() && !shielded();
}

void on_second(int exit_code, std::string_view message) {
  second_exit_code = exit_code;
  second_message[message.copy(second_message, sizeof second_message - 1)] = '\0';
}

void end_process() {
  [[maybe_unused]] auto written = ::write(STDERR_FILENO, second_message, std::strlen(second_message));
  _exit(second_exit_code);
}

void end_process(std::string_view reason, int exit_code) {
  [[maybe_unused]] auto written = ::write(STDERR_FILENO, reason.data(), reason.size());
  if (second_exit_code == interrupted) _exit(exit_code);
  end_process();
}

}  // namespace opsh::interrupt
