#include "db/copy.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <string_view>
#include <thread>

#include "base/interrupt.hpp"
#include "db/errors.hpp"
#include "db/session.hpp"

namespace opsh::db {
namespace {

constexpr std::size_t chunk = 64 * 1024;

/// COPY's text format, PostgreSQL's documentation, "COPY", File Formats.
void decode(std::string_view line, std::vector<std::optional<std::string>>& fields) {
  fields.clear();
  if (!line.empty() && line.back() == '\n') line.remove_suffix(1);
  std::string value;
  bool null = false;
  for (std::size_t at = 0; at <= line.size(); ++at) {
    if (at == line.size() || line[at] == '\t') {
      fields.push_back(null ? std::nullopt : std::optional{std::move(value)});
      value.clear();
      null = false;
    } else if (line[at] != '\\') {
      value += line[at];
    } else {
      switch (char escaped = line[++at]) {
        case 'N':
          null = true;
          break;
        case 'b':
          value += '\b';
          break;
        case 'f':
          value += '\f';
          break;
        case 'n':
          value += '\n';
          break;
        case 'r':
          value += '\r';
          break;
        case 't':
          value += '\t';
          break;
        case 'v':
          value += '\v';
          break;
        default:
          value += escaped;
      }
    }
  }
}

void encode(std::string_view value, std::string& out) {
  for (char character : value) {
    switch (character) {
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += character;
    }
  }
}

}  // namespace

CopyOut::CopyOut(Connection& connection, const sql::ReadSql& sql) : connection_(connection) {
  connection.permit(sql);
  constexpr std::string_view before = "copy (";
  std::string text = fmt::format("{}{}\n) to stdout", before, sql.text());
  located(sql, static_cast<int>(before.size()), [&] { connection_.execute(text.c_str(), {}); });
  connection_.copying_ = true;
}

CopyOut::~CopyOut() {
  if (ended_ || connection_.lost()) return;
  std::thread asking = connection_.cancel();
  try {
    std::vector<std::optional<std::string>> fields;
    while (next(fields)) {
    }
  } catch (const Error&) {
    // The cancelled COPY reports itself; the session's transaction is doomed, as the caller's error already says.
  }
  if (!asking.joinable()) return;
  // Waited for, because a late request would hit the next statement.
  if (connection_.lost())
    asking.detach();
  else
    asking.join();
}

bool CopyOut::next(std::vector<std::optional<std::string>>& fields) {
  if (ended_) return false;
  for (;;) {
    char* line = nullptr;
    int length = PQgetCopyData(connection_.connection_.get(), &line, 1);
    if (length > 0) {
      decode({line, static_cast<std::size_t>(length)}, fields);
      PQfreemem(line);
      return true;
    }
    if (length < 0) {
      ended_ = true;
      connection_.copying_ = false;
      connection_.receive();
      return false;
    }
    connection_.wait(POLLIN, connection_.answer_deadline());
    if (!PQconsumeInput(connection_.connection_.get()))
      connection_.give_up(connection_lost(PQerrorMessage(connection_.connection_.get())));
  }
}

CopyIn::CopyIn(Writer& writer, const sql::QualifiedName& table, std::span<const sql::Identifier> columns)
    : connection_(writer.connection()) {
  if (!writer.in_transaction())
    throw Error{"session.no_transaction", "a write was asked for outside a batch", "write inside apply"};
  std::string text = "copy " + table.text() + " (";
  for (const auto& column : columns) text += (&column == columns.data() ? "" : ", ") + column.text();
  connection_.execute((text + ") from stdin").c_str(), {});
  connection_.copying_ = true;
}

CopyIn::~CopyIn() {
  if (ended_ || connection_.lost()) return;
  connection_.copying_ = false;
  try {
    interrupt::Shield shield;
    PQputCopyEnd(connection_.connection_.get(), "abandoned by opsh");
    connection_.receive();
  } catch (const Error&) {
    // The server says that it was abandoned: that is what was wanted.
  }
}

void CopyIn::row(std::span<const std::optional<std::string_view>> fields) {
  bool first = true;
  for (const auto& field : fields) {
    if (!std::exchange(first, false)) buffer_ += '\t';
    if (field)
      encode(*field, buffer_);
    else
      buffer_ += "\\N";
  }
  buffer_ += '\n';
  if (buffer_.size() >= chunk) flush();
}

void CopyIn::flush() {
  pg_conn* connection = connection_.connection_.get();
  while (!buffer_.empty()) {
    int put = PQputCopyData(connection, buffer_.data(), static_cast<int>(buffer_.size()));
    if (put < 0) connection_.give_up(connection_lost(PQerrorMessage(connection)));
    if (put == 1) buffer_.clear();
    connection_.flush(connection_.answer_deadline());
  }
}

std::uint64_t CopyIn::finish() {
  flush();
  ended_ = true;
  connection_.copying_ = false;
  if (PQputCopyEnd(connection_.connection_.get(), nullptr) < 0)
    connection_.give_up(connection_lost(PQerrorMessage(connection_.connection_.get())));
  return connection_.receive().affected();
}

}  // namespace opsh::db
