// What surrounds the process is not what it was: whoever read its output is gone, the clock jumps.

#include <signal.h>

#include "faults/weather.hpp"
#include "support/catch.hpp"

namespace {

using namespace faults;

constexpr int rows = 1000, batch = 20;

}  // namespace

TEST_CASE("an apply whose reader goes away touches each row exactly once, or none and says so") {
  // The plan comes before the first batch, the document after the last.
  struct {
    const char *options, *stream;
    int rounds;
  } readers[] = {{"--verbose", "2>&1", 0}, {"--json", "2>errors", 1}, {"--json --verbose", "2>&1 >/dev/null", 1}};
  for (const auto& [options, stream, rounds] : readers) {
    test::Database database;
    Workshop workshop{database.conninfo(), rows, batch, 0.002};
    workshop.shell("opsh --db \"$CONNINFO\" " + std::string{options} + " count.lua --apply " + stream + " | head -c 1");
    INFO(options << " " << stream);
    CHECK(!workshop.unfinished());
    CHECK(workshop.runs_done() == rounds);
    CHECK(workshop.wrong(rounds) == Wrong{});
  }
}

TEST_CASE("an apply without standard streams uses their numbers for nothing else") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch, 0.01};
  auto process = workshop.start_program(
      {"sh", "-c", "exec ./opsh --verbose --json --db \"$0\" count.lua --apply <&- >&- 2>&-", database.conninfo()}, {});
  REQUIRE(test::eventually([&] { return workshop.batches_touched() >= 2; }));
  for (std::string number : {"0", "1", "2"})
    CHECK(std::filesystem::read_symlink("/proc/" + std::to_string(process.pid()) + "/fd/" + number) == "/dev/null");
  Workshop::end(process);
  CHECK(workshop.runs_done() == 1);
  CHECK(workshop.wrong(1) == Wrong{});
}

TEST_CASE("a reader that goes away catches an apply that shows a batch before it remembers it") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch, 0.002};
  workshop.shell(std::string{OPSH_STAND_IN} + " \"$CONNINFO\" 1000 20 late_ledger . | head -c 1");
  CHECK(Workshop::end(StandIn{workshop, "late_ledger"}.go_on()).status == 0);
  CHECK(workshop.wrong(1).doubled > 0);
}

#ifdef __SANITIZE_ADDRESS__
TEST_CASE("an apply that is killed while its clock jumps is not tested with sanitizers") {
  figure("not tested: AddressSanitizer wants to be the first library of a process: nothing can be preloaded");
}
#else

namespace {

Damage kill_often_while_the_clock_jumps(Applier& applier, int enough) {
  applier.manner.environment["LD_PRELOAD"] = OPSH_CLOCK_JUMP;
  Dice dice;
  return weather(applier, applier.workshop.conninfo(), enough, [&](opsh::proc::Child& process) {
    if (!in_the_middle(applier, process)) return false;
    dice.sleep_up_to(50);
    process.signal(SIGKILL);
    return process.wait().signal == SIGKILL;
  });
}

}  // namespace

TEST_CASE("an apply that is killed while its clock jumps days, and resumed, touches each row exactly once") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch, 0.005};
  Opsh opsh{workshop};
  Damage damage = kill_often_while_the_clock_jumps(opsh, wanted("OPSH_FAULT_CLOCKS", 4));
  INFO(damage);
  CHECK(damage.none());
  CHECK(workshop.batches_done() == damage.rounds * workshop.batches());
  figure("clock jumps: ", damage);
}

TEST_CASE("a jumping clock catches an apply that goes on behind its newest batch") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch, 0.005};
  StandIn stand_in{workshop, "by_clock"};
  CHECK(kill_often_while_the_clock_jumps(stand_in, 20).wrong.doubled > 0);
}
#endif
