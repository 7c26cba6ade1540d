#include "base/interrupt.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

namespace opsh::interrupt {
namespace {
std::atomic<bool> asked{false};
std::atomic<int> shields{0};
const int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}  // namespace

bool requested() {
  return asked.load();
}

int descriptor() {
  return event;
}

void request() {
  int saved = errno;
  asked.store(true);
  std::uint64_t one = 1;
  [[maybe_unused]] auto written = ::write(event, &one, sizeof one);
  errno = saved;
}

Shield::Shield() {
  ++shields;
}

Shield::~Shield() {
  --shields;
}

bool shielded() {
  return shields.load() > 0;
}

bool heeded() {
  return requested() && !shielded();
}

}  // namespace opsh::interrupt
