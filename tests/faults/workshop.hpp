#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "proc/child.hpp"
#include "proc/run.hpp"
#include "support/server.hpp"

namespace faults {

/// The number in an environment variable, for those who want more than ctest has time for.
inline int wanted(const char* variable, int otherwise) {
  const char* given = std::getenv(variable);
  return given ? std::stoi(given) : otherwise;
}

/// How a program is started, beside its words.
struct Manner {
  std::map<std::string, std::string> environment = {};
  opsh::proc::Stream input = opsh::proc::Stream::none;
  std::vector<std::string> options = {};  ///< of opsh
};

/// Rows that were touched too seldom and too often, added up.
struct Wrong {
  int lost = 0, doubled = 0;
  bool operator==(const Wrong&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const Wrong& wrong) {
  return out << wrong.lost << " lost, " << wrong.doubled << " doubled";
}

/// How opsh ended, and what it said on standard error.
struct Ending {
  int status = 0;
  std::string said;

  bool says(std::string_view words) const { return said.find(words) != std::string::npos; }
  /// The number in "the COMMIT of batch 12 of step".
  int batch() const {
    constexpr std::string_view before = "COMMIT of batch ";
    return std::stoi(said.substr(said.find(before) + before.size()));
  }
};

/// The table that is judged, a counter per row, and opsh working on it: `n = n + 1`, because applying twice would not
/// show where a runbook only sets a value.
class Workshop {
 public:
  /// Each batch takes at least `pause` seconds.
  Workshop(std::string conninfo, int rows, int batch, double pause = 0)
      : conninfo_(std::move(conninfo)), rows_(rows), batch_(batch) {
    char made[] = "/tmp/opsh-faults-XXXXXX";
    if (!::mkdtemp(made)) throw std::runtime_error{"no directory for the test"};
    folder_ = made;
    std::filesystem::create_symlink(OPSH_PROGRAM, folder_ / "opsh");
    query("create table counters (id integer primary key, n integer not null default 0)");
    query("insert into counters select generate_series(1, " + std::to_string(rows) + ")");
    if (pause > 0)
      query("create function pause() returns trigger language plpgsql as $$ begin perform pg_sleep(" +
            std::to_string(pause) +
            "); return null; end $$; create trigger pause after update on counters execute function pause()");
    write_counting_by(1);
  }
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;
  ~Workshop() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  void write_runbook(const std::string& steps) const {
    std::ofstream{folder_ / "count.lua"} << "return require('opsh.runbook') { title = 'Count', steps = { " + steps +
                                                " } }\n";
  }

  void write_counting_by(int increment) const {
    write_runbook("{ name = 'count', plan = 'select id from counters', key = 'id', writes = { 'counters' }, batch = " +
                  std::to_string(batch_) +
                  ", apply = function(tx) return { counted = tx:exec('update counters set n = n + " +
                  std::to_string(increment) + " where id = any(:keys)') } end }");
  }

  const std::string& conninfo() const { return conninfo_; }
  int rows() const { return rows_; }
  int batch() const { return batch_; }
  int batches() const { return rows_ / batch_; }
  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path state() const { return folder_ / "state"; }
  std::vector<test::Row> query(const std::string& sql) const { return test::query(conninfo_, sql); }
  int number(const std::string& sql) const { return std::stoi(query(sql).at(0).at(0).value()); }

  /// Whether the server lets one in.
  bool answers() const {
    try {
      query("select");
      return true;
    } catch (const std::runtime_error&) {
      return false;
    }
  }

  /// Runs opsh through `conninfo`: a proxy's, or the server's own.
  opsh::proc::Child start(const std::string& conninfo, const std::vector<std::string>& words,
                          const Manner& manner = {}) const {
    std::vector<std::string> argv{OPSH_PROGRAM, "--db", conninfo, "--quiet"};
    argv.insert(argv.end(), manner.options.begin(), manner.options.end());
    argv.insert(argv.end(), words.begin(), words.end());
    return start_program(std::move(argv), manner);
  }
  opsh::proc::Child start_program(std::vector<std::string> argv, const Manner& manner) const {
    opsh::proc::Command command = in_folder();
    command.argv = std::move(argv);
    command.environment.set.insert(manner.environment.begin(), manner.environment.end());
    command.input = manner.input;
    return opsh::proc::Child::start(command);
  }
  opsh::proc::Child apply(const std::string& conninfo) const { return start(conninfo, {"count.lua", "--apply"}); }
  opsh::proc::Child apply() const { return apply(conninfo_); }
  opsh::proc::Child resume() const { return start(conninfo_, {"resume", unfinished().value()}); }
  /// Whatever is to be done next: begins a run, or goes on with the one that is not done.
  opsh::proc::Child go_on(const std::string& conninfo, const Manner& manner = {}) const {
    auto run = unfinished();
    return start(conninfo,
                 run ? std::vector<std::string>{"resume", *run} : std::vector<std::string>{"count.lua", "--apply"},
                 manner);
  }

  static Ending end(opsh::proc::Child& child) {
    Ending ending;
    opsh::Deadline deadline = opsh::Deadline::in(opsh::Seconds{120});
    for (std::string part; !(part = child.read_errors(deadline)).empty();) ending.said += part;
    auto exit = child.wait();
    ending.status = exit.signal ? -exit.signal : exit.status;
    return ending;
  }
  static Ending end(opsh::proc::Child&& child) { return end(child); }

  /// Runs a shell command that knows `opsh` and has the connection string in $CONNINFO.
  Ending shell(const std::string& words) const {
    opsh::proc::Command command = in_folder();
    const char* path = std::getenv("PATH");
    command.environment.set["PATH"] = folder_.string() + ":" + (path ? path : "");
    command.environment.set["CONNINFO"] = conninfo_;
    command.argv = {"sh", "-c", words};
    auto outcome = opsh::proc::run(command);
    return {outcome.exit.signal ? -outcome.exit.signal : outcome.exit.status, outcome.errors};
  }
  /// Runs the command that opsh printed as the way to go on, as a person would.
  Ending follow(const Ending& ending) const {
    std::size_t at = ending.said.rfind("opsh resume ");
    if (at == std::string::npos) throw std::runtime_error{"no command to go on with in: " + ending.said};
    return shell(ending.said.substr(at, ending.said.find('\n', at) - at));
  }

  /// The run that is not done, if there is one.
  std::optional<std::string> unfinished() const {
    if (!has_ledger()) return std::nullopt;
    auto rows = query("select id from opsh.run where state <> 'done'");
    return rows.empty() ? std::nullopt : rows[0][0];
  }
  int runs_done() const { return has_ledger() ? number("select count(*) from opsh.run where state = 'done'") : 0; }
  /// As the table shows it, in the first round.
  int batches_touched() const { return number("select count(*) from counters where n > 0") / batch_; }
  int batches_done() const { return has_ledger() ? number("select count(*) from opsh.batch") : 0; }

  /// How often the rows of a batch were counted. Throws when that differs between them.
  int times_counted(int number) const {
    auto found = query("select distinct n from counters where id between " + std::to_string((number - 1) * batch_ + 1) +
                       " and " + std::to_string(number * batch_));
    if (found.size() != 1) throw std::runtime_error{"a batch was torn"};
    return std::stoi(found[0][0].value());
  }

  Wrong wrong(int times) const {
    std::string n = std::to_string(times);
    return {number("select coalesce(sum(" + n + " - n), 0) from counters where n < " + n),
            number("select coalesce(sum(n - " + n + "), 0) from counters where n > " + n)};
  }

 private:
  /// The first apply makes it.
  bool has_ledger() const {
    return query("select exists (select from pg_catalog.pg_namespace where nspname = 'opsh')")[0][0] == "t";
  }

  opsh::proc::Command in_folder() const {
    opsh::proc::Command command;
    command.environment.set["XDG_STATE_HOME"] = state().string();
    command.directory = folder_;
    command.output = opsh::proc::Stream::none;
    return command;
  }

  std::string conninfo_;
  int rows_, batch_;
  std::filesystem::path folder_;
};

}  // namespace faults
