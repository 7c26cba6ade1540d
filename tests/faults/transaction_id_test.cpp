// After a crash the server issues transaction ids again that nobody heard of: an id is no proof of a COMMIT.

#include <chrono>
#include <thread>

#include "faults/applier.hpp"
#include "faults/cutter.hpp"
#include "faults/own_server.hpp"
#include "support/catch.hpp"
#include "support/peer.hpp"

namespace {

using namespace faults;

// Small: a page full of WAL is written before its COMMIT, and the id with it.
constexpr int rows = 40, batch = 4;

/// The COMMIT of a batch never arrives, the server crashes, and somebody else's transaction gets the batch's id and
/// commits. Nothing when the id was not issued again, because it came to the disk before.
std::optional<Ending> work_while_its_id_is_issued_again(const Applier& applier, OwnServer& server, const Cut& cut) {
  Cutter cutter{server.conninfo()};
  cutter.arm(cut);
  auto process = applier.go_on(cutter.conninfo());
  std::uint64_t id = 0;
  {
    test::Peer observer{server.conninfo()};
    while (!cutter.happened() && process.running()) {
      auto found = observer.run("select backend_xid from " + applier.sessions() + " and backend_xid is not null");
      if (!found.empty()) id = std::stoull(*found[0][0]);
    }
  }
  server.stop();
  server.start();
  test::Peer other{server.conninfo()};
  auto issue = [&] { return std::stoull(*other.run("select pg_current_xact_id()")[0][0]); };
  std::uint64_t issued = issue();
  while (issued < id) issued = issue();
  cutter.arm({});
  Ending ending = Workshop::end(process);
  if (issued != id) return std::nullopt;
  return ending;
}

/// On a server that brings to the disk what a COMMIT asks for, and nothing before that.
template <class Judge>
void judge_when_issued_again(Judge&& judge) {
  for (int tries = 0; tries < 10; ++tries) {
    OwnServer server{{"wal_writer_delay=10s", "full_page_writes=off"}};
    Workshop workshop{server.conninfo(), rows, batch, 0.05};
    if (judge(workshop, server)) return;
  }
  FAIL("no id was issued again");
}

}  // namespace

TEST_CASE("a lost COMMIT whose transaction id was issued again after a crash is found rolled back") {
  judge_when_issued_again([](const Workshop& workshop, OwnServer& server) {
    auto ending = work_while_its_id_is_issued_again(Opsh{workshop}, server, {Moment::unseen, 3, true, true});
    if (!ending) return false;
    INFO(ending->said);
    CHECK(ending->status == 4);
    CHECK(ending->says("the server says that it was rolled back"));
    CHECK(Workshop::end(workshop.resume()).status == 0);
    CHECK(workshop.wrong(1) == Wrong{});
    return true;
  });
}

TEST_CASE("an id that was issued again catches an apply that asks for the state of its transaction") {
  judge_when_issued_again([](const Workshop& workshop, OwnServer& server) {
    auto ending =
        work_while_its_id_is_issued_again(StandIn{workshop, "by_transaction_id"}, server, {Moment::unseen, 3, true});
    if (!ending) return false;
    INFO(ending->said);
    CHECK(ending->status == 0);
    CHECK(workshop.wrong(1) == Wrong{batch, 0});
    return true;
  });
}
