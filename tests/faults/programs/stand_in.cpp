// A stand-in for opsh with a defect, as found in scripts of this kind: it counts the rows of `counters` up in batches,
// and goes on where it stopped. The same faults and the same judge that let opsh pass must catch it; else the test of
// opsh shows nothing.
//
//   stand_in CONNINFO ROWS BATCH DEFECT FOLDER [INCREMENT]
//
// Ends with 0 when all rows are done, with 1 when it must be started again.

#include <fcntl.h>
#include <libpq-fe.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

namespace {

struct Lost : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Session {
 public:
  explicit Session(const std::string& conninfo)
      : connection_(PQconnectdb((conninfo + " fallback_application_name=stand_in").c_str()), &PQfinish) {
    if (PQstatus(connection_.get()) != CONNECTION_OK) throw Lost{PQerrorMessage(connection_.get())};
  }

  /// The first field of the answer; empty when there is none.
  std::string run(const std::string& sql) {
    std::unique_ptr<PGresult, decltype(&PQclear)> result{PQexec(connection_.get(), sql.c_str()), &PQclear};
    if (PQstatus(connection_.get()) != CONNECTION_OK) throw Lost{PQerrorMessage(connection_.get())};
    auto status = PQresultStatus(result.get());
    if (status == PGRES_COMMAND_OK) return {};
    if (status != PGRES_TUPLES_OK) throw Refused{PQresultErrorMessage(result.get())};
    return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
  }

 private:
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

class StandIn {
 public:
  explicit StandIn(char** words)
      : conninfo_(words[1]),
        rows_(std::stoi(words[2])),
        batch_(std::stoi(words[3])),
        defect_(words[4]),
        file_(std::string{words[5]} + "/place"),
        effects_(std::string{words[5]} + "/effects"),
        increment_(words[6] ? words[6] : "1"),
        keeps_file_(has("place_in_file") || has("no_disk")) {}

  void work() {
    connect();
    session_->run(
        "select pg_advisory_xact_lock(1); "
        "create table if not exists stand_in (position integer not null, at numeric not null); "
        "create table if not exists stand_in_rounds (ended timestamptz default now())");
    for (position_ = known_place(); position_ < rows_; position_ += batch_) do_batch();
    ::unlink(file_.c_str());
    session_->run("begin; insert into stand_in_rounds default values; delete from stand_in; commit");
  }

 private:
  bool has(std::string_view defect) const { return defect_ == defect; }

  void connect() {
    session_.emplace(conninfo_);
    session_->run("set client_min_messages = error");
    if (has("no_disk")) session_->run("set synchronous_commit = off");
  }

  /// After a lost connection; the server may be starting.
  void connect_again() {
    for (int tries = 0;; ++tries) {
      try {
        return connect();
      } catch (const Lost&) {
        if (tries == 100) throw;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
    }
  }

  int known_place() {
    if (keeps_file_) {
      int place = 0;
      std::ifstream{file_} >> place;
      return place;
    }
    std::string order = has("by_clock") ? "at" : "position";
    std::string place = session_->run("select position from stand_in order by " + order + " desc limit 1");
    return place.empty() ? 0 : std::stoi(place);
  }

  int last() const { return std::min(position_ + batch_, rows_); }

  std::string changes() const {
    return "update counters set n = n + " + increment_ + " where id between " + std::to_string(position_ + 1) +
           " and " + std::to_string(last());
  }

  std::string entry() const {
    return "insert into stand_in values (" + std::to_string(last()) + ", " + std::to_string(std::time(nullptr)) + ")";
  }

  void do_batch() {
    if (has("late_ledger") || keeps_file_) {
      session_->run("begin; " + changes() + "; commit");
      remember();
    } else if (has("goes_on")) {
      go_on_in_spite();
    } else {
      in_one_transaction();
      // What is to be done after the COMMIT is known to this process alone.
      if (has("own_memory")) std::ofstream{effects_, std::ios::app} << position_ + 1 << "\n";
    }
  }

  /// The place comes after the COMMIT, and the window between the two is open for a moment.
  void remember() {
    std::printf("%d\n", last());
    std::fflush(stdout);
    if (has("late_ledger")) {
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
      session_->run(entry());
      return;
    }
    std::string fresh = file_ + ".new", text = std::to_string(last()) + "\n";
    int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool written = file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ::close(file);
    if (!written || std::rename(fresh.c_str(), file_.c_str()) != 0) throw Refused{"the place cannot be written"};
  }

  /// An error is shown and the next statement sent. COMMIT then answers ROLLBACK, which is no error.
  void go_on_in_spite() {
    for (const std::string& sql : {std::string{"begin"}, changes(), entry(), std::string{"commit"}}) {
      try {
        session_->run(sql);
      } catch (const Refused& error) {
        std::cerr << error.what();
      }
    }
  }

  /// The ledger is right, and so is what follows unless the connection is lost.
  void in_one_transaction() {
    std::string transaction;
    for (bool committed = false; !committed;) {
      bool committing = false;
      try {
        session_->run("begin");
        session_->run(changes());
        session_->run(entry());
        transaction = session_->run("select pg_current_xact_id()");
        committing = true;
        session_->run("commit");
        committed = true;
        // Long enough to be met between two transactions.
        if (has("no_fence")) std::this_thread::sleep_for(std::chrono::milliseconds(2));
      } catch (const Lost&) {
        if (!has("blind_retry") && !(committing && (has("by_transaction_id") || has("looks_at_once")))) throw;
        connect_again();
        committed = committing && took_place(transaction);
      }
    }
  }

  /// Whether a COMMIT that was not answered took place, as the defect sees it.
  bool took_place(const std::string& transaction) {
    if (has("by_transaction_id")) return session_->run("select pg_xact_status('" + transaction + "')") == "committed";
    if (has("looks_at_once"))
      return session_->run("select count(*) from stand_in where position = " + std::to_string(last())) == "1";
    return false;
  }

  std::string conninfo_;
  int rows_, batch_;
  std::string defect_, file_, effects_, increment_;
  bool keeps_file_;
  int position_ = 0;
  std::optional<Session> session_;
};

}  // namespace

int main(int count, char** words) {
  if (count < 6) return 2;
  try {
    StandIn{words}.work();
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what();
    return 1;
  }
}
