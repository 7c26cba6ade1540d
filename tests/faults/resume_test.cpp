// Between the end of one process and the start of the next, the world becomes another one: the script was edited, the
// database is another one of the same name, or an older state of itself.

#include <signal.h>

#include "faults/own_server.hpp"
#include "faults/weather.hpp"
#include "support/catch.hpp"

namespace {

using namespace faults;

constexpr int rows = 1000, batch = 20;

/// Replaces the database by another one of its name: an empty table, or what was dumped.
class Replacement {
 public:
  Replacement(const test::Database& database, const Workshop& workshop) : database_(database), workshop_(workshop) {}

  void dump() const { run("pg_dump --file=dump \"$CONNINFO\""); }
  void restore() const {
    replace();
    run("psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --file=dump \"$CONNINFO\" >/dev/null");
  }
  void begin_anew() const {
    replace();
    workshop_.query("create table counters (id integer primary key, n integer not null default 0)");
    workshop_.query("insert into counters select generate_series(1, " + std::to_string(rows) + ")");
  }

 private:
  void replace() const {
    test::server().drop_database(database_.name());
    test::server().create_database(database_.name());
  }
  void run(const std::string& words) const {
    Ending ending = workshop_.shell(words);
    if (ending.status != 0) throw std::runtime_error{ending.said};
  }

  const test::Database& database_;
  const Workshop& workshop_;
};

}  // namespace

TEST_CASE("a resume with an edited script is refused, and one with the old script finishes") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch, 0.005};
  leave_unfinished(Opsh{workshop}, 5);
  int before = workshop.batches_touched();
  workshop.write_counting_by(10);
  CHECK(Workshop::end(workshop.resume()).status == 5);
  CHECK(workshop.batches_touched() == before);
  workshop.write_counting_by(1);
  CHECK(Workshop::end(workshop.resume()).status == 0);
  CHECK(workshop.wrong(1) == Wrong{});
}

TEST_CASE("an edited script catches an apply that goes on with it") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch, 0.005};
  StandIn stand_in{workshop, "place_in_file"};
  leave_unfinished(stand_in, 5);
  stand_in.increment = 10;
  CHECK(Workshop::end(stand_in.go_on()).status == 0);
  CHECK(workshop.wrong(1).doubled > 0);
}

TEST_CASE("a resume on another database of the same name is refused and changes nothing there") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch, 0.005};
  leave_unfinished(Opsh{workshop}, 5);
  std::string run = *workshop.unfinished();
  Replacement{database, workshop}.begin_anew();
  Ending ending = Workshop::end(workshop.start(database.conninfo(), {"resume", run}));
  INFO(ending.said);
  CHECK(ending.status == 2);
  CHECK(ending.says("there is no run "));
  CHECK(workshop.wrong(0) == Wrong{});
}

TEST_CASE("another database of the same name catches an apply that keeps its place in a file") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch, 0.005};
  StandIn stand_in{workshop, "place_in_file"};
  leave_unfinished(stand_in, 5);
  Replacement{database, workshop}.begin_anew();
  CHECK(Workshop::end(stand_in.go_on()).status == 0);
  CHECK(workshop.wrong(1).lost > 0);
}

TEST_CASE("a resume on a database that was restored from a dump is refused and changes nothing there") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch, 0.005};
  leave_unfinished(Opsh{workshop}, 5);
  Replacement replacement{database, workshop};
  replacement.dump();
  int before = workshop.batches_touched();
  leave_unfinished(Opsh{workshop}, before + 5);
  replacement.restore();
  Ending ending = Workshop::end(workshop.resume());
  INFO(ending.said);
  CHECK(ending.status == 5);
  CHECK(ending.says("another database"));
  CHECK(workshop.batches_touched() == before);
}

TEST_CASE("a restored dump catches an apply that keeps its place in a file") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch, 0.005};
  StandIn stand_in{workshop, "place_in_file"};
  leave_unfinished(stand_in, 5);
  Replacement replacement{database, workshop};
  replacement.dump();
  leave_unfinished(stand_in, workshop.batches_touched() + 5);
  replacement.restore();
  CHECK(Workshop::end(stand_in.go_on()).status == 0);
  CHECK(workshop.wrong(1).lost > 0);
}

// Copied files are the same database, with the same identity and an older ledger.
TEST_CASE("a resume on the restored files of a server is refused, or goes on from what that ledger says") {
  OwnServer server;
  Workshop workshop{server.conninfo(), rows, batch, 0.005};
  leave_unfinished(Opsh{workshop}, 5);
  server.keep();
  int before = workshop.batches_touched();
  leave_unfinished(Opsh{workshop}, before + 5);
  server.put_back();
  CHECK(workshop.batches_touched() == before);
  Ending ending = Workshop::end(workshop.resume());
  INFO(ending.said);
  CHECK((ending.status == 0 || ending.status == 5));
  if (ending.status == 0) CHECK(workshop.wrong(1) == Wrong{});
  if (ending.status == 5) CHECK(workshop.batches_touched() == before);
}

TEST_CASE("restored files of a server catch an apply that keeps its place in a file") {
  OwnServer server;
  Workshop workshop{server.conninfo(), rows, batch, 0.005};
  StandIn stand_in{workshop, "place_in_file"};
  leave_unfinished(stand_in, 5);
  server.keep();
  leave_unfinished(stand_in, workshop.batches_touched() + 5);
  server.put_back();
  CHECK(Workshop::end(stand_in.go_on()).status == 0);
  CHECK(workshop.wrong(1).lost > 0);
}
