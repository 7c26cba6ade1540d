#include "base/interrupt.hpp"

#include <poll.h>

#include <thread>

#include "support/catch.hpp"

namespace interrupt = opsh::interrupt;

namespace {

bool is_readable(int descriptor) {
  pollfd watched{descriptor, POLLIN, 0};
  return ::poll(&watched, 1, 0) == 1;
}

}  // namespace

TEST_CASE("a thread aside hears its own request, and neither hears that of the other") {
  interrupt::Aside aside;
  bool before = true, after = false, readable = false, shielded = true;
  interrupt::request();
  std::thread{[&] {
    const interrupt::Aside::Here here{aside};
    before = interrupt::heeded() || is_readable(interrupt::descriptor());
    aside.request();
    after = interrupt::heeded();
    readable = is_readable(interrupt::descriptor());
    const interrupt::Shield shield;
    shielded = !interrupt::heeded();
  }}.join();
  CHECK_FALSE(before);
  CHECK(after);
  CHECK(readable);
  CHECK(shielded);
  interrupt::clear();
  CHECK_FALSE(interrupt::requested());
  aside.request();
  CHECK_FALSE(interrupt::requested());
  CHECK_FALSE(is_readable(interrupt::descriptor()));
}
