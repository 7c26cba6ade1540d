// The network breaks around COMMIT. What opsh then says of the batch must be what the table shows.

#include <array>

#include "faults/applier.hpp"
#include "faults/cutter.hpp"
#include "faults/weather.hpp"
#include "support/catch.hpp"

namespace {

using namespace faults;

constexpr int rows = 500, batch = 25;
constexpr std::array moments{Moment::recorded, Moment::unseen, Moment::underway, Moment::swallowed,
                             Moment::after_bytes};

}  // namespace

TEST_CASE("an apply whose connection is cut around COMMIT finds out the truth and touches each row exactly once") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch};
  Cutter cutter{database.conninfo()};
  Dice dice;
  const int enough = wanted("OPSH_FAULT_CUTS", 20);
  int cuts = 0, of_batches = 0, committed = 0, rolled_back = 0, runs = 0;
  while (cuts < enough || workshop.unfinished()) {
    Cut cut{moments[static_cast<std::size_t>(cuts) % moments.size()]};
    cut.of_batches = cuts % 2 == 0;
    cut.count = 1 + dice.up_to(cut.moment == Moment::after_bytes ? 30000 : 11);
    cutter.arm(cuts < enough ? cut : Cut{});
    Ending ending = Workshop::end(workshop.go_on(cutter.conninfo()));
    bool happened = cutter.happened(), of_batch = cutter.of_batch();
    cutter.arm({});
    INFO("cut " << cuts << ", moment " << static_cast<int>(cut.moment) << ", count " << cut.count << ", status "
                << ending.status << "\n"
                << ending.said);
    if (!happened) REQUIRE(ending.status == 0);
    cuts += happened;
    of_batches += of_batch;
    if (of_batch) {
      REQUIRE(ending.status == 4);
      REQUIRE(ending.says("Go on with: opsh resume "));
    }
    if (ending.says("the server says that it ")) {
      bool said_committed = ending.says("it is committed");
      int finished = workshop.runs_done();
      REQUIRE(workshop.times_counted(ending.batch()) == finished + (said_committed ? 1 : 0));
      ++(said_committed ? committed : rolled_back);
    }
    REQUIRE(ending.status != 7);
    if (!workshop.unfinished()) {
      runs = workshop.runs_done();
      REQUIRE(workshop.wrong(runs) == Wrong{});
    }
  }
  CHECK(workshop.batches_done() == runs * workshop.batches());
  CHECK(committed > 0);
  CHECK(rolled_back > 0);
  figure(cuts, " cuts around COMMIT in ", runs, " runs, ", of_batches, " of them of a batch (", committed,
         " found committed, ", rolled_back, " rolled back): 0 lost, 0 doubled");
}

TEST_CASE("a swallowed answer catches an apply that repeats its batch when COMMIT was not answered") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch};
  Cutter cutter{database.conninfo()};
  StandIn stand_in{workshop, "blind_retry"};
  for (Moment moment : {Moment::unseen, Moment::swallowed}) {
    workshop.query("update counters set n = 0");
    cutter.arm({moment, 3});
    CHECK(Workshop::end(stand_in.go_on(cutter.conninfo())).status == 0);
    CHECK(cutter.happened());
    CHECK(workshop.wrong(1) == Wrong{0, moment == Moment::swallowed ? batch : 0});
  }
}
