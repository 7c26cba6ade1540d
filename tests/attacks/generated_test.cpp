#include <cstdlib>
#include <set>
#include <stdexcept>

#include "attacks/attackers.hpp"
#include "attacks/battle.hpp"
#include "attacks/grammar.hpp"
#include "support/catch.hpp"
#include "support/peer.hpp"
#include "support/server.hpp"

using attacks::Generated;
using attacks::Grammar;

namespace {

int wanted(const char* variable, int otherwise) {
  const char* given = std::getenv(variable);
  return given != nullptr ? std::stoi(given) : otherwise;
}

/// A session without any gate, whose transactions may write.
class Judge {
 public:
  explicit Judge(const std::string& conninfo) : peer_(conninfo) {
    peer_.run("set statement_timeout = '2s'; set lock_timeout = '1s'");
  }

  /// How the statement wrote, in the server's own words; empty when it did not. `ran` says whether it came to an end.
  std::string writes(const std::string& sql, bool& ran) {
    std::string how;
    const std::string next = *peer_.run("begin; select pg_snapshot_xmax(pg_current_snapshot())")[0][0];
    try {
      peer_.run(sql);
      ran = true;
      how = *peer_.run(traces)[0][0];
      if (how.empty()) peer_.run("commit");
    } catch (const std::runtime_error&) {
      ran = false;
    }
    peer_.run("rollback; select pg_advisory_unlock_all()");
    if (how.empty() && *peer_.run("select pg_snapshot_xmax(pg_current_snapshot())")[0][0] != next)
      how = "a transaction id at COMMIT";
    // A sequence's value is not taken back.
    if (!how.empty()) peer_.run("select setval('counter', 1, false)");
    return how;
  }

 private:
  static constexpr const char* traces = R"(
    select concat_ws(', ', case when pg_current_xact_id_if_assigned() is not null then 'a transaction id' end,
      (select string_agg(mode, ' ') from pg_locks where pid = pg_backend_pid() and
        (locktype = 'advisory' or locktype = 'relation' and mode <> 'AccessShareLock')),
      (select 'a sequence' from counter where is_called), (select 'channels' from pg_listening_channels() limit 1)))";

  test::Peer peer_;
};

}  // namespace

TEST_CASE("no generated statement that the gate passes writes on a server that would let it") {
  const int statements = wanted("OPSH_ATTACKS_STATEMENTS", attacks::everything() ? 20000 : 2500);
  const auto seed = static_cast<unsigned>(wanted("OPSH_ATTACKS_SEED", 1));
  test::Database database;
  database.query(Grammar::fixture());
  auto session = attacks::opsh_session(database.conninfo());
  Judge judge{database.conninfo()};
  Grammar grammar{seed};

  int reads = 0, reads_passed = 0, ran = 0, refused = 0, refused_judged = 0, refused_wrote = 0;
  for (int number = 0; number < statements; ++number) {
    const Generated made = grammar.next();
    INFO("seed " << seed << ", statement " << number << ": " << made.sql);
    reads += !made.poisoned;
    const attacks::Answer answer = session->judged(made.sql);
    const bool passed = answer.kind == "passed";
    bool came_to_an_end = false;
    if (passed) {
      reads_passed += !made.poisoned;
      CHECK(judge.writes(made.sql, came_to_an_end) == "");
      ran += came_to_an_end;
    } else if (answer.kind != "server") {
      ++refused;
      INFO(answer.message);
      CHECK(made.poisoned);
      if (refused % 10 != 0 || made.utility) continue;
      ++refused_judged;
      refused_wrote += !judge.writes(made.sql, came_to_an_end).empty();
    }
  }
  WARN("seed " << seed << ": of " << statements << " statements " << reads << " only read, and " << reads_passed
               << " of these passed; " << refused << " were refused; " << ran << " that passed ran to their end; of "
               << refused_judged << " refused ones tried without the gate " << refused_wrote << " wrote");
  CHECK(reads_passed > reads * 9 / 10);
  CHECK(ran > statements / 3);
  CHECK(refused_wrote > refused_judged / 3);
}
