// opsh dies when the server has committed a batch and opsh has not heard of it: what the batch's effects waited for has
// happened, and nothing of them is recorded but that they wait.

#include <signal.h>

#include "faults/cutter.hpp"
#include "faults/weather.hpp"
#include "support/catch.hpp"
#include "support/peer.hpp"

namespace {

using namespace faults;

constexpr int rows = 100, batch = 25;

/// Each batch, once it is committed, leaves the number of its first row in a file.
void write_counting_with_effects(const Workshop& workshop) {
  workshop.write_runbook(
      "{ name = 'count', plan = 'select id from counters', key = 'id', writes = { 'counters' }, batch = 25, "
      "apply = function(tx, items) tx:exec('update counters set n = n + 1 where id = any(:keys)') "
      "require('opsh.proc').run({ 'sh', '-c', 'echo ' .. items[1].id .. ' >> effects' }) end }");
}

using Lines = std::vector<std::string>;

Lines lines_of(const std::filesystem::path& file) {
  Lines lines;
  std::ifstream in{file};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

Lines effects(const Workshop& workshop) {
  return lines_of(workshop.folder() / "effects");
}

/// Lets an applier work until the COMMIT of its second batch is answered, and kills it before it gets the answer.
/// `of_batches`: it has COMMITs of its own beside those.
void kill_behind_commit(const Applier& applier, bool of_batches) {
  Cutter cutter{applier.workshop.conninfo()};
  cutter.arm({Moment::swallowed, 2, true, of_batches});
  auto process = applier.go_on(cutter.conninfo());
  REQUIRE(test::eventually([&] { return cutter.happened(); }));
  // A stand-in may have given up by itself; opsh asks the server again, which cannot be reached any more.
  process.signal(SIGKILL);
  auto exit = process.wait();
  REQUIRE((exit.signal == SIGKILL || exit.status == 1));
  REQUIRE(applier.workshop.batches_touched() == 2);
  REQUIRE(effects(applier.workshop) == Lines{"1"});
}

}  // namespace

TEST_CASE("a resume does once, and records, the effects of a batch whose COMMIT opsh did not live to hear of") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch};
  write_counting_with_effects(workshop);
  kill_behind_commit(Opsh{workshop}, true);
  CHECK(workshop.query("select figures #>> '{effects,0,outcome}' from opsh.batch where number = 2")[0][0] == "waiting");
  const std::filesystem::path log = workshop.state() / "opsh" / "runs" / *workshop.unfinished() / "audit.jsonl";

  Ending ending = Workshop::end(workshop.resume());
  INFO(ending.said);
  CHECK(ending.status == 0);
  CHECK(effects(workshop) == Lines{"1", "26", "51", "76"});
  CHECK(workshop.wrong(1) == Wrong{});
  CHECK(workshop.number("select count(*) from opsh.batch where figures #>> '{effects,0,outcome}' = 'done'") == 4);
  auto recorded = [&](std::string_view words) {
    int count = 0;
    for (const auto& line : lines_of(log)) count += line.find(words) != std::string::npos;
    return count;
  };
  CHECK(recorded("\"event\":\"effect begun\"") == 4);
  CHECK(recorded("\"event\":\"effect finished\"") == 4);
  CHECK(recorded("\"again\"") == 0);
}

TEST_CASE("a kill right behind COMMIT catches an apply that remembers its effects by itself") {
  test::Database database;
  Workshop workshop{database.conninfo(), rows, batch};
  StandIn stand_in{workshop, "own_memory"};
  kill_behind_commit(stand_in, false);
  CHECK(Workshop::end(stand_in.go_on()).status == 0);
  CHECK(workshop.wrong(1) == Wrong{});
  CHECK(effects(workshop) == Lines{"1", "51", "76"});
}
