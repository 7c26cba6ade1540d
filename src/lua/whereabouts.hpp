#pragma once

#include <csignal>

namespace opsh::lua {

/// Whether the main thread runs Lua or a function of opsh's, and how often it has changed: a script that runs for long
/// without calling opsh goes round in circles, one that waits for the server does not. Read by a signal handler.
struct Whereabouts {
  volatile std::sig_atomic_t in_lua = 1;
  volatile unsigned long changes = 0;
  /// Takes away what the handler has shown meanwhile; null when there is nothing.
  void (*volatile take_away)() = nullptr;
};
inline Whereabouts whereabouts;

/// While one lives the thread is there.
template <bool lua>
class Stay {
 public:
  Stay() : before_(whereabouts.in_lua) { move(lua); }
  Stay(const Stay&) = delete;
  Stay& operator=(const Stay&) = delete;
  ~Stay() { move(before_); }

 private:
  static void move(int to) {
    whereabouts.changes = whereabouts.changes + 1;
    whereabouts.in_lua = to;
    // Nothing is shown outside of Lua, so from here on nothing comes in between.
    if (!to && whereabouts.take_away) {
      whereabouts.take_away();
      whereabouts.take_away = nullptr;
    }
  }
  int before_;
};

using InOpsh = Stay<false>;
/// For a function of opsh's that calls Lua.
using InLua = Stay<true>;

}  // namespace opsh::lua
