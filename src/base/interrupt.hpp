#pragma once

#include <atomic>
#include <string>
#include <string_view>

namespace opsh::interrupt {

/// Whether the operator asked to stop (SIGINT, SIGTERM, SIGHUP). opsh ends after it; only the prompt goes on.
bool requested();

/// A descriptor for poll(2) that is readable as soon as an interrupt is requested.
int descriptor();

/// Requests one. Async-signal-safe.
void request();

/// What was asked is done: the prompt has come back.
void clear();

/// The server has cancelled a statement for it, and said so by an SQLSTATE: for the prompt, which shows it. Kept until
/// clear(), because what is raised in Lua is raised anew on its way up.
void note_cancelled(std::string_view sqlstate);
std::string cancelled_as();

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

/// A request of its own for a thread beside the main one: what the operator asks of the program does not stop it, and
/// this does.
class Aside {
 public:
  Aside();
  ~Aside();
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;

  /// Asks it to stop. From any thread.
  void request();

  /// While one lives, requested(), descriptor(), heeded() and Shield of the thread that made it are about `aside`,
  /// which lives longer.
  class Here {
   public:
    explicit Here(Aside& aside);
    ~Here();
    Here(const Here&) = delete;
    Here& operator=(const Here&) = delete;
  };

 private:
  friend struct Current;
  std::atomic<bool> asked_{false};
  std::atomic<int> shields_{0};
  int event_ = -1;
};

/// What a second request does: prints `message` (at most 511 bytes of it) on standard error and ends the process at
/// once with `exit_code`. Until it is set: no message, 130.
void on_second(int exit_code, std::string_view message);

/// Does it. Async-signal-safe.
[[noreturn]] void end_process();

/// Does it for another reason, which is printed first; `exit_code` unless on_second() was told one.
[[noreturn]] void end_process(std::string_view reason, int exit_code);

}  // namespace opsh::interrupt
