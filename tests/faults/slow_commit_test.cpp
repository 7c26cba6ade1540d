// A COMMIT that takes its time, and loses its client meanwhile: the truth is not there yet when opsh asks.

#include "faults/applier.hpp"
#include "faults/cutter.hpp"
#include "support/catch.hpp"
#include "support/peer.hpp"

namespace {

using namespace faults;

constexpr int rows = 100, batch = 25;

/// From the second batch on, the end of a transaction that wrote counters takes 1.5 seconds and then does `ending`.
/// opsh has its deferred constraints checked before it records a batch; only what defers itself after that, as a
/// trigger can, is left for COMMIT.
void slow_down_commit(const Workshop& workshop, const std::string& ending) {
  workshop.write_runbook(
      "{ name = 'count', plan = 'select id from counters', key = 'id', writes = { 'counters', 'late' }, batch = 25, "
      "apply = function(tx) tx:exec('update counters set n = n + 1 where id = any(:keys)') end }");
  workshop.query("create table late (id serial primary key, n integer); create sequence ended;");
  workshop.query(
      "create function finish() returns trigger language plpgsql as $$ begin perform pg_sleep(1.5); "
      "perform nextval('ended'); " +
      ending +
      " return null; end $$; create constraint trigger finish after insert on late deferrable initially deferred for "
      "each row execute function finish()");
  workshop.query(
      "create function put_off() returns trigger language plpgsql as $$ begin set constraints finish deferred; "
      "insert into late (n) values (1); return null; end $$; create constraint trigger put_off after update on "
      "counters "
      "deferrable initially deferred for each row when (new.id = " +
      std::to_string(batch + 1) + " and new.n = 1) execute function put_off()");
}

struct Observed {
  Ending ending;
  int seen_at_once = 0, there_in_the_end = 0;  ///< rows of the second batch's ledger entry
};

/// Applies, cuts the connection while the second batch is inside COMMIT, and looks without the fence as well.
Observed cut_inside_commit(const Workshop& workshop, Cutter& cutter) {
  cutter.arm({Moment::underway, 2, false, true});
  auto opsh = workshop.apply(cutter.conninfo());
  Observed observed;
  REQUIRE(test::eventually([&] { return cutter.happened(); }));
  CHECK(cutter.of_batch());
  constexpr const char* look = "select count(*) from opsh.batch where number = 2";
  REQUIRE(test::eventually([&] {
    return workshop.number("select count(*) from pg_stat_activity where query ilike 'commit%' and state = 'active'") >
           0;
  }));
  observed.seen_at_once = workshop.number(look);
  CHECK(workshop.query("select is_called from ended")[0][0] == "f");
  observed.ending = Workshop::end(opsh);
  // Had opsh answered before the COMMIT was over, the sequence, which no rollback takes back, would not have moved.
  CHECK(workshop.query("select is_called from ended")[0][0] == "t");
  observed.there_in_the_end = workshop.number(look);
  return observed;
}

}  // namespace

TEST_CASE("a slow COMMIT that lost its client is waited for and found committed") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch};
  Cutter cutter{database.conninfo()};
  slow_down_commit(workshop, "");
  Observed observed = cut_inside_commit(workshop, cutter);
  INFO(observed.ending.said);
  CHECK(observed.seen_at_once == 0);
  CHECK(observed.there_in_the_end == 1);
  CHECK(observed.ending.status == 4);
  CHECK(observed.ending.says("the COMMIT of batch 2 of step count; the server says that it is committed"));
  CHECK(workshop.follow(observed.ending).status == 0);
  CHECK(workshop.wrong(1) == Wrong{});
}

TEST_CASE("a slow COMMIT that lost its client and fails is waited for and found rolled back") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch};
  Cutter cutter{database.conninfo()};
  slow_down_commit(workshop, "raise 'too late';");
  Observed observed = cut_inside_commit(workshop, cutter);
  INFO(observed.ending.said);
  CHECK(observed.there_in_the_end == 0);
  CHECK(observed.ending.status == 4);
  CHECK(observed.ending.says("the COMMIT of batch 2 of step count; the server says that it was rolled back"));
  workshop.query("drop trigger put_off on counters");
  CHECK(workshop.follow(observed.ending).status == 0);
  CHECK(workshop.wrong(1) == Wrong{});
}

TEST_CASE("a slow COMMIT that lost its client catches an apply that looks for its batch at once") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch};
  Cutter cutter{database.conninfo()};
  slow_down_commit(workshop, "");
  StandIn stand_in{workshop, "looks_at_once"};
  cutter.arm({Moment::underway, 2});
  CHECK(Workshop::end(stand_in.go_on(cutter.conninfo())).status == 0);
  CHECK(cutter.happened());
  CHECK(workshop.wrong(1) == Wrong{0, batch});
}
