#pragma once

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "faults/own_server.hpp"
#include "faults/weather.hpp"
#include "sandbox/binaries.hpp"

namespace faults {

/// A database `app` that has changed since a backup of it was taken, on a server of its own. What is judged is what
/// people find who connect to it: the database of now, or the one of the backup, and nothing between.
class Restored {
 public:
  explicit Restored(int rows = 60000) : server({"max_prepared_transactions=4"}) {
    char made[] = "/tmp/opsh-restores-XXXXXX";
    if (!::mkdtemp(made)) throw std::runtime_error{"no directory for the test"};
    folder = made;
    admin("create database app");
    query("create table what as select 'then'::text as it; create table child (id int primary key, words text)");
    query("insert into child select i, repeat(md5(i::text), 4) from generate_series(1, " + std::to_string(rows) +
          ") as i; create index on child (words); create view both_of_them as select * from what, child");
    then_ = content();
    auto taken = end(start({"backup", "--level=written"}));
    for (const auto& entry : std::filesystem::directory_iterator{folder / "opsh" / "backups"})
      if (entry.path().extension() == ".dump") dump = entry.path();
    if (taken.status != 0 || dump.empty()) throw std::runtime_error{"no backup was made: " + taken.said};
    query("update what set it = 'now'; delete from child where id % 2 = 0");
    now_ = content();
  }
  Restored(const Restored&) = delete;
  Restored& operator=(const Restored&) = delete;
  ~Restored() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }

  std::string conninfo(const std::string& database = "app") const { return server.conninfo() + " dbname=" + database; }
  std::vector<test::Row> admin(const std::string& sql) const { return test::query(server.conninfo(), sql); }
  std::vector<test::Row> query(const std::string& sql) const { return test::query(conninfo(), sql); }

  /// Runs opsh on the database.
  opsh::proc::Child start(std::vector<std::string> words, const std::string& through = {}) const {
    words.insert(words.begin(), {OPSH_PROGRAM, "--db", through.empty() ? conninfo() : through, "--quiet"});
    return start_program(std::move(words));
  }
  opsh::proc::Child start_program(std::vector<std::string> argv) const {
    opsh::proc::Command command;
    command.argv = std::move(argv);
    command.environment.set["XDG_STATE_HOME"] = folder.string();
    command.environment.set["PATH"] = binaries_.directory.string() + ":/usr/bin:/bin";
    command.directory = folder;
    command.output = opsh::proc::Stream::none;
    return opsh::proc::Child::start(command);
  }
  opsh::proc::Child restore(const std::string& through = {}) const {
    return start({"restore", dump.string(), "--apply", "--confirm=app"}, through);
  }
  static Ending end(opsh::proc::Child&& child) { return Workshop::end(child); }

  /// What is wrong after a restore has ended with this status, or after it was killed; empty when nothing is.
  std::string complaint(const Ending& ending) const {
    auto because = [&](const std::string& words) {
      return words + ", status " + std::to_string(ending.status) + ": " + ending.said;
    };
    if (!test::eventually([&] { return answers(); })) return because("nobody can connect to the database");
    const std::string found = content();
    const bool replaced = found == then_;
    if (!replaced && found != now_) return because("the database is neither the one of now nor the one of then");
    auto kept = admin("select datname from pg_database where datname like 'app_before_%'");
    if (replaced && (kept.size() != 1 || content(*kept[0][0]) != now_))
      return because("the replaced database was not kept");
    if (!replaced && !kept.empty()) return because("nothing was replaced, and there is a replaced database");
    if (ending.status == 0 && !replaced) return because("it says that the database was replaced");
    if (ending.status > 0 && ending.status != 7 && replaced) return because("it says that nothing was replaced");
    return {};
  }
  /// Waits until a restore has announced its swap; false when it ends before.
  bool in_its_swap(opsh::proc::Child& process) const {
    while (process.running())
      for (const auto& entry : std::filesystem::directory_iterator{folder / "opsh" / "backups"}) {
        std::ifstream log{entry.path() / "audit.jsonl"};
        std::string all{std::istreambuf_iterator<char>{log}, {}};
        if (all.find("swap started") != all.npos && all.find("restore f") == all.npos) return true;
      }
    return false;
  }
  bool replaced() const { return content() == then_; }
  /// The databases that a restore has left behind before its swap.
  std::vector<test::Row> leftovers() const {
    return admin("select datname from pg_database where datname ~ '^app_(restore|new)'");
  }

  /// Everything as it was before the restore.
  void reset() const {
    for (const auto& entry : std::filesystem::directory_iterator{folder / "opsh" / "backups"})
      if (entry.is_directory() && dump.string().find(entry.path().filename().string()) == std::string::npos)
        std::filesystem::remove_all(entry.path());
    for (const auto& row : leftovers()) admin("drop database " + *row[0] + " with (force)");
    auto kept = admin("select datname from pg_database where datname like 'app_before%'");
    if (kept.empty()) return;
    admin("drop database if exists app with (force)");
    admin("alter database " + *kept[0][0] + " rename to app");
  }

  OwnServer server;
  std::filesystem::path folder;
  std::filesystem::path dump;

 private:
  bool answers() const {
    try {
      query("select");
      return true;
    } catch (const std::runtime_error&) {
      return false;
    }
  }
  /// What is in a database, or why that cannot be told.
  std::string content(const std::string& database = "app") const {
    try {
      return *test::query(conninfo(database),
                          "select concat((select string_agg(it, ',') from what), ' ', count(*), ' ', "
                          "sum(hashtext(child::text))) from child")[0][0];
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }

  std::string then_, now_;
  opsh::sandbox::Binaries binaries_ = opsh::sandbox::find_binaries();
};

/// People who connect to the database, look, and come again, as fast as they can.
class Crowd {
 public:
  explicit Crowd(const Restored& site, int people = 3) {
    for (int person = 0; person < people; ++person)
      threads_.emplace_back([this, &site](auto stop) { run(site, stop); });
  }

  /// What they found in the database: "now", "then", or something else.
  std::set<std::string> found() {
    std::lock_guard lock{mutex_};
    return found_;
  }
  std::set<std::string> refusals() {
    std::lock_guard lock{mutex_};
    return refusals_;
  }
  /// The longest time in which nobody got in.
  double closed() const { return closed_; }

 private:
  void run(const Restored& site, const std::stop_token& stop) {
    using Clock = std::chrono::steady_clock;
    Clock::time_point last = Clock::now();
    while (!stop.stop_requested()) {
      try {
        std::string it = test::query(site.conninfo(), "select it from what").at(0).at(0).value();
        std::lock_guard lock{mutex_};
        found_.insert(it);
        closed_ = std::max(closed_, std::chrono::duration<double>(Clock::now() - last).count());
        last = Clock::now();
      } catch (const std::runtime_error& error) {
        std::string said = error.what();
        std::lock_guard lock{mutex_};
        refusals_.insert(said.substr(0, said.find('\n')));
      }
    }
  }

  std::mutex mutex_;
  std::set<std::string> found_, refusals_;
  double closed_ = 0;
  std::vector<std::jthread> threads_;
};

/// The pg_restore that a process has started to write into a database, as soon as there is one; nothing when the
/// process ends before.
inline std::optional<pid_t> tool_of(opsh::proc::Child& process) {
  while (process.running()) {
    for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
      std::ifstream stat{entry.path() / "stat"}, arguments{entry.path() / "cmdline"};
      std::string pid, name, state, parent;
      if (!(stat >> pid >> name >> state >> parent) || parent != std::to_string(process.pid())) continue;
      std::string words{std::istreambuf_iterator<char>{arguments}, {}};
      if (name == "(pg_restore)" && words.find("--dbname") != words.npos) return std::stoi(pid);
    }
  }
  return std::nullopt;
}

}  // namespace faults
