// A network that swallows everything: nothing is refused, nothing answers.

#include "base/clock.hpp"
#include "faults/workshop.hpp"
#include "support/catch.hpp"
#include "support/peer.hpp"
#include "support/proxy.hpp"

using namespace faults;

TEST_CASE("an apply on a network gone silent gives up by its own deadline and can be resumed") {
  test::Database database;
  Workshop workshop{database.conninfo(), 500, 25, 0.02};
  test::Proxy proxy{database.conninfo()};
  auto opsh = workshop.start(proxy.conninfo(), {"--statement-timeout=1", "count.lua", "--apply"});
  REQUIRE(test::eventually([&] { return workshop.batches_done() >= 3; }));
  // Inside the pause of an update, not at a COMMIT.
  REQUIRE(test::eventually(
      [&] { return workshop.number("select count(*) from pg_stat_activity where wait_event = 'PgSleep'") > 0; }));
  proxy.mute();
  opsh::Clock::time_point began = opsh::Clock::now();
  Ending ending = Workshop::end(opsh);
  opsh::Seconds took = opsh::Clock::now() - began;
  INFO(took.count() << " s\n" << ending.said);
  CHECK(ending.status == 4);
  CHECK(ending.says("Go on with: opsh resume "));
  // Ten seconds beyond the statement's second, and ten for asking the ledger over a new connection.
  CHECK(took >= opsh::Seconds{10});
  CHECK(took < opsh::Seconds{25});
  CHECK(Workshop::end(workshop.resume()).status == 0);
  CHECK(workshop.wrong(1) == Wrong{});
}
