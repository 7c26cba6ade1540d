#pragma once

namespace opsh::interrupt {

/// Whether the operator asked to stop (SIGINT, SIGTERM, SIGHUP). Cleared by nobody: opsh ends after it.
bool requested();

/// A descriptor for poll(2) that is readable as soon as an interrupt is requested.
int descriptor();

/// Requests one. Async-signal-safe.
void request();

/// While one lives, waits are not cut short: for COMMIT, ROLLBACK and what must be recorded after an interrupt.
class Shield {
 public:
  Shield();
  ~Shield();
  Shield(const Shield&) = delete;
  Shield& operator=(const Shield&) = delete;
};

/// Whether an interrupt is to be heeded: requested, and no Shield lives.
bool heeded();
bool shielded();

}  // namespace opsh::interrupt
