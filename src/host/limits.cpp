#include "host/limits.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <ctime>
#include <string_view>

#include "base/interrupt.hpp"
#include "host/interrupts.hpp"
#include "lua/whereabouts.hpp"

namespace opsh::host {
namespace {

constexpr std::size_t megabyte = std::size_t{1} << 20;
constexpr std::size_t usual_memory = 512 * megabyte;
constexpr Seconds usual_time{60};
constexpr int ticks_in_second = 4;
constexpr int ticks_to_obey = 2 * ticks_in_second;

lua::Memory* watched = nullptr;
volatile bool shows_loops = false;
volatile int most_ticks = static_cast<int>(usual_time.count()) * ticks_in_second;

// Of the handler alone: since when nothing has changed, and since when it was asked to stop.
unsigned long seen_changes = 0;
int ticks = 0;
int ticks_since_asked = 0;

constexpr std::string_view stuck =
    "\nopsh: the script does not stop: it is inside one call of Lua's own, as a text pattern can be for hours. Ended "
    "at "
    "once\n";

/// In a signal handler; what cannot be written is not shown.
void show_now(std::string_view text) {
  const int saved = errno;
  [[maybe_unused]] auto written = ::write(STDERR_FILENO, text.data(), text.size());
  errno = saved;
}

void show_loop() {
  std::array<char, 64> line{'\r'};
  char* end = std::to_chars(line.data() + 1, line.data() + 12, ticks / ticks_in_second).ptr;
  constexpr std::string_view of_halves[] = {".0", ".5"};
  for (auto part : {of_halves[ticks % ticks_in_second / 2], std::string_view{" s, Lua (Ctrl-C stops it)\x1b[K"}})
    end = std::ranges::copy(part, end).out;
  show_now({line.data(), end});
  lua::whereabouts.take_away = [] { show_now("\r\x1b[K"); };
}

void on_tick(int) {
  if (!lua::whereabouts.in_lua || lua::whereabouts.changes != seen_changes) {
    seen_changes = lua::whereabouts.changes;
    ticks = ticks_since_asked = 0;
    return;
  }
  ++ticks;
  if (shows_loops && !interrupt::requested() && ticks >= ticks_in_second && ticks % 2 == 0) show_loop();
  bool too_long = most_ticks > 0 && ticks >= most_ticks;
  if (!too_long && !interrupt::requested()) return;
  if (ticks_since_asked++ == 0 && too_long && !interrupt::requested()) stop_lua(Stop::time);
  if (ticks_since_asked <= ticks_to_obey) return;
  constexpr int interrupted = 130;
  interrupt::end_process(stuck, interrupt::requested() ? interrupted : 1);
}

}  // namespace

void watch_lua(lua::Memory* memory) {
  watched = memory;
  limit_memory(usual_memory);
  struct sigaction action {};
  action.sa_handler = on_tick;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGVTALRM, &action, nullptr);
  // To this thread, whose clock it is: others have no Lua.
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGVTALRM;
  event._sigev_un._tid = ::gettid();
  timer_t timer{};
  constexpr long period = 1'000'000'000 / ticks_in_second;
  itimerspec every{{0, period}, {0, period}};
  if (::timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) == 0) ::timer_settime(timer, 0, &every, nullptr);
}

void limit_memory(std::size_t bytes) {
  if (watched) watched->limit(bytes, [] { stop_lua(Stop::memory); });
}

void limit_time(Seconds seconds) {
  most_ticks = static_cast<int>(seconds.count() * ticks_in_second);
}

void show_loops() {
  shows_loops = true;
}

Error memory_error() {
  return {"script.memory", fmt::format("the script uses more than {} MB of memory", watched->limit() / megabyte),
          "work in smaller portions (ctx:rows, a smaller batch), or give it more: --script-memory"};
}

Error time_error() {
  return {
      "script.loop",
      fmt::format("the script ran for {} s without calling opsh", static_cast<double>(most_ticks) / ticks_in_second),
      "look for a loop that does not end, or give it longer: --script-timeout"};
}

bool memory_reached() {
  return watched && watched->reached();
}

void recover_memory(lua_State* L) {
  if (!watched || !watched->reached()) return;
  lua_gc(L, LUA_GCCOLLECT, 0);
  watched->recover();
}

}  // namespace opsh::host
