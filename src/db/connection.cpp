#include "db/connection.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>

#include "base/interrupt.hpp"
#include "db/borrowed.hpp"
#include "db/cursor.hpp"
#include "db/errors.hpp"

namespace opsh::db {
namespace {

std::string_view field_or(const pg_result* result, int code, std::string_view otherwise) {
  const char* text = PQresultErrorField(result, code);
  return text ? std::string_view{text} : otherwise;
}

/// Tags of statements that begin or end a transaction; "ROLLBACK" is also that of ROLLBACK TO, which is opsh's own.
bool is_transaction_control(std::string_view tag) {
  constexpr std::string_view tags[] = {"BEGIN", "START TRANSACTION", "COMMIT", "ROLLBACK", "PREPARE TRANSACTION"};
  return std::find(std::begin(tags), std::end(tags), tag) != std::end(tags);
}

}  // namespace

void Connection::Finish::operator()(pg_conn* connection) const noexcept {
  PQfinish(connection);
}

Connection::Connection(const Target& target, Access access) {
  open(target);
  borrowed_ = std::make_unique<Borrowed>(connection_.get());
  PQsetNoticeReceiver(
      connection_.get(),
      [](void* self, const pg_result* result) {
        auto& sink = static_cast<Connection*>(self)->notice_sink_;
        if (sink)
          sink({std::string{field_or(result, PG_DIAG_SEVERITY, "NOTICE")},
                std::string{field_or(result, PG_DIAG_MESSAGE_PRIMARY, "")}});
      },
      this);
  settle(target, access);
  if (target.judged)
    gate_.emplace(target.declared,
                  [this](const char* text, const Parameters& parameters) { return execute_planned(text, parameters); });
}

Connection::~Connection() {
  close();
}

void Connection::close() noexcept {
  borrowed_.reset();
  connection_.reset();
  if (!lost_) lost_.emplace("session.closed", "this session is closed");
  in_transaction_ = false;
  in_flight_ = nullptr;
}

int Connection::server_version() const {
  return PQserverVersion(connection_.get());
}

int Connection::descriptor() const {
  return PQsocket(connection_.get());
}

void Connection::stir() {
  require_alive();
  pollfd watched{descriptor(), POLLIN, 0};
  while (::poll(&watched, 1, 0) > 0) {
    if (!PQconsumeInput(connection_.get()) || PQstatus(connection_.get()) != CONNECTION_OK) lose();
    // Notices and messages to listeners are read by the way.
    PQisBusy(connection_.get());
  }
}

const Type& Connection::type(unsigned oid) {
  if (const Type* known = fixed_type(oid)) return *known;
  if (auto known = types_.find(oid); known != types_.end()) return known->second;
  Result found = execute(
      // Arrays of some types (box, PostGIS) have a delimiter other than a comma, unnest() takes a composite apart, and
      // int2vector has elements but is written otherwise.
      "select t.oid, case when t.typdelim = ',' and t.typtype <> 'c' then t.typarray else 0 end, "
      "case when t.typoutput = 'pg_catalog.array_out'::pg_catalog.regproc and t.typdelim = ',' then t.typelem else 0 "
      "end, "
      "pg_catalog.format_type(t.oid, null) from pg_catalog.pg_type as t where t.oid = $1",
      {{std::to_string(oid), oid::oid}});
  Type type{oid, 0, 0, "text"};
  if (found.rows() == 1) {
    auto number = [&](int column) { return static_cast<unsigned>(std::stoul(std::string{*found.field(0, column)})); };
    type = {oid, number(1), number(2), std::string{*found.field(0, 3)}};
  }
  return types_.emplace(oid, std::move(type)).first->second;
}

void Connection::learn_types(const Result& result) {
  for (int column = 0; column < result.columns(); ++column) type(result.type(column));
}

void Connection::require_ready() {
  land();
  if (copying_)
    throw Error{"session.busy", "a COPY is under way on this session", "run other statements before or after it"};
  if (interrupt::heeded()) throw Error{"interrupted", "interrupted"};
  require_alive();
}

Result Connection::execute(const char* text, const Parameters& parameters, Control control) {
  require_ready();
  send(text, parameters);
  return receive(control);
}

Result Connection::execute_prepared(const char* text, const Parameters& parameters) {
  require_ready();
  send_prepared(prepare(text, parameters), parameters);
  return receive();
}

/// The setting holds for this statement alone, and all three travel together. After an error the transaction is doomed,
/// and the setting goes with it.
Result Connection::execute_planned(const char* text, const Parameters& parameters) {
  require_ready();
  const char* name = prepare(text, parameters);
  const char* one_plan = prepare("select pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true)", {});
  const char* as_settled = prepare("select pg_catalog.set_config('plan_cache_mode', 'auto', true)", {});
  if (!PQenterPipelineMode(connection_.get())) lose();
  send_prepared(one_plan, {});
  send_prepared(name, parameters);
  send_prepared(as_settled, {});
  if (!PQpipelineSync(connection_.get())) lose();
  return receive_middle_of_three();
}

const char* Connection::prepare(const char* text, const Parameters& parameters) {
  auto [known, made] = prepared_.try_emplace(text, fmt::format("opsh_{}", prepared_.size() + 1));
  if (!made) return known->second.c_str();
  try {
    send_prepare(known->second.c_str(), text, parameters);
    receive();
  } catch (const Error&) {
    prepared_.erase(known);
    throw;
  }
  return known->second.c_str();
}

void Connection::send_prepared(const char* name, const Parameters& parameters) {
  std::vector<const char*> texts;
  for (const auto& value : parameters.values()) texts.push_back(value.text ? value.text->c_str() : nullptr);
  if (!PQsendQueryPrepared(connection_.get(), name, static_cast<int>(texts.size()), texts.data(), nullptr, nullptr, 0))
    lose();
}

void Connection::send_prepare(const char* name, const char* text, const Parameters& parameters) {
  std::vector<Oid> types;
  for (const auto& value : parameters.values()) types.push_back(value.type);
  if (!PQsendPrepare(connection_.get(), name, text, static_cast<int>(types.size()), types.data())) lose();
}

Result Connection::describe(const char* text, const Parameters& parameters) {
  land();
  require_alive();
  send_prepare("", text, parameters);
  receive();
  if (!PQsendDescribePrepared(connection_.get(), "")) lose();
  return receive();
}

void Connection::send(const char* text, const Parameters& parameters) {
  require_alive();
  const auto& values = parameters.values();
  if (values.size() > 65535)
    throw Error{"sql.parameters", fmt::format("{} parameters; PostgreSQL takes at most 65535", values.size()),
                "send rows as a relation (from :rows as r)"};
  std::vector<Oid> types;
  std::vector<const char*> texts;
  std::vector<int> lengths;
  for (const auto& value : values) {
    if (value.text && value.text->find('\0') != std::string::npos)
      throw Error{"data.nul", "a parameter holds a NUL byte, which PostgreSQL's text cannot hold",
                  "pass it as bytea: encode(...) or '\\x...' text"};
    types.push_back(value.type);
    texts.push_back(value.text ? value.text->c_str() : nullptr);
    lengths.push_back(0);
  }
  if (!PQsendQueryParams(connection_.get(), text, static_cast<int>(values.size()), types.data(), texts.data(),
                         lengths.data(), nullptr, 0))
    lose();
}

Result Connection::checked(Result result, Control control) {
  pg_conn* connection = connection_.get();
  if (PQstatus(connection) != CONNECTION_OK) {
    int position = 0;
    std::string message = PQerrorMessage(connection);
    if (result && PQresultStatus(result.get()) == PGRES_FATAL_ERROR)
      message = server_error(result.get(), position).message;
    give_up(connection_lost(message));
  }
  if (!result) give_up(connection_lost("no answer"));
  auto status = PQresultStatus(result.get());
  if (status == PGRES_FATAL_ERROR) {
    int position = 0;
    Error error = server_error(result.get(), position);
    if (ends_session(result.get())) give_up(std::move(error));
    // A COMMIT that failed, if one passed the gate: the transaction is over, and opsh did not ask for that.
    if (control == Control::none && in_transaction_ && PQtransactionStatus(connection) == PQTRANS_IDLE)
      give_up(session_broken(error.message));
    if (error.sqlstate == "57014" && interrupt::heeded()) {
      interrupt::note_cancelled(error.sqlstate);
      throw Error{"interrupted", "interrupted"};
    }
    throw SqlError{std::move(error), position};
  }
  if (status == PGRES_COPY_OUT || status == PGRES_COPY_IN) return result;

  bool in_transaction = PQtransactionStatus(connection) == PQTRANS_INTRANS;
  bool expected = control == Control::none ? in_transaction_ : control == Control::begins;
  // COMMIT AND CHAIN leaves the status as it was: only its tag tells (facts).
  bool controls = control == Control::none && is_transaction_control(result.tag());
  if (controls || in_transaction != expected || (backend_pid_ != 0 && PQbackendPID(connection) != backend_pid_))
    give_up(session_broken(result.tag()));
  in_transaction_ = in_transaction;
  if (control == Control::begins) ++era_;
  if (control == Control::ends) leave_transaction();
  return result;
}

void Connection::savepoint() {
  execute(fmt::format("savepoint opsh_{}", savepoints_ + 1).c_str(), {});
  ++savepoints_;
}

void Connection::release_savepoint() {
  execute(fmt::format("release savepoint opsh_{}", savepoints_).c_str(), {});
  --savepoints_;
}

void Connection::rollback_to_savepoint() {
  interrupt::Shield shield;
  std::string name = fmt::format("opsh_{}", savepoints_);
  execute(("rollback to savepoint " + name).c_str(), {}, Control::begins);
  execute(("release savepoint " + name).c_str(), {});
  --savepoints_;
}

void Connection::leave_transaction() {
  in_transaction_ = false;
  savepoints_ = 0;
  ++era_;
}

void Connection::require_alive() const {
  if (lost_) throw *lost_;
}

void Connection::give_up(Error error) {
  say_waiting(true);
  lost_ = error;
  in_transaction_ = false;
  in_flight_ = nullptr;
  throw error;
}

void Connection::lose() {
  give_up(connection_lost(PQerrorMessage(connection_.get())));
}

void Connection::land() {
  if (in_flight_) in_flight_->land();
}

}  // namespace opsh::db
