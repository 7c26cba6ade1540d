// The network breaks and stays broken: opsh must come to an end by its own deadlines, and say how things stand.

#include <memory>

#include "base/clock.hpp"
#include "faults/applier.hpp"
#include "faults/cutter.hpp"
#include "support/catch.hpp"
#include "support/peer.hpp"
#include "support/proxy.hpp"

namespace {

using namespace faults;

constexpr int rows = 500, batch = 25;

/// An apply that loses its server for good at the COMMIT of a batch.
struct InDoubt {
  explicit InDoubt(Moment where) : moment(where) {
    cutter.arm({moment, 3, true, true});
    opsh = std::make_unique<opsh::proc::Child>(workshop.apply(cutter.conninfo()));
  }

  Moment moment;
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch};
  Cutter cutter{database.conninfo()};
  std::unique_ptr<opsh::proc::Child> opsh;
};

void require_in_doubt(InDoubt& one) {
  Ending ending = Workshop::end(*one.opsh);
  INFO(ending.said);
  REQUIRE(one.cutter.of_batch());
  REQUIRE(ending.status == 7);
  std::size_t at = ending.said.find("select from opsh.batch where token = '");
  REQUIRE(at != std::string::npos);
  std::string look = ending.said.substr(at, ending.said.find("';", at) + 1 - at);
  std::size_t found = one.workshop.query(look).size();
  CHECK(found == (one.moment == Moment::swallowed ? 1 : 0));
  CHECK(one.workshop.times_counted(ending.batch()) == static_cast<int>(found));
  one.cutter.arm({});
  Ending after = one.workshop.follow(ending);
  INFO(after.said);
  CHECK(after.status == 0);
  CHECK(one.workshop.wrong(1) == Wrong{});
}

}  // namespace

// In one test because each of them waits for a quarter of a minute: they do so side by side. The control is a client
// that has libpq's own deadlines and none beside them.
TEST_CASE("an apply that is cut off for good ends by itself, in doubt only about a COMMIT, and says what to look at") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch, 0.1};
  test::Proxy proxy{database.conninfo()};
  test::Database elsewhere;
  Workshop of_stand_in{elsewhere.conninfo(), rows, batch, 0.1};
  test::Proxy other_proxy{elsewhere.conninfo()};
  auto without_deadline = StandIn{of_stand_in, "no_fence"}.go_on(other_proxy.conninfo() + " tcp_user_timeout=1000");
  auto silenced = workshop.start(proxy.conninfo(), {"--statement-timeout=1", "count.lua", "--apply"});
  REQUIRE(test::eventually([&] { return workshop.batches_done() >= 3; }));
  REQUIRE(test::eventually(
      [&] { return workshop.number("select count(*) from pg_stat_activity where wait_event = 'PgSleep'") > 0; }));
  // From here on nothing comes back, and nothing is refused either: the update under way is never answered.
  proxy.mute();
  REQUIRE(test::eventually([&] { return of_stand_in.batches_touched() >= 1; }));
  other_proxy.mute();
  auto began = opsh::Clock::now();
  InDoubt rolled_back{Moment::unseen}, committed{Moment::swallowed};

  require_in_doubt(rolled_back);
  require_in_doubt(committed);

  Ending ending = Workshop::end(silenced);
  opsh::Seconds took = opsh::Clock::now() - began;
  INFO(took.count() << " s\n" << ending.said);
  CHECK(ending.status == 4);
  CHECK(ending.says("the server has not answered within the statement's time limit"));
  // Ten seconds beyond the statement's one, and ten for asking the ledger over a new connection.
  CHECK(took >= opsh::Seconds{10});
  CHECK(took < opsh::Seconds{25});
  CHECK(without_deadline.running());
  CHECK(Workshop::end(workshop.resume()).status == 0);
  CHECK(workshop.wrong(1) == Wrong{});
}
