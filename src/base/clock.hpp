#pragma once

#include <chrono>
#include <string>

namespace opsh {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

/// A point in time after which a wait gives up. A default Deadline never passes.
class Deadline {
 public:
  Deadline() = default;
  static Deadline in(Seconds span) {
    return Deadline{Clock::now() + std::chrono::duration_cast<Clock::duration>(span)};
  }

  bool passed() const { return at_ != Clock::time_point::max() && Clock::now() >= at_; }

  /// Milliseconds left for poll(2), rounded up; -1 when there is no limit.
  int poll_milliseconds() const;

 private:
  explicit Deadline(Clock::time_point at) : at_(at) {}
  Clock::time_point at_ = Clock::time_point::max();
};

/// The wall clock as UTC, "2026-11-21T02:15:30Z".
std::string utc_now();

}  // namespace opsh
