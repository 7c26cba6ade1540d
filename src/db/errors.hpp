#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"

struct pg_result;

namespace opsh::db {

/// The kind of error for a SQLSTATE, most specific first: PostgreSQL's appendix A read for what an operator does next.
std::string kind_of(std::string_view sqlstate);

/// What the server said, as an Error; `position` gets the 1-based character in the statement, 0 when there is none.
Error server_error(const pg_result* result, int& position);

/// Whether the server ends the session with that error (FATAL, PANIC).
bool ends_session(const pg_result* result);

/// An error of a statement, with the 1-based character where the server saw it (0: nowhere).
struct SqlError : Error {
  int position;
  SqlError(Error error, int at) : Error(std::move(error)), position(at) {}
};

/// A connection that is gone. What was under way is unknown to this session.
Error connection_lost(std::string_view libpq_message);

/// A statement that began or ended a transaction, or changed the backend, behind opsh's back. `answer`: the server's.
Error session_broken(std::string_view answer);

}  // namespace opsh::db
