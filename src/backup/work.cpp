#include "backup/work.hpp"

namespace opsh::backup {

bool Work::step(Deadline deadline) {
  if (failure_) throw Error{*failure_};
  if (done_) return true;
  try {
    done_ = advance(deadline);
  } catch (const Error& error) {
    failure_ = error;
    throw;
  }
  if (done_) took_ = Clock::now() - began_;
  return done_;
}

Outcome Work::finish() {
  step(Deadline{});
  Outcome outcome = result();
  outcome.seconds = took_;
  return outcome;
}

}  // namespace opsh::backup
