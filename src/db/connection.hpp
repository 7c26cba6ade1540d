#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "db/catalog_gate.hpp"
#include "db/parameters.hpp"
#include "db/result.hpp"
#include "db/target.hpp"
#include "db/types.hpp"
#include "sql/statement.hpp"

struct pg_conn;

namespace opsh::db {

class Borrowed;
struct ClientParameters;
class Cursor;

/// A NOTICE, WARNING or other message of the server.
struct Notice {
  std::string severity;
  std::string message;
};

/// One connection to the server, opened once and never again: when it is lost, it stays lost.
///
/// Extended protocol only, one statement a call. After every statement the backend's pid and the transaction's status
/// must be what they were, else the session is broken for good (facts: a single COMMIT passes the protocol's own
/// check). Only Reader and Writer make one.
class Connection {
 public:
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int backend_pid() const { return backend_pid_; }
  /// As the server names them: a role that was taken is the user.
  const std::string& user() const { return user_; }
  const std::string& database() const { return database_; }
  int server_version() const;  ///< 150018
  /// How another program connects to the same server (db/client_parameters.hpp).
  ClientParameters client_parameters() const;

  /// The shape of a type, asked from the catalog once.
  const Type& type(unsigned oid);
  void learn_types(const Result& result);

  /// Where notices go as they arrive; the default drops them.
  void on_notice(std::function<void(const Notice&)> sink) { notice_sink_ = std::move(sink); }

  /// Called while an answer is waited for, a second after the statement was sent and every half one from then on, with
  /// the time so far; once with nothing when the wait is over. What it throws is dropped.
  void on_waiting(std::function<void(std::optional<Seconds>)> sink) { waiting_sink_ = std::move(sink); }

  /// Quoting, arrays and bytea by libpqxx, which borrows this connection.
  Borrowed& pqxx() { return *borrowed_; }

  /// To be called before a statement is sent: the second half of the gate. Errors: "sql.refused".
  template <class Sql>
  void permit(const Sql& sql) {
    if (gate_) gate_->require(sql);
  }

  void savepoint();
  void release_savepoint();
  void rollback_to_savepoint();

  /// For poll(2): readable when the server says something on its own, or is gone.
  int descriptor() const;
  /// Takes what the server said on its own. Errors: what lost() is about, when the session is over.
  void stir();

  /// Ends the session now; the server rolls back what was open. Idempotent.
  void close() noexcept;

  /// Whether nothing can be run on it any more; every call then throws the error that said so first.
  bool lost() const { return lost_.has_value(); }
  unsigned next_cursor() { return ++cursors_; }
  /// Rises when a transaction begins and when one is taken back to a savepoint: cursors of before are gone.
  unsigned era() const { return era_; }

 private:
  friend class Reader;
  friend class Writer;
  friend class Witness;
  friend class Cursor;
  friend struct Sample sample(Connection& connection, const sql::ReadSql& sql, const Parameters& parameters, int limit);
  friend class CopyOut;
  friend class CopyIn;

  enum class Access { read, write };
  /// What a statement may do to the transaction's status.
  enum class Control { none, begins, ends };

  Connection(const Target& target, Access access);

  void open(const Target& target);
  void settle(const Target& target, Access access);
  void take_role(const std::string& role);
  static void refuse_settings(const Result& found, Access access);
  Result execute(const char* text, const Parameters& parameters, Control control = Control::none);
  /// As execute; the server keeps the plan for the next time. `text` is a literal of the host's.
  Result execute_prepared(const char* text, const Parameters& parameters);
  /// As execute_prepared, with one plan for all values: to plan the gate's questions takes longer than to answer them.
  Result execute_planned(const char* text, const Parameters& parameters);
  Result describe(const char* text, const Parameters& parameters);

  void require_ready();
  const char* prepare(const char* text, const Parameters& parameters);
  void send_prepared(const char* name, const Parameters& parameters);
  void send_prepare(const char* name, const char* text, const Parameters& parameters);
  void send(const char* text, const Parameters& parameters);
  Result receive(Control control = Control::none);
  Result receive_middle_of_three();
  Result next_result(const Deadline& deadline);
  Result checked(Result result, Control control);
  Deadline send_off();
  Deadline answer_deadline() const;
  void wait(short events, const Deadline& deadline);
  void say_waiting(bool over) noexcept;
  void flush(const Deadline& deadline);
  std::thread cancel();
  void land();
  void leave_transaction();
  void require_alive() const;
  [[noreturn]] void give_up(Error error);
  [[noreturn]] void lose();

  struct Finish {
    void operator()(pg_conn* connection) const noexcept;
  };
  std::unique_ptr<pg_conn, Finish> connection_;
  std::unique_ptr<Borrowed> borrowed_;
  std::function<void(const Notice&)> notice_sink_;
  std::function<void(std::optional<Seconds>)> waiting_sink_;
  Clock::time_point waiting_since_;
  Deadline waiting_next_;      ///< when the sink is called
  bool said_waiting_ = false;  ///< and has to be told of the end
  std::optional<CatalogGate> gate_;
  std::map<unsigned, Type> types_;
  std::map<const char*, std::string> prepared_;  ///< names, by the literal
  Cursor* in_flight_ = nullptr;                  ///< its FETCH is under way
  Seconds statement_within_{0};
  Deadline cancelled_;  ///< for the answer to a cancel request that was sent for the statement under way
  int backend_pid_ = 0;
  std::string user_;
  std::string database_;
  unsigned cursors_ = 0;
  unsigned era_ = 0;
  unsigned savepoints_ = 0;
  bool in_transaction_ = false;
  bool copying_ = false;  ///< a COPY owns the session until it ends
  std::optional<Error> lost_;
};

}  // namespace opsh::db
